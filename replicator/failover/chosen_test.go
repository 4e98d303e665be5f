package failover

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// A choice is of the list that it was made for. What the primary got since would be in no file and not on the secondary: it is shown, and
// nothing is written down.
func TestChoiceIsOfItsList(t *testing.T) {
	shown := []Unmirrored{{"orders", 0, 10, 17}, {"orders", 1, 3, 4}}
	grown := []Unmirrored{{"orders", 0, 10, 19}, {"orders", 1, 3, 4}, {"payments", 0, 0, 2}}
	for what, c := range map[string]struct {
		choice string
		listed []Unmirrored
		found  []Unmirrored
		done   bool
	}{
		"exported":                     {Export, shown, shown, true},
		"replayed":                     {Replay, shown, shown, true},
		"discarded":                    {Discard, shown, shown, true},
		"exported, and then it grew":   {Export, shown, grown, false},
		"replayed, and then it grew":   {Replay, shown, grown, false},
		"discarded, and then it grew":  {Discard, shown, grown, false},
		"exported once more":           {Export, grown, grown, true},
		"exported by who saw no list":  {Export, nil, shown, false},
		"replayed by who saw no list":  {Replay, nil, shown, false},
		"discarded by who saw no list": {Discard, nil, grown, true},
		"less than was exported":       {Export, grown, shown, true},
		"in other parts":               {Export, []Unmirrored{{"orders", 1, 0, 9}, {"orders", 0, 14, 20}, {"orders", 0, 10, 14}}, shown, true},
		"nothing any more":             {Export, shown, nil, true},
	} {
		t.Run(what, func(t *testing.T) {
			w := newWorld()
			if _, err := w.run(Order{Who: "me"}); err != nil {
				t.Fatal(err)
			}
			w.diverged = c.found
			p, err := w.comeHome(Order{Who: "me", Choice: c.choice, Diverged: c.listed})
			if err != nil {
				t.Fatal(err)
			}
			if c.done {
				if p.State.Step != AtHome || !slices.Equal(p.State.Home.Diverged, c.found) {
					t.Errorf("at %s, %q, kept %+v", p.State.Step, p.Waits, p.State.Home)
				}
				return
			}
			if p.State.Step != Diverge || !p.Needs || !slices.Equal(p.Diverged, c.found) || p.State.Home.Choice != "" || !strings.Contains(p.Waits[0], "beyond the list") {
				t.Errorf("at %s, person %v, %q, shows %v, kept %+v", p.State.Step, p.Needs, p.Waits, p.Diverged, p.State.Home)
			}
			if c.listed != nil && !strings.Contains(p.Waits[0], "4 offsets in 2 partitions that the secondary never got, beyond the list that the choice ("+c.choice+") is of: orders/0 from 17 to 18, payments/0 from 0 to 1") {
				t.Errorf("%q", p.Waits[0])
			}
			if p, err = w.comeHome(Order{Who: "me", Choice: c.choice, Diverged: p.Diverged}); err != nil || p.State.Step != AtHome {
				t.Errorf("with the new list: %v %+v", err, p)
			}
		})
	}
}

// Beyond is, offset by offset, what was found and is not on the list.
func TestBeyond(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	offsets := func(all []Unmirrored) map[[2]int64]bool {
		set := map[[2]int64]bool{}
		for _, u := range all {
			for o := u.From; o < u.To; o++ {
				set[[2]int64{int64(u.Partition), o}] = true
			}
		}
		return set
	}
	parts := func() (all []Unmirrored) {
		for range r.IntN(6) {
			from := r.Int64N(20)
			all = append(all, Unmirrored{"orders", r.Int32N(2), from, from + r.Int64N(8)})
		}
		return all
	}
	for range 5_000 {
		found, listed := parts(), parts()
		want := offsets(found)
		for o := range offsets(listed) {
			delete(want, o)
		}
		got := Beyond(found, listed)
		if have := offsets(got); len(have) != len(want) {
			t.Fatalf("found %v, listed %v: beyond are %v", found, listed, got)
		} else {
			for o := range have {
				if !want[o] {
					t.Fatalf("found %v, listed %v: beyond are %v", found, listed, got)
				}
			}
		}
		for _, u := range got {
			if u.To <= u.From {
				t.Fatalf("found %v, listed %v: an empty part of %v", found, listed, got)
			}
		}
	}
}
