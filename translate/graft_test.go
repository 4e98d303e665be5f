package translate

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"
)

// truth is a hidden main line, and what was compared of it so far.
type truth struct {
	copies map[int64]int64 // primary → secondary, rising on both axes
	known  map[int64]bool  // primary offsets compared, since they were dropped
	end    int64           // of the primary
	tip    int64           // past the last copy
}

func drawTruth(t *rapid.T) *truth {
	x := &truth{copies: map[int64]int64{}, known: map[int64]bool{}}
	for n := rapid.IntRange(1, 40).Draw(t, "runs"); n > 0; n-- {
		x.end += int64(rapid.IntRange(0, 5).Draw(t, "hole"))
		x.tip += int64(rapid.SampledFrom([]int{0, 0, 1, 7}).Draw(t, "marker"))
		for k := rapid.IntRange(1, 8).Draw(t, "length"); k > 0; k-- {
			x.copies[x.end] = x.tip
			x.end++
			x.tip++
		}
	}
	return x
}

// runs is what comparing a span would find.
func (x *truth) runs(of Span) (runs []Run) {
	for u := of.From; u < of.To; u++ {
		d, ok := x.copies[u]
		if !ok {
			continue
		}
		if n := len(runs); n > 0 && runs[n-1].PrimaryEnd() == u && runs[n-1].SecondaryEnd() == d {
			runs[n-1].Length++
			continue
		}
		runs = append(runs, Run{Primary: u, Secondary: d, Length: 1, Closed: true})
	}
	return runs
}

// T is the definition: the copy of the first record at or after u that has one.
func (x *truth) T(u int64) (t, source int64) {
	for s := u; s < x.end; s++ {
		if d, ok := x.copies[s]; ok {
			return d, s
		}
	}
	return x.tip, x.end
}

// proven: every offset from u up to the record that decides was compared.
func (x *truth) proven(u, source int64) bool {
	for s := u; s <= source && s < x.end; s++ {
		if !x.known[s] {
			return false
		}
	}
	return true
}

// squeezed: the record before it was compared, so that there is no room for another copy.
func (x *truth) squeezed(t int64) bool {
	for u, d := range x.copies {
		if d == t-1 {
			return x.known[u]
		}
	}
	return false
}

func (x *truth) check(c *Copies) error {
	if err := c.Check(); err != nil {
		return err
	}
	b := Bounds{LogStart: 0, End: x.tip}
	for u := int64(0); u <= x.end; u++ {
		pos, err := c.Forward(u, b)
		if err != nil {
			return err
		}
		t, source := x.T(u)
		switch {
		case pos.Confidence == Unmapped:
		case pos.Offset > t:
			return fmt.Errorf("u %d: %+v is ahead of %d", u, pos, t)
		case pos.Confidence == Exact && pos.Offset != t:
			return fmt.Errorf("u %d: %+v, and T is %d", u, pos, t)
		case pos.Confidence == Exact && !x.proven(u, source) && pos.Offset != 0 && !x.squeezed(t):
			return fmt.Errorf("u %d: %+v was never compared", u, pos)
		case pos.Reread >= 0 && pos.Offset+pos.Reread < t:
			return fmt.Errorf("u %d: bound %+v, and T is %d", u, pos, t)
		}
		_, copied := x.copies[u]
		if copied && x.known[u] && pos.Confidence != Exact {
			return fmt.Errorf("u %d was compared, and is %+v", u, pos)
		}
	}
	return nil
}

// Islands grafted in any order, and dropped again, never say more than was compared.
func TestGraft(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x, c := drawTruth(t), New()
		span := func() Span {
			from := rapid.Int64Range(0, x.end-1).Draw(t, "from")
			return Span{from, min(x.end, from+rapid.Int64Range(1, 30).Draw(t, "wide"))}
		}
		for n := rapid.IntRange(1, 30).Draw(t, "steps"); n > 0; n-- {
			of := span()
			switch rapid.IntRange(0, 5).Draw(t, "step") {
			case 0:
				if err := c.Drop(of); err != nil {
					t.Fatal(err)
				}
				for u := of.From; u < of.To; u++ {
					delete(x.known, u)
				}
			case 1: // what contradicts the order changes nothing
				runs := x.runs(of)
				if len(runs) == 0 || len(c.Main) == 0 {
					continue
				}
				before := fmt.Sprintf("%+v", *c)
				for i := range runs {
					runs[i].Secondary += 1000
				}
				if err := c.Graft(of, runs); err == nil {
					if end, _ := c.End(); end > of.To {
						t.Fatalf("a contradiction was taken: %v into %s", runs, before)
					}
					if err := c.Drop(of); err != nil {
						t.Fatal(err)
					}
					c.Tip = min(c.Tip, x.tip)
					for u := of.From; u < of.To; u++ {
						delete(x.known, u)
					}
				} else if after := fmt.Sprintf("%+v", *c); err != ErrConflict || after != before {
					t.Fatalf("%v: %s became %s", err, before, after)
				}
			default:
				if err := c.Graft(of, x.runs(of)); err != nil {
					t.Fatalf("graft %v: %v", of, err)
				}
				for u := of.From; u < of.To; u++ {
					x.known[u] = true
				}
			}
			if err := x.check(c); err != nil {
				t.Fatal(err)
			}
		}
		of := Span{max(0, x.end-10), x.end}
		if err := c.Graft(of, x.runs(of)); err != nil {
			t.Fatal(err)
		}
		for u := of.From; u < of.To; u++ {
			x.known[u] = true
		}
		if len(x.runs(of)) == 0 {
			return
		}
		if err := c.Settle(Frontier{Primary: x.end, Secondary: x.tip}); err != nil {
			t.Fatal(err)
		}
		if err := x.check(c); err != nil {
			t.Fatal(err)
		}
		if pos, _ := c.Forward(x.end, Bounds{End: x.tip}); pos != (Position{Offset: x.tip, Confidence: Exact}) {
			t.Fatalf("at the end: %+v", pos)
		}
		if pos, _ := c.Forward(x.end+5, Bounds{End: x.tip}); pos.Confidence != Behind || pos.Offset != x.tip {
			t.Fatalf("past the end: %+v", pos)
		}
	})
}
