package acceptance

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leftoff/leftoff/internal/judge"
	"github.com/leftoff/leftoff/internal/rig"
	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/replicator/failover"
)

// hold keeps requests of a kind that are about topics from a Proxied cluster from now on, and what follows them on their connections: the mirror
// reads no more, or what it read does not arrive. All else passes: commits, and whoever asks for the ends. let lets what comes later pass,
// also where the cluster was killed since.
func hold(t *testing.T, c *rig.Cluster, key int16, prefix string) (let func()) {
	t.Helper()
	const lanes = 4 // connections that records may come by
	var holds []*rig.Hold
	for range lanes {
		holds = append(holds, c.Proxy(t, 1).HoldMatching(key, func(request []byte) bool { return bytes.Contains(request, []byte(prefix)) }))
	}
	select {
	case <-holds[0].Caught:
	case <-time.After(30 * time.Second):
		t.Fatalf("nobody asks for %s", prefix)
	}
	return func() {
		for _, h := range holds {
			h.Release()
		}
	}
}

// confirms asserts that what a failover wrote down of a primary that died is true, and its figures lower bounds: of what was copied, and of
// what never was. S* is the end of the secondary as long as nobody has produced there.
func (b *bench) confirms(s *failover.State, killed time.Time, copies ...*judge.Copies) {
	b.t.Helper()
	b.confirmsMarks(s, copies)
	b.confirmsLoss(s, copies)
	b.confirmsLastCommit(s.Seen.LastCommit, killed)
	if asked := s.Seen.Ends; asked.After(killed) || killed.Sub(asked) > 3*time.Second {
		b.t.Errorf("the primary died at %v, and its ends were asked for at %v", killed, asked)
	}
}

// confirmsMarks: all records below P* were mirrored, and nothing above it ever was.
func (b *bench) confirmsMarks(s *failover.State, copies []*judge.Copies) {
	b.t.Helper()
	for _, c := range copies {
		for _, p := range c.Partitions() {
			m, ok := markOf(s, c.Primary, p)
			if !ok {
				b.t.Errorf("%s/%d: no (P*, S*)", c.Primary, p)
				continue
			}
			below, _ := slices.BinarySearch(c.Offsets(p), m.Primary)
			if sum, _ := c.Summary(p); int64(below) != sum.Mirrored || c.T(p, m.Primary) != m.Secondary {
				b.t.Errorf("%s/%d: switched at %+v, with %d records below P* and T(P*) = %d; mirrored: %+v", c.Primary, p, m, below, c.T(p, m.Primary), sum)
			}
		}
	}
}

func markOf(s *failover.State, topic string, partition int32) (failover.Mark, bool) {
	for _, t := range s.Topics {
		for _, m := range t.Marks {
			if t.Topic == topic && m.Partition == partition {
				return m, true
			}
		}
	}
	return failover.Mark{}, false
}

// confirmsLoss: each offset that is called never mirrored is a record of the primary, and has no copy.
func (b *bench) confirmsLoss(s *failover.State, copies []*judge.Copies) {
	b.t.Helper()
	sum := int64(0)
	for _, u := range s.Seen.Partitions {
		sum += u.To - u.From
		at := slices.IndexFunc(copies, func(c *judge.Copies) bool { return c.Primary == u.Topic })
		if at < 0 {
			b.t.Errorf("%+v: of a topic that nobody compared", u)
			continue
		}
		lost := copies[at].Lost(u.Partition)
		from, _ := slices.BinarySearch(lost, u.From)
		to, _ := slices.BinarySearch(lost, u.To)
		if int64(to-from) != u.To-u.From {
			b.t.Errorf("%+v: the judge finds %d of these %d never mirrored", u, to-from, u.To-u.From)
		}
	}
	if sum != s.Seen.NeverMirrored {
		b.t.Errorf("at least %d records were never mirrored, and %d of them are listed: %+v", s.Seen.NeverMirrored, sum, s.Seen.Partitions)
	}
}

// confirmsLastCommit: one was made at that time, and what came later was made as the primary died.
func (b *bench) confirmsLastCommit(at, killed time.Time) {
	b.t.Helper()
	b.caughtUp()
	made, next := false, time.Time{}
	for _, w := range b.history.Primary.Writes() {
		if w.Value == nil || !strings.HasPrefix(w.Group, b.prefix) || w.Value.Committed.After(killed) {
			continue
		}
		made = made || w.Value.Committed.Equal(at)
		if w.Value.Committed.After(at) && (next.IsZero() || w.Value.Committed.Before(next)) {
			next = w.Value.Committed
		}
	}
	if !made || !next.IsZero() && next.Before(killed.Add(-late())) {
		b.t.Errorf("the last commit seen is said to be of %v (there is one: %v); the next one is of %v, and the primary died at %v", at, made, next, killed)
	}
}

// known are the newest commits of each key that leftoff has seen: of the primary as it was, while it is gone.
func (r *running) known(prefix string) map[judge.Key]int64 {
	r.t.Helper()
	all := map[judge.Key]int64{}
	for _, g := range r.snapshot().Groups {
		for _, e := range g.Entries {
			if strings.HasPrefix(g.Group, prefix) && e.Reason != replicator.Filtered {
				all[judge.Key{Group: g.Group, Topic: e.Commit.Topic, Partition: e.Commit.Partition}] = e.Commit.Offset
			}
		}
	}
	return all
}

// confirmsRereads asserts that no group reads more again than was said when it was handed over, and one that was called exact nothing:
// counted from the commits that were known. It returns how many groups had such a bound, and the most that one of them reads again.
func (b *bench) confirmsRereads(groups []failover.GroupReport, known map[judge.Key]int64, copies ...*judge.Copies) (bounded int, worst int64) {
	b.t.Helper()
	b.caughtUp()
	again, skipped := map[string]int64{}, map[string]int64{}
	written := b.history.Secondary.Ledger()
	for k, u := range known {
		at := slices.IndexFunc(copies, func(c *judge.Copies) bool { return c.Primary == k.Topic })
		w := written[judge.Key{Group: k.Group, Topic: k.Topic, Partition: k.Partition}]
		if at < 0 || w.Value == nil {
			b.t.Errorf("%s: committed %d, and nothing is on the secondary", k, u)
			continue
		}
		v := copies[at].Judge(k.Partition, u, w.Value.Offset)
		again[k.Group], skipped[k.Group] = again[k.Group]+v.Reread, skipped[k.Group]+v.Skipped
	}
	for _, g := range groups {
		n, judged := again[g.Group]
		switch {
		case !judged:
			b.t.Errorf("nothing is known of what %+v had committed", g)
		case skipped[g.Group] != 0, g.Reread >= 0 && n > g.Reread, g.Confidence == "exact" && n != 0:
			b.t.Errorf("%+v: skips %d, and reads %d again", g, skipped[g.Group], n)
		}
		worst = max(worst, n)
		if g.Reread >= 0 {
			bounded++
		}
	}
	return bounded, worst
}
