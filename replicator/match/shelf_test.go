package match

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/leftoff/leftoff/replicator"
)

func recsOf(from, to int64) (all []rec) {
	for o := from; o < to; o++ {
		if o%7 != 3 { // holes, as markers leave them
			all = append(all, rec{offset: o})
		}
	}
	return all
}

// TestShelf holds what is taken off the shelf against the log: any part of it, put there in any order.
func TestShelf(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	const end = 1_000
	p, other := &partition{}, &partition{}
	s := newShelf()
	now := time.Unix(1e9, 0)
	s.now = func() time.Time { return now }
	s.limit = 2_500
	hits := 0
	for range 5_000 {
		now = now.Add(time.Duration(random.IntN(500)) * time.Millisecond)
		from := random.Int64N(end)
		to := min(end, from+1+random.Int64N(100))
		of := p
		if random.IntN(3) == 0 {
			of = other
		}
		side := replicator.Side(random.IntN(2))
		if random.IntN(200) == 0 {
			s.clear(of)
		}
		if random.IntN(2) == 0 {
			s.put(of, side, piece{from: from, to: to, recs: recsOf(from, to), batch: 3})
			continue
		}
		x, some := s.get(of, side, from)
		if !some {
			continue
		}
		hits++
		st := &stretch{from: from, to: from}
		if !st.take(x, to, 0, end) {
			if min(to, x.to) < end {
				t.Fatalf("nothing taken from %d of %d..%d", from, x.from, x.to)
			}
			continue
		}
		want := recsOf(from, st.to)
		if st.to <= from || st.to > to || len(st.recs) != len(want) || st.end || st.batch != 3 || st.start != (from == 0) {
			t.Fatalf("%d..%d: took %+v", from, to, st)
		}
		for i := range want {
			if st.recs[i].offset != want[i].offset {
				t.Fatalf("%d..%d: %v, want %v", from, st.to, st.recs, want)
			}
		}
		held := 0
		for _, v := range s.logs {
			n := 0
			for _, o := range v.pieces {
				n += len(o.recs)
			}
			if n != v.held {
				t.Fatalf("%d held, %d counted", n, v.held)
			}
			held += n
		}
		if held != s.held || held > s.limit {
			t.Fatalf("%d held, %d counted, limit %d", held, s.held, s.limit)
		}
	}
	if hits < 500 {
		t.Errorf("%d hits only", hits)
	}
}

func TestShelfForgets(t *testing.T) {
	p := &partition{}
	s := newShelf()
	now := time.Unix(1e9, 0)
	s.now = func() time.Time { return now }
	s.put(p, replicator.Primary, piece{from: 0, to: 10, recs: recsOf(0, 10)})
	if _, some := s.get(p, replicator.Secondary, 5); some {
		t.Error("the other side's")
	}
	if _, some := s.get(p, replicator.Primary, 10); some {
		t.Error("past its end")
	}
	now = now.Add(shelfFor + time.Second)
	if _, some := s.get(p, replicator.Primary, 5); some {
		t.Error("after its time")
	}
	// What reaches the readable end is for a fetch to say.
	st := &stretch{}
	if st.take(piece{from: 0, to: 10, recs: recsOf(0, 10)}, 10, 0, 10) {
		t.Error("took the end")
	}
}
