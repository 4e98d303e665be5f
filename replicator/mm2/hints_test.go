package mm2

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// naive keeps every sync, and answers by going through them.
type naive struct {
	sessions [][]Sync
	seen     map[[2]int64]bool
}

func (n *naive) add(up, down int64) {
	if n.seen == nil {
		n.seen = map[[2]int64]bool{}
	}
	s := Sync{Upstream: up, Downstream: down}
	n.seen[[2]int64{up, down}] = true
	if len(n.sessions) > 0 {
		i := len(n.sessions) - 1
		last := n.sessions[i][len(n.sessions[i])-1]
		if up > last.Upstream && down > last.Downstream {
			n.sessions[i] = append(n.sessions[i], s)
			return
		}
	}
	n.sessions = append(n.sessions, []Sync{s})
}

// best is the prediction from the newest session that covers u; false where none does.
func (n *naive) best(u int64) (int64, bool) {
	for i := len(n.sessions) - 1; i >= 0; i-- {
		all := n.sessions[i]
		for j := range all {
			if all[j].Upstream == u {
				return all[j].Downstream, true
			}
			if j > 0 && all[j-1].Upstream < u && u < all[j].Upstream {
				return naiveShare(u, all[j-1].Upstream, all[j-1].Downstream, all[j].Upstream, all[j].Downstream), true
			}
		}
	}
	return 0, false
}

// naiveShare is what is said between two syncs.
func naiveShare(u, u1, d1, u2, d2 int64) int64 {
	if missing := (u2 - u1) - (d2 - d1); missing < -1 || missing > 1 {
		return max(d1+1, d1+(u-u1)*(d2-d1)/(u2-u1))
	}
	return max(d1+1, d2-(u2-u))
}

func (n *naive) origin(d int64) (int64, bool) {
	for i := len(n.sessions) - 1; i >= 0; i-- {
		all := n.sessions[i]
		for j := range all {
			if all[j].Downstream == d {
				return all[j].Upstream, true
			}
			if j > 0 && all[j-1].Downstream < d && d < all[j].Downstream {
				return naiveShare(d, all[j-1].Downstream, all[j-1].Upstream, all[j].Downstream, all[j].Upstream), true
			}
		}
	}
	return 0, false
}

// history draws syncs as MirrorMaker 2 writes them: it copies on, drops some, adds markers, and goes back at a restart.
func history(t *rapid.T, cut bool) [][2]int64 {
	var all [][2]int64
	up, down := rapid.Int64Range(0, 50).Draw(t, "up"), rapid.Int64Range(0, 50).Draw(t, "down")
	for range rapid.IntRange(1, 60).Draw(t, "syncs") {
		all = append(all, [2]int64{up, down})
		step := rapid.Int64Range(1, 120).Draw(t, "step")
		up, down = up+step, down+step
		switch rapid.IntRange(0, 9).Draw(t, "what") {
		case 0:
			up += rapid.Int64Range(1, 5).Draw(t, "dropped")
		case 1:
			down += rapid.Int64Range(1, 5).Draw(t, "markers")
		case 2:
			up = max(0, up-rapid.Int64Range(1, 300).Draw(t, "back"))
		case 3:
			if cut {
				down = max(0, down-rapid.Int64Range(1, 300).Draw(t, "cut"))
			}
		}
	}
	return all
}

// TestHintsAgainstAllSyncs: nothing is lost by drawing lines, nor by keeping them on disk, nor by reading again.
func TestHintsAgainstAllSyncs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h, m := NewHints(0), &naive{}
		syncs := history(t, false)
		for _, s := range syncs {
			h.Add("t", 1, s[0], s[1])
			m.add(s[0], s[1])
		}
		agree(t, h, m, syncs)
		if got := len(h.Rewinds("t", 1)); got != len(m.sessions)-1 {
			t.Fatalf("%d rewinds, want %d", got, len(m.sessions)-1)
		}
		kept := h.Marshal("t", 1)
		back := NewHints(0)
		if err := back.Unmarshal("t", 1, kept); err != nil {
			t.Fatal(err)
		}
		agree(t, back, m, syncs)
		h.Changed()
		for _, s := range syncs {
			h.Add("t", 1, s[0], s[1])
		}
		if again := h.Marshal("t", 1); !bytes.Equal(again, kept) || len(h.Changed()) != 0 {
			t.Fatal("reading again changed something")
		}
	})
}

func agree(t *rapid.T, h *Hints, m *naive, syncs [][2]int64) {
	var last int64
	for _, s := range syncs {
		last = max(last, s[0], s[1])
	}
	for at := int64(0); at <= last+3; at++ {
		got := h.Predict("t", 1, at)
		if want, ok := m.best(at); ok && (len(got) == 0 || got[0] != want) {
			t.Fatalf("%d is predicted at %v, want %d first", at, got, want)
		}
		got = h.Origins("t", 1, at)
		if want, ok := m.origin(at); ok && (len(got) == 0 || got[0] != want) {
			t.Fatalf("%d comes from %v, want %d first", at, got, want)
		}
	}
}

// TestHintsThinned: any limit is kept, segments end in syncs, predictions stay between their neighbours, and what
// is kept on disk reads back as the same, cut secondaries included.
func TestHintsThinned(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.IntRange(1, 12).Draw(t, "limit")
		h := NewHints(limit)
		syncs := history(t, true)
		for _, s := range syncs {
			h.Add("t", 1, s[0], s[1])
			if n := h.parts[Place{"t", 1}].count; n > limit || n != counted(h.parts[Place{"t", 1}]) {
				t.Fatalf("%d segments (%d counted), limit %d", n, counted(h.parts[Place{"t", 1}]), limit)
			}
		}
		l := h.parts[Place{"t", 1}]
		for i := range l.sessions {
			for j := range l.sessions[i].segments {
				g := l.sessions[i].segments[j]
				if !slices.Contains(syncs, [2]int64{g.up, g.down}) || !slices.Contains(syncs, [2]int64{g.upTo, g.downTo}) {
					t.Fatalf("segment %+v does not end in syncs", g)
				}
				for u := g.up; u <= g.upTo; u++ {
					for _, d := range l.sessions[i].only(u) {
						if d < g.down || d > g.downTo {
							t.Fatalf("%d is predicted at %d, outside of %+v", u, d, g)
						}
					}
				}
			}
		}
		back := NewHints(limit)
		if err := back.Unmarshal("t", 1, h.Marshal("t", 1)); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(back.Marshal("t", 1), h.Marshal("t", 1)) {
			t.Fatal("another after reading back")
		}
	})
}

func (s *session) only(u int64) []int64 {
	var g guesses
	s.inside(u, &g)
	return g
}

func counted(l *line) (n int) {
	for i := range l.sessions {
		n += len(l.sessions[i].segments)
	}
	return n
}

// TestHintsOfTransactions: ten times as many changes of the difference as segments fit leave predictions that are off by
// no more than a few segments' worth, at the beginning as well as at the end.
func TestHintsOfTransactions(t *testing.T) {
	const limit, transactions = 1000, 10000
	h := NewHints(limit)
	at := func(u int64) int64 { return u - u/26 } // 25 records and a marker
	for u := int64(0); u < 26*transactions; u++ {
		if u%26 != 25 {
			h.Add("t", 0, u, at(u))
		}
	}
	worst := int64(0)
	for u := int64(0); u < 26*transactions; u++ {
		if u%26 == 25 {
			continue
		}
		if d := abs(h.Predict("t", 0, u)[0] - at(u)); d > worst {
			worst = d
		}
	}
	if worst > 3 {
		t.Errorf("off by %d records", worst)
	}
	if n := h.parts[Place{"t", 0}].count; n > limit {
		t.Errorf("%d segments", n)
	}
}

// TestShare: a share that is whole is not rounded down: 10 of 49 of 49, by way of floating point, is 9.
func TestShare(t *testing.T) {
	for of := int64(1); of <= 130; of++ {
		for n := range of {
			if got := share(n, of, 7*of); got != 7*n {
				t.Fatalf("%d of %d of %d is %d", n, of, 7*of, got)
			}
		}
	}
	if got := share(1<<61, 1<<62, 1<<62+1); got != 1<<61 {
		t.Errorf("half of 2^62+1 is %d", got)
	}
}

func TestPredictions(t *testing.T) {
	h := &Hints{}
	for _, s := range [][2]int64{{100, 100}, {200, 200}, {300, 290}, {400, 390}} {
		h.Add("orders", 3, s[0], s[1])
	}
	h.Add("orders", 3, 350, 391) // restarted
	h.Add("orders", 3, 360, 401)
	for _, c := range []struct {
		u    int64
		want []int64
	}{
		{150, []int64{150, 191}}, // and before the second session
		{200, []int64{200, 241}},
		{250, []int64{245, 240, 250, 291}},
		{205, []int64{204, 201, 205, 246}},
		{300, []int64{290, 341}},
		{355, []int64{396, 345}}, // both, the newest first
		{380, []int64{370, 421}}, // the old session covers it; the new one will
		{500, []int64{541, 490}},
		{90, []int64{131, 90}},
	} {
		if got := h.Predict("orders", 3, c.u); !slices.Equal(got, c.want) {
			t.Errorf("%d is predicted at %v, want %v", c.u, got, c.want)
		}
	}
	if got := h.Origins("orders", 3, 395); !slices.Equal(got, []int64{354, 405}) {
		t.Errorf("395 comes from %v", got)
	}
	if got := h.Rewinds("orders", 3); !slices.Equal(got, []Rewind{{From: 350, To: 400, At: 391}}) {
		t.Errorf("rewinds %v", got)
	}
	if got := h.Falls("orders", 3); !slices.Equal(got, []int64{391}) {
		t.Errorf("falls %v", got)
	}
	if up, down, ok := h.Latest("orders", 3); !ok || up != 360 || down != 401 {
		t.Errorf("latest %d %d %v", up, down, ok)
	}
	if !h.Names("orders") || h.Names("other") || h.Predict("other", 0, 1) != nil || h.Predict("orders", 2, 1) != nil {
		t.Error("topics and partitions are mixed up")
	}
	if got := h.Changed(); !slices.Equal(got, []Place{{"orders", 3}}) || len(h.Changed()) != 0 {
		t.Errorf("changed %v", got)
	}
	h.Forget("orders")
	if h.Predict("orders", 3, 150) != nil || h.Marshal("orders", 3) != nil || len(h.Changed()) != 1 {
		t.Error("not forgotten")
	}
}

// TestUpstreamTwice: one record copied twice is two sessions; one place for two records, too.
func TestUpstreamTwice(t *testing.T) {
	h := &Hints{}
	h.Add("t", 0, 10, 10)
	h.Add("t", 0, 10, 11)
	h.Add("t", 0, 11, 11)
	if got := h.Rewinds("t", 0); len(got) != 2 || got[1] != (Rewind{From: 11, To: 10, At: 11}) {
		t.Errorf("rewinds %v", got)
	}
}

// FuzzUnmarshal holds: no panic; what is read answers without one, and is written back as the same bytes, unless a number
// took more bytes than it needs.
func FuzzUnmarshal(f *testing.F) {
	h := &Hints{}
	for _, s := range [][2]int64{{1, 1}, {2, 2}, {9, 5}, {3, 6}} {
		h.Add("t", 0, s[0], s[1])
	}
	f.Add(h.Marshal("t", 0))
	f.Add([]byte{1, 1, 1, 0, 0, 9, 1, 8})
	f.Fuzz(func(t *testing.T, b []byte) {
		h := &Hints{}
		if err := h.Unmarshal("t", 0, b); err != nil {
			if !errors.Is(err, ErrHints) || len(h.Places()) != 0 {
				t.Fatal(err, h.Places())
			}
			return
		}
		for _, at := range []int64{0, 1, 5, 1 << 62} {
			h.Predict("t", 0, at)
			h.Origins("t", 0, at)
		}
		again := h.Marshal("t", 0)
		if len(again) > len(b) || len(again) == len(b) && !bytes.Equal(again, b) {
			t.Fatalf("%x reads back as %x", b, again)
		}
	})
}

func TestUnmarshalRefuses(t *testing.T) {
	for _, b := range [][]byte{nil, {}, {0}, {2, 1}, {1}, {1, 0}, {1, 1, 1, 0, 0, 0}, {1, 1, 1, 0, 0, 0, 0, 0}, {1, 1, 2, 0, 0, 0, 0, 0, 1, 0, 0}, {1, 200, 1}} {
		if err := (&Hints{}).Unmarshal("t", 0, b); !errors.Is(err, ErrHints) {
			t.Errorf("%v is read: %v", b, err)
		}
	}
}
