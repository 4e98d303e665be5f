package judge

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// TestUnfinishedCopy is DESIGN §3's example: 0..99 → 0..99, then 50..59 again at 100..109.
func TestUnfinishedCopy(t *testing.T) {
	left, right := &side{bounds: bounds{0, 100}}, &side{bounds: bounds{0, 110}}
	for i := range int64(100) {
		left.records = append(left.records, record{offset: i, print: number(i)})
	}
	right.records = append(right.records, left.records...)
	for i := range int64(10) {
		right.records = append(right.records, record{offset: 100 + i, print: number(50 + i)})
	}
	c := paired(t, "orders", left, right, Options{})
	for u, want := range map[int64]int64{0: 0, 45: 45, 55: 60, 60: 60, 99: 99, 100: 110} {
		if got := c.T(0, u); got != want {
			t.Errorf("T(%d) = %d, want %d", u, got, want)
		}
	}
	if v := c.Judge(0, 55, 105); v.Skipped != 40 || v.Reread != 0 {
		t.Errorf("at 105: %v, want 40 skipped: 60..99", v)
	}
	if s, _ := c.Summary(0); s.Duplicates != 10 || s.Mirrored != 100 {
		t.Errorf("%+v", s)
	}
}

func TestForeignAndGone(t *testing.T) {
	left := &side{bounds: bounds{0, 4}}
	right := &side{bounds: bounds{0, 5}}
	for i := range int64(4) {
		left.records = append(left.records, record{offset: i, print: number(i)})
	}
	for i, n := range []int64{0, 1, 99, 2, 3} {
		right.records = append(right.records, record{offset: int64(i), print: number(n)})
	}
	if got := paired(t, "orders", left, right, Options{}).T(0, 4); got != 2 {
		t.Errorf("T(4) = %d, want 2: a foreign record stands there", got)
	}
	if v := paired(t, "orders", left, right, Options{}).Judge(0, 4, 5); v.Skipped != 1 {
		t.Errorf("%v, want the foreign record skipped", v)
	}
	if got := paired(t, "orders", left, right, Options{Unpaired: UnpairedIsGone}).T(0, 4); got != 5 {
		t.Errorf("gone: T(4) = %d, want 5", got)
	}
	c, err := pair(left, right, Options{}, 3)
	if err != nil || c.t(4) != 5 {
		t.Errorf("accepted below 3: T(4) = %d, %v, want 5", c.t(4), err)
	}
}

func TestRepeats(t *testing.T) {
	s := &side{bounds: bounds{0, 3}, records: []record{{offset: 0, print: number(7)}, {offset: 1, print: number(8)}, {offset: 2, print: number(7)}}}
	if _, err := pair(s, s, Options{}, 0); !errors.Is(err, ErrAmbiguous) {
		t.Errorf("got %v, want ErrAmbiguous", err)
	}
	c := paired(t, "orders", s, s, Options{Repeats: RepeatsPairInOrder})
	if got := c.T(0, 1); got != 1 {
		t.Errorf("T(1) = %d, want 1", got)
	}
	short := &side{bounds: s.bounds, records: s.records[:2]}
	if _, err := pair(s, short, Options{Repeats: RepeatsPairInOrder}, 0); !errors.Is(err, ErrAmbiguous) {
		t.Errorf("got %v, want ErrAmbiguous: one of two copies", err)
	}
}

// TestAgainstDefinition tries every position of random partitions: T(u) must be the greatest that skips nothing.
func TestAgainstDefinition(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	for range 300 {
		left, right := random(rng)
		c := paired(t, "orders", left, right, Options{})
		for u := int64(0); u <= left.end; u++ {
			want := right.start
			for d := right.start; d <= right.end; d++ {
				if c.Judge(0, u, d).Skipped == 0 {
					want = d
				}
			}
			if got := c.T(0, u); got != want {
				t.Fatalf("T(%d) = %d, want %d\nprimary %v\nsecondary %v", u, got, want, left.records, right.records)
			}
		}
	}
}

// random makes a primary with holes and a secondary with drops, duplicates, re-copies, markers and foreign records.
func random(rng *rand.Rand) (left, right *side) {
	left, right = &side{}, &side{}
	for range 5 + rng.IntN(20) {
		if rng.IntN(5) > 0 {
			left.records = append(left.records, record{offset: left.end, print: number(left.end)})
		}
		left.end++
	}
	for i := 0; i < len(left.records); i++ {
		switch rng.IntN(20) {
		case 0:
			continue // dropped
		case 1:
			right.end++ // a marker
		case 2:
			right.records = append(right.records, record{offset: right.end, print: number(1000 + right.end)})
			right.end++
		case 3:
			i = max(0, i-rng.IntN(5)) // the mirror starts again
		}
		right.records = append(right.records, record{offset: right.end, print: left.records[i].print})
		right.end++
	}
	return left, right
}

// TestLost: records without a copy, in the middle, at the end, and one whose copies are two.
func TestLost(t *testing.T) {
	left, right := &side{bounds: bounds{3, 12}}, &side{bounds: bounds{0, 5}}
	for _, o := range []int64{3, 4, 6, 7, 9, 10} {
		left.records = append(left.records, record{offset: o, print: number(o)})
	}
	for at, n := range []int64{3, 6, 99, 7, 6} {
		right.records = append(right.records, record{offset: int64(at), print: number(n)})
	}
	if got := paired(t, "orders", left, right, Options{}).Lost(0); !slices.Equal(got, []int64{4, 9, 10}) {
		t.Errorf("lost: %d", got)
	}
}
