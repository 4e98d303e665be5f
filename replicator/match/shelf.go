package match

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"github.com/leftoff/leftoff/replicator"
)

// shelf keeps the fingerprints of what was read a short while ago: where many groups stand near each other, each of their stretches
// would be fetched again. Logs change at their ends only; whoever learns that one was cut takes it off the shelf.
type shelf struct {
	mu    sync.Mutex
	logs  map[shelved]*volume
	held  int // records, of all
	limit int
	now   func() time.Time
}

type shelved struct {
	p    *partition
	side replicator.Side
}

// volume is what is kept of one log: pieces without overlap, in order.
type volume struct {
	pieces []piece
	held   int
	used   time.Time
}

// piece is a part of a log that was read without a hole.
type piece struct {
	from, to int64
	recs     []rec
	batch    int64
	stamped  bool
	read     time.Time
}

const (
	shelfLimit = 1 << 20         // records, 48 bytes each
	shelfFor   = 2 * time.Minute // compaction goes on meanwhile; what it takes away only lowers positions
)

func newShelf() *shelf {
	return &shelf{logs: map[shelved]*volume{}, limit: shelfLimit, now: time.Now}
}

// put keeps a part of a log.
func (s *shelf) put(p *partition, side replicator.Side, x piece) {
	if x.to <= x.from {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.logs[shelved{p, side}]
	if v == nil {
		v = &volume{}
		s.logs[shelved{p, side}] = v
	}
	v.used, x.read = s.now(), s.now()
	before := v.held
	v.pieces = slices.DeleteFunc(v.pieces, func(o piece) bool {
		gone := o.from <= x.from && x.from < o.to || x.read.Sub(o.read) > shelfFor
		if gone {
			v.held -= len(o.recs)
		}
		return gone
	})
	at, _ := slices.BinarySearchFunc(v.pieces, x.from, func(o piece, from int64) int { return cmp.Compare(o.from, from) })
	if at < len(v.pieces) && v.pieces[at].from < x.to { // the rest is there already
		x.to = v.pieces[at].from
		n, _ := slices.BinarySearchFunc(x.recs, x.to, func(r rec, to int64) int { return cmp.Compare(r.offset, to) })
		x.recs = x.recs[:n]
	}
	v.pieces = slices.Insert(v.pieces, at, x)
	v.held += len(x.recs)
	s.held += v.held - before
	s.trim(v)
}

// trim makes room: what was used longest ago goes.
func (s *shelf) trim(keep *volume) {
	for s.held > s.limit {
		var oldest shelved
		var old *volume
		for k, v := range s.logs {
			if v != keep && (old == nil || v.used.Before(old.used)) {
				oldest, old = k, v
			}
		}
		if old == nil {
			s.held -= keep.held
			*keep = volume{used: keep.used}
			return
		}
		s.held -= old.held
		delete(s.logs, oldest)
	}
}

// get returns the piece that holds an offset.
func (s *shelf) get(p *partition, side replicator.Side, at int64) (piece, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.logs[shelved{p, side}]
	if v == nil {
		return piece{}, false
	}
	v.used = s.now()
	i, found := slices.BinarySearchFunc(v.pieces, at, func(o piece, at int64) int { return cmp.Compare(o.from, at) })
	if !found {
		i--
	}
	if i < 0 || v.pieces[i].to <= at || v.used.Sub(v.pieces[i].read) > shelfFor {
		return piece{}, false
	}
	return v.pieces[i], true
}

// clear takes a partition off the shelf.
func (s *shelf) clear(p *partition) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, side := range []replicator.Side{replicator.Primary, replicator.Secondary} {
		if v := s.logs[shelved{p, side}]; v != nil {
			s.held -= v.held
			delete(s.logs, shelved{p, side})
		}
	}
}

// take lengthens a stretch by what is on the shelf, up to an offset, and says whether there was something. The readable end is
// for a fetch to say: nothing is taken from there on.
func (st *stretch) take(x piece, to, logStart, end int64) bool {
	to = min(to, x.to)
	if to <= st.to || to >= end {
		return false
	}
	for i := range x.recs {
		if o := x.recs[i].offset; o >= st.to && o < to {
			st.recs = append(st.recs, x.recs[i])
		}
	}
	st.batch, st.stamped = max(st.batch, x.batch), st.stamped || x.stamped
	st.start, st.end, st.to = st.from <= logStart, false, to
	return true
}
