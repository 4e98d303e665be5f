package verify

import (
	"fmt"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"github.com/leftoff/leftoff/replicator/kafka"
)

// model is a primary, a mirror that does what mirrors do, and which record each one of the secondary is a copy of.
type model struct {
	random  *rand.Rand
	a, b    *fake
	records []kafka.Record
	places  []int64 // of the records, on the primary
	last    []int64 // last copy of a record, −1 where there is none
	lossy   bool    // passes drop different records
	kinds   int     // of records: 0: each one is different
}

// newModel makes one: a primary with markers and aborted records, and a mirror that filters, crashes and copies again, drops a
// record now and then in one pass and not in another, lets in foreign records, and may die in the middle.
func newModel(random *rand.Rand, kinds int) *model {
	m := &model{random: random, a: newFake(), b: newFake(), kinds: kinds}
	m.a.batch, m.b.batch = 1+random.IntN(9), 1+random.IntN(9)
	transactional, n := random.IntN(3) == 0, random.IntN(120)
	for i := range n {
		r := record(i)
		if kinds > 0 {
			r = record(random.IntN(kinds))
		}
		producer := int64(0)
		if transactional {
			producer = int64(i + 1)
		}
		if transactional && random.IntN(8) == 0 {
			m.a.log("t").put(entry{Record: record(5000 + i), producer: 900, aborted: true})
			m.a.log("t").put(entry{marker: true, abort: true, producer: 900})
		}
		m.records, m.last = append(m.records, r), append(m.last, -1)
		m.places = append(m.places, m.a.log("t").put(entry{Record: r, producer: producer}))
		if transactional {
			m.a.log("t").put(entry{marker: true, producer: producer})
		}
	}
	m.mirror(n)
	m.a.log("t").start = random.Int64N(1 + m.a.log("t").end/4)
	m.b.log("t").start = random.Int64N(1 + m.b.log("t").end/4)
	return m
}

func (m *model) mirror(n int) {
	filter, lossy, foreign := m.random.IntN(2)*10, m.random.IntN(3)/2*20, m.random.IntN(3)/2*15
	m.lossy = lossy > 0
	rate := func(in int) bool { return in > 0 && m.random.IntN(in) == 0 }
	left := make([]bool, n)
	for i := range left {
		left[i] = rate(filter)
	}
	log, crashes, stop := m.b.log("t"), m.random.IntN(4), n
	if m.random.IntN(2) == 0 {
		stop = m.random.IntN(n + 1) // it lags
	}
	for pass, at := 0, 0; pass <= crashes; pass++ {
		until := stop
		if m.random.IntN(2) == 0 {
			until = at + m.random.IntN(stop-at+1)
		}
		for ; at < until; at++ {
			if rate(foreign) {
				log.put(entry{Record: record(9000 + m.random.IntN(1000))})
			}
			if !left[at] && !rate(lossy) {
				m.last[at] = log.put(entry{Record: m.records[at]})
			}
		}
		at -= m.random.IntN(min(at, 40) + 1)
	}
}

// skipped lists how many records of each kind a group that resumes at s would miss: those at u or above that have a copy, less
// those of the kind from s on. Of records that are all different, it is those whose last copy lies below s.
func (m *model) skipped(u, s int64) (n int) {
	want := map[int64]int{}
	for i, r := range m.records {
		if m.places[i] >= max(u, m.a.log("t").start) && m.last[i] >= m.b.log("t").start {
			want[r.Timestamp]++
		}
	}
	for _, e := range m.b.log("t").entries {
		if e.Offset >= s {
			want[e.Timestamp]--
		}
	}
	for _, missing := range want {
		n += max(0, missing)
	}
	return n
}

// truth is T(u): the least last copy of those at u or above.
func (m *model) truth(u int64) int64 {
	t := m.b.log("t").end
	for i := range m.records {
		if m.places[i] >= u && m.last[i] >= 0 {
			t = min(t, m.last[i])
		}
	}
	return max(t, m.b.log("t").start)
}

// TestNoSkipIsCalledFine: whatever the mirror did, no position beyond which a record is missing is called the same record, the
// end, a gap, not mirrored yet, or read again. And T(u) itself is never called a skip.
func TestNoSkipIsCalledFine(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	if s := os.Getenv("SEED"); s != "" {
		fmt.Sscan(s, &seed)
	}
	t.Logf("seed %d", seed)
	rounds := 3000
	if testing.Short() {
		rounds = 400
	}
	seen := map[Verdict]int{}
	for round := range rounds {
		random := rand.New(rand.NewPCG(seed, uint64(round)))
		kinds := []int{0, 0, 0, 1, 3, 40}[random.IntN(6)]
		m := newModel(random, kinds)
		near := 400
		if kinds == 0 && !m.lossy { // few records are enough where a pass drops what all passes drop, and all are different
			near = 1 + random.IntN(8)
		}
		for range 8 {
			u := m.a.log("t").start + random.Int64N(m.a.log("t").end-m.a.log("t").start+1)
			right := m.truth(u)
			s := right
			switch end := m.b.log("t").end; random.IntN(4) {
			case 0:
				s = m.b.log("t").start + random.Int64N(end-m.b.log("t").start+1)
			case 1:
				s = max(m.b.log("t").start, min(end, right+random.Int64N(7)-3))
			}
			row := at(t, m.a, m.b, Options{Near: near, Deep: 400}, u, s)
			seen[row.Verdict]++
			skips := m.skipped(u, s)
			where := fmt.Sprintf("seed %d, round %d, %d kinds: %d to %d, T is %d, %d skipped: %+v", seed, round, kinds, u, s, right, skips, row)
			switch {
			case skips > 0 && (row.Verdict.Fine() || row.Verdict == NotMirroredYet || row.Verdict == Rereads):
				t.Fatalf("a skip is called fine: %s", where)
			case kinds == 0 && s <= right && (row.Verdict == Skips || row.Verdict == OutOfRange):
				t.Fatalf("T(u) or less is called a skip: %s", where)
			}
		}
	}
	t.Log(seen)
	for _, v := range []Verdict{SameRecord, AtEnd, Gap, NotMirroredYet, Rereads, Skips, CantTell} {
		if seen[v] == 0 {
			t.Errorf("%s was never seen: %v", v, seen)
		}
	}
}
