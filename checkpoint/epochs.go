package checkpoint

import (
	"slices"

	"github.com/leftoff/leftoff/translate"
)

// Epoch notes a leader epoch seen in a batch header, with the batch's first offset. The lowest offset seen is kept.
func (p *Partition) Epoch(side Side, epoch int32, start int64) {
	if epoch < 0 || start < 0 {
		return
	}
	p.warn("note epoch", p.write(func(*translate.Copies) error {
		all := p.epochs[side]
		i, found := slices.BinarySearchFunc(all, epoch, func(e EpochStart, epoch int32) int { return int(e.Epoch) - int(epoch) })
		switch {
		case !found:
			p.epochs[side] = slices.Insert(all, i, EpochStart{epoch, start})
		case start < all[i].Start:
			all[i].Start = start
		default:
			return nil
		}
		p.epochsNew = true
		return nil
	}))
}

// Epochs lists the leader epochs seen, ascending.
func (p *Partition) Epochs(side Side) []EpochStart {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return slices.Clone(p.epochs[side])
}

// dropEpochs forgets the epochs that began at an offset that is gone.
func (p *Partition) dropEpochs(side Side, from int64) {
	kept := slices.DeleteFunc(p.epochs[side], func(e EpochStart) bool { return e.Start >= from })
	p.epochsNew = p.epochsNew || len(kept) < len(p.epochs[side])
	p.epochs[side] = kept
}

// pruneEpochs forgets the epochs that ended below a log start.
func (p *Partition) pruneEpochs(side Side, logStart int64) {
	all := p.epochs[side]
	n := 0
	for n+1 < len(all) && all[n+1].Start <= logStart {
		n++
	}
	if n > 0 {
		p.epochs[side], p.epochsNew = slices.Clone(all[n:]), true
	}
}
