package acceptance

import (
	"strings"
	"time"

	"github.com/leftoff/leftoff/internal/judge"
	"github.com/leftoff/leftoff/internal/rig"
)

// late is how old a commit may be, as its region dies, and still be unknown on the other side. Tests that share the machine with others
// get more: what is measured there is the machine.
func late() time.Duration {
	if rig.Soaking() {
		return 200 * time.Millisecond
	}
	return 3 * time.Second
}

// resumesWithin asserts that no group reads again what it had committed earlier than late before the primary died: every position is at
// or above T of the newest commit of then, or of a later one where the group had gone back. T counts what was mirrored, and no more. It
// returns how many positions it looked at.
func (b *bench) resumesWithin(killed time.Time, late time.Duration, copies ...*judge.Copies) int {
	b.t.Helper()
	b.caughtUp()
	asOf := killed.Add(-late)
	commits := map[judge.Key][]int64{} // the newest one before asOf, and what came after it
	for _, w := range b.history.Primary.Writes() {
		if w.Value == nil || !strings.HasPrefix(w.Group, b.prefix) || w.Value.Committed.After(killed) {
			continue
		}
		if w.Value.Committed.Before(asOf) {
			commits[w.Key] = commits[w.Key][:0]
		} else if len(commits[w.Key]) == 0 {
			continue // its first commit
		}
		commits[w.Key] = append(commits[w.Key], w.Value.Offset)
	}
	looked, written := 0, b.history.Secondary.Ledger()
	for _, c := range copies {
		for k, offsets := range commits {
			if k.Topic != c.Primary {
				continue
			}
			least := c.T(k.Partition, offsets[0])
			for _, u := range offsets[1:] {
				least = min(least, c.T(k.Partition, u))
			}
			looked++
			w := written[judge.Key{Group: k.Group, Topic: c.Secondary, Partition: k.Partition}]
			if w.Value == nil || w.Value.Offset < least {
				b.t.Errorf("%s: resumes at %v; what was committed %v before the region died is at %d", k, w.Value, late, least)
			}
		}
	}
	return looked
}
