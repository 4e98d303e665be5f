package mirror

import (
	"fmt"

	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/replicator/kafka"
)

// take accepts a fetch of the primary.
func (p *partition) take(f *delivery) {
	if p.doubt != "" || f.generation != p.generation {
		return
	}
	if f.Err != nil {
		p.suspect(fmt.Sprintf("fetching: %v", f.Err), false)
		return
	}
	for i := range f.Batches {
		if !p.sameLeader(&f.Batches[i]) {
			return
		}
	}
	f.Readable(p.options.committed, p.put)
	p.queue.next = max(p.queue.next, f.Next)
	p.view.primary(f.LastStable)
}

// sameLeader notes the leader epochs of the primary's batches. A leader that is new since both sides were compared may have
// replaced records that were copied already, so the last one is compared again before going on. Epochs never fall along a log.
func (p *partition) sameLeader(b *kafka.Batch) bool {
	switch {
	case b.LeaderEpoch < 0 || b.LeaderEpoch == p.streamEpoch:
		return true
	case b.LeaderEpoch < p.streamEpoch:
		p.suspect(fmt.Sprintf("the primary's leader epoch fell from %d to %d at offset %d", p.streamEpoch, b.LeaderEpoch, b.BaseOffset), true)
		return false
	case p.newestEpoch >= 0 && b.LeaderEpoch > p.newestEpoch:
		p.suspect(fmt.Sprintf("the primary has a new leader, epoch %d after %d", b.LeaderEpoch, p.newestEpoch), false)
		p.newestEpoch = b.LeaderEpoch
		return false
	}
	p.streamEpoch, p.newestEpoch = b.LeaderEpoch, max(p.newestEpoch, b.LeaderEpoch)
	p.noteEpoch(b.LeaderEpoch, b.BaseOffset)
	return true
}

// throttle bounds what is held in memory: the feed rests while the secondary is slower than the primary.
func (p *partition) throttle() {
	held, share := p.queue.bytes+p.window.bytes, p.options.prefetch()
	switch {
	case !p.paused && held >= share:
		p.paused = true
		p.feed.Pause()
	case p.paused && held < share/2:
		p.paused = false
		p.feed.Resume()
	}
}

// looked takes what the once-a-second look at both clusters found.
func (p *partition) looked(l looked) {
	if l.err != nil {
		return
	}
	if p.view.bounds(l.secondary, l.sends == p.sends.Load()) {
		p.link.Notify(true)
	}
	p.prune(l)
	p.sameLeaders(l)
	if p.doubt != "" || !p.window.empty() || l.sends != p.sends.Load() {
		return
	}
	if l.secondary.high != p.expected {
		p.counters.surprises++
		p.ended(l.secondary.high)
		p.suspect(fmt.Sprintf("the secondary ends at %d where we left it at %d", l.secondary.high, p.expected), l.secondary.high < p.expected)
	}
}

// sameLeaders: a new leader on either side may have lost what was there. The last record is compared again.
func (p *partition) sameLeaders(l looked) {
	for side, now := range [...]int32{l.primary.epoch, l.secondary.epoch} {
		if was := p.leaders[side]; now > was && p.doubt == "" {
			p.suspect(fmt.Sprintf("the %s has a new leader, epoch %d after %d", replicator.Side(side), now, was), was >= 0)
		}
	}
}

func (p *partition) prune(l looked) {
	if l.primary.start > p.counters.prunedPrimary || l.secondary.start > p.counters.prunedSecondary {
		p.counters.prunedPrimary, p.counters.prunedSecondary = l.primary.start, l.secondary.start
		primary := int64(0) // groups may lag further behind than the primary keeps records
		if p.index.Stats().Runs > manyRuns {
			primary = l.primary.start
		}
		p.index.Prune(primary, l.secondary.start)
	}
}

// quietSends is what a look at the ends carries to show that nothing was sent meanwhile; −1 while something is on the wire.
func (p *partition) quietSends() int64 {
	n := p.sends.Load()
	if p.landed.Load() != n {
		return -1
	}
	return n
}

// manyRuns is when runs below the primary's log start are dropped although the secondary still has their records.
const manyRuns = 1 << 20
