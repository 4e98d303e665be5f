package bench

import (
	"maps"
	"strings"

	"github.com/leftoff/leftoff/internal/rig"
)

// mm2Default takes away what the rig tunes: every interval and offset.lag.max are MirrorMaker 2's own. Syncing of group offsets stays
// on, which by default it is not.
var mm2Default = map[string]string{
	"offset.lag.max": "", "sync.group.offsets.interval.seconds": "", "emit.checkpoints.interval.seconds": "",
	"refresh.groups.interval.seconds": "", "refresh.topics.interval.seconds": "", "secondary.offset.flush.interval.ms": "",
}

const (
	mm2TunedSays   = "MirrorMaker 2 tuned: every interval 1 s, offset.lag.max 0, 2 tasks, 768 MiB heap, the whole compiler"
	mm2DefaultSays = "MirrorMaker 2 default: its own intervals (60 s) and offset.lag.max (100), but group offsets synced, 2 tasks"
)

// startMirrorMaker copies the topics, keeping their names, and syncs the offsets of the groups; both are MirrorMaker 2's regular
// expressions. more is laid over the tuned settings.
func startMirrorMaker(r *Run, primary, secondary *rig.Cluster, topics, groups string, more map[string]string) *rig.MM2 {
	r.Helper()
	props := map[string]string{
		"primary->secondary.topics": topics, "primary->secondary.groups": groups, "replication.policy.class": rig.IdentityPolicy,
	}
	maps.Copy(props, more)
	return rig.StartMM2(r.TB, primary, secondary, props)
}

// forgetMirrorMaker removes the topics in which MirrorMaker 2 keeps what it did, so that the next one begins anew.
func forgetMirrorMaker(r *Run, clusters ...*rig.Cluster) {
	r.Helper()
	for _, c := range clusters {
		topics, err := c.Admin().ListTopics(r.Context)
		if err != nil {
			r.Fatal(err)
		}
		for name := range topics {
			if strings.HasPrefix(name, "mm2-") || strings.HasSuffix(name, ".checkpoints.internal") {
				c.DeleteTopic(r.TB, name)
			}
		}
	}
}
