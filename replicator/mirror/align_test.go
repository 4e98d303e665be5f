package mirror

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/leftoff/leftoff/translate"
)

// marksOf turns "a b c" into marks at offsets 0, 1, 2 …; a space is a hole.
func marksOf(from int64, s string) []mark {
	var out []mark
	for i, c := range s {
		if c != ' ' {
			out = append(out, mark{offset: from + int64(i), print: uint64(c), key: 0})
		}
	}
	return out
}

func owned(ms []mark) []mark {
	for i := range ms {
		ms[i].own = true
	}
	return ms
}

func once(ms []mark, step int) func() ([]mark, error) {
	return func() ([]mark, error) {
		n := min(step, len(ms))
		head := ms[:n]
		ms = ms[n:]
		return head, nil
	}
}

func TestAlign(t *testing.T) {
	wide := alignRules{behind: 100, ahead: 100}
	for _, c := range []struct {
		name                    string
		rules                   alignRules
		old, primary, secondary string
		own                     bool
		want                    string
		resume                  int64
	}{
		{name: "in order", rules: wide, primary: "abcd", secondary: "abc", want: "100→50x3", resume: 103},
		{name: "nothing new", rules: wide, primary: "abcd", secondary: "", want: "", resume: 100},
		{name: "holes on both sides", rules: wide, primary: "ab cd", secondary: "abc d", want: "100→50x2 103→52x1 104→54x1", resume: 105},
		{name: "foreign in the middle", rules: wide, primary: "abcd", secondary: "abXYcd", want: "100→50x2 102→54x2 foreign[52,54)", resume: 104},
		{name: "a late batch of the dead process", rules: wide, primary: "abcdef", secondary: "abcbcdef", want: "100→50x3 101→53x5", resume: 106},
		{name: "late, from before the start", rules: wide, old: "uvwx", primary: "abcd", secondary: "abvwcd", want: "100→50x2 97→52x2 102→54x2", resume: 104},
		{name: "out of order: what was passed over came later", rules: wide, primary: "abcdef", secondary: "abefcd", want: "100→50x2 104→52x2 102→54x2", resume: 106},
		{name: "passed over and never seen: copied again", rules: wide, primary: "abcdef", secondary: "abef", want: "100→50x2 104→52x2", resume: 102},
		{name: "equal records stay in order", rules: wide, primary: "aaab", secondary: "aab", want: "100→50x2 103→52x1", resume: 102},
		{name: "a re-copy equal to several is left out", rules: wide, primary: "axayb", secondary: "axayab", want: "100→50x4 104→55x1?", resume: 105},
		{name: "another's record is not searched for", rules: alignRules{behind: 100, ahead: 100, ownKnown: true}, primary: "abcd", secondary: "aXc", want: "100→50x1 foreign[51,53)", resume: 101},
		{name: "ours, original gone", rules: alignRules{behind: 100, ahead: 2, ownKnown: true}, own: true, primary: "bcd", secondary: "abc", want: "100→51x2?", resume: 102},
		{name: "ours, original gone, at the end", rules: alignRules{behind: 100, ahead: 2, ownKnown: true}, own: true, primary: "ab    ", secondary: "abXY", want: "100→50x2 open", resume: 102},
		{name: "ours, far ahead", rules: alignRules{behind: 100, ahead: 1, ownKnown: true}, own: true, primary: "abcdefghijk", secondary: "aj", want: "100→50x1 109→51x1", resume: 101},
		{name: "former content", rules: alignRules{behind: 100, ahead: 100, rebuild: true}, primary: "abc", secondary: "XYabZc", want: "100→52x2? 102→55x1 foreign[54,55)", resume: 103},
	} {
		t.Run(c.name, func(t *testing.T) {
			old := marksOf(100-int64(len(c.old)), c.old)
			a := newAligner(c.rules, 100, once(marksOf(100, c.primary), 2), func() ([]mark, error) { return old, nil })
			q := marksOf(50, c.secondary)
			if c.own {
				owned(q)
			}
			for _, m := range q {
				if err := a.add(m); err != nil {
					t.Fatal(err)
				}
			}
			got := a.finish()
			if s := describe(got); s != c.want {
				t.Errorf("got  %s\nwant %s", s, c.want)
			}
			if got.resume != c.resume {
				t.Errorf("resume at %d, want %d", got.resume, c.resume)
			}
		})
	}
}

func describe(a alignment) string {
	s := ""
	for _, r := range a.runs {
		s += fmt.Sprintf(" %d→%dx%d", r.Primary, r.Secondary, r.Length)
		if !r.Closed {
			s += "?"
		}
	}
	for _, f := range a.foreign {
		s += fmt.Sprintf(" foreign[%d,%d)", f.From, f.To)
	}
	if a.open {
		s += " open"
	}
	if s == "" {
		return ""
	}
	return s[1:]
}

// Compaction on either side takes older records of a key only: nothing is foreign and nothing is copied again for it.
func TestAlignCompacted(t *testing.T) {
	keyed := func(from int64, s string) []mark { // upper and lower case of a letter: two values of one key
		ms := marksOf(from, s)
		for i := range ms {
			ms[i].key = ms[i].print | 0x20
		}
		return ms
	}
	rules := alignRules{behind: 100, ahead: 100, compacted: true, rebuild: true}
	a := newAligner(rules, 100, once(keyed(100, "abAc"), 3), nil)
	for _, m := range keyed(50, "bCAc") { // the secondary lost 'a', the primary lost 'C'
		if err := a.add(m); err != nil {
			t.Fatal(err)
		}
	}
	got := a.finish()
	if s := describe(got); s != "101→50x1 102→52x2?" || got.resume != 104 || got.vanished != 1 {
		t.Errorf("got %s, resume %d, vanished %d", s, got.resume, got.vanished)
	}
}

// Whatever stands on the secondary, an alignment never claims a copy that is not one, never counts a record of the
// primary as done that has no copy, and gives runs in secondary order.
func TestAlignSound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		alphabet := rapid.SampledFrom([]string{"abcdefghijklmnopqrstuvwxyz", "abc", "a"}).Draw(t, "alphabet")
		letter := rapid.SampledFrom([]byte(alphabet + " "))
		primary := marksOf(100, string(rapid.SliceOfN(letter, 0, 40).Draw(t, "primary")))
		old := marksOf(90, string(rapid.SliceOfN(letter, 0, 10).Draw(t, "old")))
		secondary := marksOf(50, string(rapid.SliceOfN(letter, 0, 60).Draw(t, "secondary")))
		for i := range secondary {
			secondary[i].own = rapid.Bool().Draw(t, "own")
		}
		rules := alignRules{
			behind: rapid.IntRange(1, 20).Draw(t, "behind"), ahead: rapid.IntRange(0, 50).Draw(t, "ahead"),
			ownKnown: rapid.Bool().Draw(t, "ownKnown"), rebuild: rapid.Bool().Draw(t, "rebuild"),
		}
		at := map[int64]uint64{}
		for _, m := range append(old, primary...) {
			at[m.offset] = m.print
		}
		a := newAligner(rules, 100, once(primary, rapid.IntRange(1, 5).Draw(t, "step")), func() ([]mark, error) { return old, nil })
		on := map[int64]mark{}
		for _, m := range secondary {
			on[m.offset] = m
			if err := a.add(m); err != nil {
				t.Fatal(err)
			}
		}
		got := a.finish()
		checkSound(t, got, at, on, primary)
	})
}

func checkSound(t *rapid.T, got alignment, at map[int64]uint64, on map[int64]mark, primary []mark) {
	done := map[int64]bool{}
	end := int64(0)
	for _, r := range got.runs {
		if r.Secondary < end {
			t.Fatalf("runs out of order: %v", got.runs)
		}
		end = r.SecondaryEnd()
		for i := range r.Length {
			p, ok := at[r.Primary+i]
			switch s, there := on[r.Secondary+i]; {
			case !there, !ok, p != s.print:
				t.Fatalf("%d is no copy of %d", r.Secondary+i, r.Primary+i)
			default:
				done[r.Primary+i] = true
			}
		}
	}
	for _, m := range primary {
		if m.offset < got.resume && !done[m.offset] {
			t.Fatalf("resume at %d passes over %d, which has no copy", got.resume, m.offset)
		}
	}
	for _, f := range got.foreign {
		if overlaps(got.runs, f) {
			t.Fatalf("foreign %v inside runs %v", f, got.runs)
		}
	}
}

func overlaps(runs []translate.Run, s translate.Span) bool {
	for _, r := range runs {
		if s.From < r.SecondaryEnd() && r.Secondary < s.To {
			return true
		}
	}
	return false
}
