package daemon

import (
	"path/filepath"
	"testing"

	"go.uber.org/zap"

	"github.com/leftoff/leftoff/checkpoint"
	"github.com/leftoff/leftoff/replicator/failover"
	"github.com/leftoff/leftoff/replicator/mirror"
	"github.com/leftoff/leftoff/translate"
)

// settling is a link whose topic was switched at (10, 10), with 7 records left on the primary, and 3 that came home behind them.
type settling struct {
	*testing.T
	g     ground
	w     *way
	marks []failover.Mark
}

var orders = checkpoint.Topics{Primary: checkpoint.Topic{Name: "orders", ID: [16]byte{1}}, Secondary: checkpoint.Topic{Name: "orders", ID: [16]byte{2}},
	Partitions: 1, Source: "mirror"}

func swapped(t checkpoint.Topics) checkpoint.Topics {
	t.Primary, t.Secondary = t.Secondary, t.Primary
	return t
}

func newSettling(t *testing.T) *settling {
	s := &settling{T: t, marks: []failover.Mark{{Primary: 20, Secondary: 13}}}
	open := func(name string) *checkpoint.Index {
		x, err := checkpoint.Open(filepath.Join(t.TempDir(), name), checkpoint.Options{Link: checkpoint.Link{Name: name}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := x.Check(); err != nil {
				t.Error(err)
			}
			x.Close()
		})
		return x
	}
	link := Link{Mapping: "mirror", Rename: func(topic string) (string, bool) { return topic, true }}
	s.g = ground{&link2(link, open("away")).link, &running{source: mirror.New(mirror.Options{})}}
	s.w = &way{link: &link2(link, open("home")).link}
	s.fill(s.g.l.index, orders, translate.Frontier{Primary: 10, Secondary: 10}, translate.Run{Length: 10, Closed: true})
	s.comesHome(swapped(orders))
	return s
}

type holder struct{ link link }

func link2(l Link, x *checkpoint.Index) *holder {
	return &holder{link{Link: l, index: x, log: zap.NewNop()}}
}

func (s *settling) fill(x *checkpoint.Index, of checkpoint.Topics, f translate.Frontier, runs ...translate.Run) {
	s.Helper()
	pair, _, err := x.Pair(of)
	if err != nil {
		s.Fatal(err)
	}
	for _, r := range runs {
		if err := pair.Partition(0).Append(r); err != nil {
			s.Fatal(err)
		}
	}
	if err := pair.Partition(0).Advance(f); err != nil {
		s.Fatal(err)
	}
}

func (s *settling) comesHome(of checkpoint.Topics, more ...translate.Run) {
	s.fill(s.w.index, of, translate.Frontier{Primary: 13, Secondary: 20},
		append([]translate.Run{{Length: 10, Closed: true}}, append(more, translate.Run{Primary: 10, Secondary: 17, Length: 3, Closed: true})...)...)
}

func (s *settling) learns() {
	s.Helper()
	if err := s.g.learn("orders", s.w, s.marks); err != nil {
		s.Fatal(err)
	}
	if err := s.g.l.index.Flush(); err != nil {
		s.Fatal(err)
	}
}

// pair is what the index has now; nil: the mirror compares both sides anew.
func (s *settling) pair() *checkpoint.Partition {
	pair, ok := s.g.l.index.Lookup("orders")
	if !ok {
		return nil
	}
	return pair.Partition(0)
}

func (s *settling) exact(offsets map[int64]int64) {
	s.Helper()
	if s.pair() == nil {
		s.Fatal("nothing is known any more")
	}
	for u, want := range offsets {
		if got := s.pair().Forward(u, translate.Bounds{End: 1000}); got.Offset != want || got.Confidence != translate.Exact {
			s.Errorf("%d goes on at %+v, want %d", u, got, want)
		}
	}
}

var cameHome = map[int64]int64{5: 5, 10: 10, 12: 10, 17: 10, 18: 11, 19: 12, 20: 13}

// Settle is killed, or refused by a group that has members, when the mirror copies again already: it is done again, and must end.
func TestReviewLearnAgainWhenTheMirrorGoesOn(t *testing.T) {
	s := newSettling(t)
	s.learns()
	s.exact(cameHome)
	if err := s.pair().Append(translate.Run{Primary: 20, Secondary: 13, Length: 2, Closed: true}); err != nil {
		t.Fatal(err)
	}
	if err := s.pair().Advance(translate.Frontier{Primary: 23, Secondary: 15}); err != nil {
		t.Fatal(err)
	}
	s.learns()
	s.exact(cameHome)
	s.exact(map[int64]int64{21: 14, 22: 15, 23: 15})
}

// A way home's index is gone when it settles, and was made again from the link's own: what came home is not in it. To pass over that would put groups
// behind records that they have not read.
func TestReviewLearnFromAnIndexThatWasLost(t *testing.T) {
	for what, known := range map[string]translate.Frontier{"seeded again": {Primary: 10, Secondary: 17}, "some came home after the last flush": {Primary: 12, Secondary: 19}} {
		s := newSettling(t)
		again := newSettling(t)
		s.w = &way{link: &link2(s.g.l.Link, again.g.l.index).link}
		if err := again.g.l.index.Retire(mustPair(t, again.g.l.index)); err != nil {
			t.Fatal(err)
		}
		s.fill(s.w.index, swapped(orders), known, translate.Run{Length: 10, Closed: true})
		s.learns()
		if p := s.pair(); p != nil {
			t.Errorf("%s: 18 goes on at %+v, and has not read 11 and 12", what, p.Forward(18, translate.Bounds{End: 1000}))
		}
		s.learns() // twice is once
	}
}

func mustPair(t *testing.T, x *checkpoint.Index) *checkpoint.Pair {
	pair, ok := x.Lookup("orders")
	if !ok {
		t.Fatal("no pair")
	}
	return pair
}

// The primary's topic was made anew while it was away: all of it came home, and none of it is copied back.
func TestReviewLearnOfATopicMadeAnew(t *testing.T) {
	s := newSettling(t)
	anew := orders
	anew.Primary.ID = [16]byte{3}
	if err := s.w.index.Retire(mustPair(t, s.w.index)); err != nil {
		t.Fatal(err)
	}
	s.fill(s.w.index, swapped(anew), translate.Frontier{Primary: 13, Secondary: 13}, translate.Run{Length: 13, Closed: true})
	s.marks[0].Primary = 13
	s.learns()
	s.exact(map[int64]int64{0: 0, 5: 5, 12: 12, 13: 13})
	if id := mustPair(t, s.g.l.index).Info().Primary.ID; id != anew.Primary.ID {
		t.Errorf("learnt of topic %v", id)
	}
}

// Producers of the secondary were early: the mirror saw their records, and they stand below where the topic was switched. They came home, too.
func TestReviewLearnWhatWasForeign(t *testing.T) {
	s := newSettling(t)
	p := s.pair()
	if err := p.Foreign(translate.Span{From: 10, To: 12}); err != nil {
		t.Fatal(err)
	}
	if err := p.Advance(translate.Frontier{Primary: 10, Secondary: 12}); err != nil {
		t.Fatal(err)
	}
	s.learns()
	if s.pair() != nil {
		s.exact(cameHome)
	}
}

// Nothing that was copied had been written down when the topic was switched: what stands below that is not taken for copies that are home.
func TestReviewNothingWasWrittenDown(t *testing.T) {
	for _, c := range []struct {
		mark  failover.Mark
		runs  []translate.Run
		front translate.Frontier
		known bool
	}{
		{failover.Mark{Primary: 0, Secondary: 3}, nil, translate.Frontier{}, false},
		{failover.Mark{Primary: 0, Secondary: 0}, nil, translate.Frontier{}, true},
		{failover.Mark{Primary: 4, Secondary: 4}, []translate.Run{{Length: 4, Closed: true}}, translate.Frontier{Primary: 4, Secondary: 4}, true},
	} {
		s := newSettling(t)
		for _, x := range []*checkpoint.Index{s.g.l.index, s.w.index} {
			if err := x.Retire(mustPair(t, x)); err != nil {
				t.Fatal(err)
			}
		}
		s.fill(s.g.l.index, orders, c.front, c.runs...)
		state := failover.State{Home: &failover.Home{Diverged: []failover.Unmirrored{{Topic: "orders", From: c.mark.Primary, To: 9}}}}
		if err := s.g.turn(t.Context(), s.w.index, state, map[string]failover.Role{"orders": {Name: failover.Switched, Marks: []failover.Mark{c.mark}}}); err != nil {
			t.Fatal(err)
		}
		f, known := mustPair(t, s.w.index).Partition(0).Frontier()
		if known != c.known || known && f != (translate.Frontier{Primary: c.mark.Secondary, Secondary: 9}) {
			t.Errorf("%+v: the way home begins at %v, known %t", c.mark, f, known)
		}
	}
}
