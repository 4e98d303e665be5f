package mirror

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync/atomic"

	"go.uber.org/zap"

	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/replicator/kafka"
	"github.com/leftoff/leftoff/translate"
)

// Extent is how far a partition was copied, as the records themselves tell: for a day when no index does.
type Extent struct {
	// To is the primary offset behind the last record of which there is a copy; the primary's log start where there is none.
	To int64
	// Missing are offsets of the primary below To from which records are without a copy, in order. Their ends are exclusive.
	Missing []translate.Span
	// Unproven: nothing of what was copied is on the secondary any more, so that nothing tells how far it was. To is the primary's log start.
	Unproven bool
}

// ExtentCluster is what a look at an extent needs of a cluster; *kafka.Cluster is one.
type ExtentCluster interface {
	Cluster
	FetchCommitted(ctx context.Context, tp kafka.TopicPartition, offset int64, maxBytes int32) (kafka.Fetched, error)
}

// Of says which partition is looked at.
type Of struct {
	Primary, Secondary ExtentCluster
	On                 [2]kafka.TopicPartition // by side
	// Until is where the copies end on the secondary: what stands there and above is somebody else's.
	Until           int64
	ReadUncommitted bool
	LeftOut         []translate.Span // see Options
	Logger          *zap.Logger
	// Read counts the offsets that were read on both sides, as they are. Nil: nobody counts.
	Read *atomic.Int64
}

// maxMissing bounds the stretches of an extent: what is full of holes is no copy that this mirror made.
const maxMissing = 1000

// ExtentOf reads all of the partition's records on both sides, up to where the copies end, and changes nothing. It needs what a start
// without an index needs (begin.go), and rests on the same: copies are in order up to re-copies, and records differ.
func ExtentOf(ctx context.Context, of Of) (Extent, error) {
	if of.Logger == nil {
		of.Logger = zap.NewNop()
	}
	var second map[string]kafka.TopicConfig
	if of.Until > 0 { // else it need not be there at all
		var err error
		if second, err = of.Secondary.TopicConfigs(ctx, of.On[replicator.Secondary].Topic); err != nil {
			return Extent{}, fmt.Errorf("settings of %s on the secondary: %w", of.On[replicator.Secondary].Topic, err)
		}
	}
	first, err := of.Primary.TopicConfigs(ctx, of.On[replicator.Primary].Topic)
	if err != nil {
		return Extent{}, fmt.Errorf("settings of %s on the primary: %w", of.On[replicator.Primary].Topic, err)
	}
	p := newPartition(of.On[replicator.Primary].Topic, of.On[replicator.Primary].Partition)
	p.log = of.Logger.With(zap.String("topic", p.topic), zap.Int32("partition", p.number))
	p.topics = readSettings(first, second)
	p.options = rules{committed: !of.ReadUncommitted, slots: make(chan struct{}, 1), leftOut: func() spans { return of.LeftOut }}
	epochs := [2]atomic.Int32{}
	read := of.Primary.FetchCommitted
	if of.ReadUncommitted {
		read = of.Primary.FetchOne
	}
	p.primary = onceLog{side{of.Primary, of.On[replicator.Primary], &epochs[replicator.Primary]}, read, of.Read}
	p.secondary = onceLog{side{of.Secondary, of.On[replicator.Secondary], &epochs[replicator.Secondary]}, of.Secondary.FetchOne, of.Read}
	return p.extent(ctx, of.Until)
}

// onceLog is read with single fetches.
type onceLog struct {
	side
	fetch func(ctx context.Context, tp kafka.TopicPartition, offset int64, maxBytes int32) (kafka.Fetched, error)
	count *atomic.Int64
}

func (l onceLog) Read(ctx context.Context, from int64) (*kafka.Fetched, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	f, err := l.fetch(ctx, l.tp, from, readerBytes)
	if err != nil {
		return nil, fmt.Errorf("read %s at %d: %w", l.tp, from, err)
	}
	if l.count != nil {
		l.count.Add(f.Next - from)
	}
	return &f, nil
}

// extent enumerates both sides as rebuild does. Where that copies again from the first record without a copy, here each of them counts.
func (p *partition) extent(ctx context.Context, until int64) (Extent, error) {
	first, err := p.primary.Ends(ctx)
	if err != nil {
		return Extent{}, fmt.Errorf("primary: %w", err)
	}
	start, err := p.pastLeftOut(ctx, first.start, first)
	if err != nil {
		return Extent{}, err
	}
	if until <= 0 {
		return Extent{To: start}, nil
	}
	second, err := p.secondary.Ends(ctx)
	if err != nil {
		return Extent{}, fmt.Errorf("secondary: %w", err)
	}
	second.high = min(second.high, until)
	if some, err := p.secondaryReader(second.start, second.high).marks(ctx); err != nil {
		return Extent{}, fmt.Errorf("secondary: %w", err)
	} else if len(some) == 0 {
		return p.nothingLeft(ctx, start, first)
	}
	from, ok, err := p.anchor(ctx, first, second)
	if err != nil {
		return Extent{}, err
	}
	if !ok {
		return Extent{To: start}, nil
	}
	ahead := p.primaryReader(from, p.readable(first))
	ahead.except = p.leftOut()
	rules := alignRules{behind: rebuildSearch, ahead: rebuildSearch, compacted: p.topics.compacted, rebuild: true}
	a := newAligner(rules, from, func() ([]mark, error) { return ahead.marks(ctx) }, nil)
	if _, err := p.run(ctx, a, p.secondaryReader(second.start, second.high)); err != nil {
		return Extent{}, err
	}
	e := Extent{Missing: a.stretches()}
	if e.To, err = p.pastLeftOut(ctx, a.end(), first); err != nil {
		return Extent{}, err
	}
	if second.start == 0 && !p.topics.compacted { // see rebuild
		some, err := p.anyRecord(ctx, start, from)
		if err != nil {
			return Extent{}, err
		}
		if some {
			e.Missing = slices.Insert(e.Missing, 0, translate.Span{From: start, To: from})
		}
	}
	if len(e.Missing) > maxMissing {
		return Extent{}, fmt.Errorf("%d stretches of the primary have no copy: these are not the copies that were made", len(e.Missing))
	}
	return e, nil
}

// nothingLeft answers for a secondary that has nothing of the copies any more. Where the primary has nothing, either, as a topic that rested for
// as long as records are kept, nothing can be without a copy.
func (p *partition) nothingLeft(ctx context.Context, start int64, first ends) (Extent, error) {
	some, err := p.anyRecord(ctx, start, p.readable(first))
	if err != nil {
		return Extent{}, err
	}
	return Extent{To: start, Unproven: some}, nil
}

// end is the primary offset behind the last record of which a copy was found.
func (a *aligner) end() int64 {
	if a.front == 0 {
		return a.start
	}
	return a.window[a.front-1-a.first].offset + 1
}

// stretches are the records without a copy, neighbours together.
func (a *aligner) stretches() (all []translate.Span) {
	last := 0
	for _, k := range slices.Sorted(maps.Keys(a.missing)) {
		at := a.missing[k].offset
		if n := len(all); n > 0 && k == last+1 {
			all[n-1].To = at + 1
		} else {
			all = append(all, translate.Span{From: at, To: at + 1})
		}
		last = k
	}
	return all
}
