package daemon

import (
	"slices"
	"testing"

	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/replicator/failover"
	"github.com/leftoff/leftoff/translate"
)

func entry(topic string, reason replicator.Reason, c translate.Confidence) replicator.Entry {
	e := replicator.Entry{Reason: reason, Position: translate.Position{Confidence: c}, HasWritten: true}
	e.Commit.Topic = topic
	return e
}

// What a group is called exact for is every position of it, and not those that happen not to be held.
func TestViewOf(t *testing.T) {
	exact, none := entry("orders", replicator.NoReason, translate.Exact), translate.Unmapped
	refused := entry("orders", replicator.Unreachable, translate.Exact)
	for what, c := range map[string]struct {
		entries    []replicator.Entry
		in         []string
		confidence string
		reread     int64
		offsets    int
		due        int
		elsewhere  []string
	}{
		"exact":                       {[]replicator.Entry{exact, exact}, nil, "exact", 0, 2, 0, nil},
		"one is held":                 {[]replicator.Entry{exact, entry("orders", replicator.CatchingUp, none)}, nil, failover.LastWritten, -1, 2, 0, nil},
		"all are held":                {[]replicator.Entry{entry("orders", replicator.CatchingUp, none)}, nil, failover.LastWritten, -1, 1, 0, nil},
		"behind the fence":            {[]replicator.Entry{entry("orders", replicator.HandedOver, none)}, nil, failover.NotOurs, 0, 1, 0, nil},
		"a write that is tried again": {[]replicator.Entry{refused}, nil, "exact", 0, 1, 1, nil},
		"the mapping is not there":    {[]replicator.Entry{entry("orders", replicator.Unreachable, none)}, nil, failover.LastWritten, -1, 1, 0, nil},
		"filtered":                    {[]replicator.Entry{exact, entry("other", replicator.Filtered, none)}, nil, "exact", 0, 1, 0, nil},
		"elsewhere, too": {[]replicator.Entry{exact, entry("refunds", replicator.NoReason, translate.Floor), entry("refunds", replicator.NoReason, none)},
			[]string{"orders"}, "exact", 0, 1, 0, []string{"refunds"}},
	} {
		v, reads := viewOf(&replicator.GroupSnapshot{Group: "g", Started: true, Entries: c.entries}, c.in)
		if v.Confidence != c.confidence || v.Reread != c.reread || v.Offsets != c.offsets || v.Due != c.due || !slices.Equal(v.Elsewhere, c.elsewhere) || !v.Started {
			t.Errorf("%s: %+v", what, v)
		}
		if len(reads) != c.offsets || slices.Contains(reads, "refunds") {
			t.Errorf("%s: reads %v", what, reads)
		}
	}
}
