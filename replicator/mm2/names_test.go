package mm2

import (
	"testing"

	"pgregory.net/rapid"
)

func TestParseName(t *testing.T) {
	for topic, want := range map[string]Name{
		"mm2-offset-syncs.east.internal":     {OffsetSyncs, "east", "."},
		"mm2-offset-syncs-east-internal":     {OffsetSyncs, "east", "-"},
		"mm2-offset-syncs_east-1_internal":   {OffsetSyncs, "east-1", "_"},
		"mm2-offset-syncs.us.east.internal":  {OffsetSyncs, "us.east", "."},
		"mm2-offset-syncs__east__internal":   {OffsetSyncs, "east", "__"},
		"mm2-offset-syncsXeastXinternal":     {OffsetSyncs, "east", "X"},
		"mm2-offset-syncs.internal":          {},
		"mm2-offset-syncs.east-internal":     {},
		"west.checkpoints.internal":          {CheckpointsOf, "west", "."},
		"west-checkpoints-internal":          {CheckpointsOf, "west", "-"},
		"us.west.checkpoints.internal":       {CheckpointsOf, "us.west", "."},
		"west__checkpoints__internal":        {CheckpointsOf, "west", "__"},
		"west.checkpoints-internal":          {},
		"checkpoints.internal":               {},
		".checkpoints.internal":              {},
		"heartbeats":                         {Kind: Heartbeats},
		"west.heartbeats":                    {MirroredHeartbeats, "west", "."},
		"heartbeats.west":                    {},
		"myheartbeats":                       {},
		"mm2-offsets.west.internal":          {Worker, "west", "."},
		"mm2-status.west.internal":           {Worker, "west", "."},
		"orders":                             {},
		"internal":                           {},
		"payments.internal":                  {},
		"west.orders":                        {},
		"checkpoints.of.a.mountain.internal": {},
	} {
		if got := ParseName(topic); got != want {
			t.Errorf("%s is %+v, want %+v", topic, got, want)
		}
		if want.Kind != NotMM2 && !Own(topic) {
			t.Errorf("%s is taken for data", topic)
		}
	}
	for _, data := range []string{"orders", "payments.internal", "mm2", "heartbeats.west", "mm2-orders"} {
		if Own(data) {
			t.Errorf("%s is taken for MirrorMaker 2's", data)
		}
	}
}

// TestNamesBothWays: what MirrorMaker 2 calls its topics is recognised, for any alias that begins and ends in a letter, and
// any separator of punctuation.
func TestNamesBothWays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		alias := rapid.StringMatching(`[a-z]([a-z0-9._-]{0,8}[a-z])?`).Draw(t, "alias")
		sep := rapid.StringMatching(`[._-]{1,3}`).Draw(t, "separator")
		if got := ParseName(SyncsTopic(alias, sep)); got != (Name{OffsetSyncs, alias, sep}) {
			t.Fatalf("%s is %+v", SyncsTopic(alias, sep), got)
		}
		if got := ParseName(CheckpointsTopic(alias, sep)); got != (Name{CheckpointsOf, alias, sep}) {
			t.Fatalf("%s is %+v", CheckpointsTopic(alias, sep), got)
		}
	})
}
