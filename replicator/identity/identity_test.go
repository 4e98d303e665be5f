package identity

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/replicator/kafka"
	"github.com/leftoff/leftoff/translate"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// pair runs a source over two fake clusters, in fake time, with the topic t (t2 on the secondary).
type pair struct {
	t    *testing.T
	a, b *fakeCluster
	s    *Source
	told []replicator.Advance
	stop context.CancelFunc
	done chan error
}

func newPair(t *testing.T) *pair {
	p := &pair{t: t, a: newFake(), b: newFake(), done: make(chan error, 1)}
	p.a.create("t", 1, 1)
	p.b.create("t2", 2, 1)
	return p
}

func (p *pair) start() *pair {
	p.s = New(Options{Primary: p.a, Secondary: p.b, Name: func(n string) (string, bool) { return n + "2", strings.HasPrefix(n, "t") },
		Notify: func(a replicator.Advance) { p.told = append(p.told, a) }})
	ctx, cancel := context.WithCancel(p.t.Context())
	p.stop = cancel
	go func() { p.done <- p.s.Run(ctx) }()
	p.settle(0)
	return p
}

func (p *pair) settle(d time.Duration) { time.Sleep(d); synctest.Wait() }

func (p *pair) end() {
	p.stop()
	if err := <-p.done; !errors.Is(err, context.Canceled) {
		p.t.Errorf("Run: %v", err)
	}
}

func (p *pair) primary() *fakeLog   { return p.a.topics["t"].parts[0] }
func (p *pair) secondary() *fakeLog { return p.b.topics["t2"].parts[0] }

// both writes the same records on both sides.
func (p *pair) both(from, to int64) *pair {
	p.a.edit(func() { p.primary().append(records(from, to)...) })
	p.b.edit(func() { p.secondary().append(records(from, to)...) })
	return p
}

func (p *pair) forward(u int64) replicator.Mapping { return p.s.Forward("t", [16]byte{}, 0, u) }

func (p *pair) want(u, offset int64, c translate.Confidence) {
	p.t.Helper()
	if m := p.forward(u); m.Reason != replicator.NoReason || m.Position.Offset != offset || m.Position.Confidence != c {
		p.t.Errorf("%d is answered %+v %v %q, want %d %v", u, m.Position, m.Reason, m.Detail, offset, c)
	}
}

func (p *pair) wantHeld(u int64, why replicator.Reason, detail string) {
	p.t.Helper()
	if m := p.forward(u); m.Reason != why || !strings.Contains(m.Detail, detail) || m.Position.Confidence != translate.Unmapped {
		p.t.Errorf("%d is answered %+v %v %q, want %v %q", u, m.Position, m.Reason, m.Detail, why, detail)
	}
}

// wantTold checks and forgets what was notified.
func (p *pair) wantTold(want replicator.Advance) {
	p.t.Helper()
	for _, a := range p.told {
		if a == want {
			p.told = nil
			return
		}
	}
	p.t.Errorf("told %+v, want %+v", p.told, want)
	p.told = nil
}

var (
	onward     = replicator.Advance{Topic: "t", Partition: 0}
	replan     = replicator.Advance{Topic: "t", Partition: 0, All: true}
	wholeTopic = replicator.Advance{Topic: "t", Partition: -1, All: true}
)

func test(t *testing.T, f func(t *testing.T)) { t.Helper(); synctest.Test(t, f) }

func TestPosition(t *testing.T) {
	for _, c := range []struct {
		u, start, end, want, reread int64
		confidence                  translate.Confidence
	}{
		{0, 0, 0, 0, 0, translate.Exact}, {0, 0, 9, 0, 0, translate.Exact}, {9, 0, 9, 9, 0, translate.Exact},
		{10, 0, 9, 9, 1, translate.Behind}, {3, 5, 9, 5, 0, translate.Exact}, {7, 5, 5, 5, 2, translate.Behind},
	} {
		got := position(translate.Bounds{LogStart: c.start, End: c.end}, c.u)
		if want := (translate.Position{Offset: c.want, Confidence: c.confidence, Reread: c.reread}); got != want {
			t.Errorf("%d in [%d,%d): %+v, want %+v", c.u, c.start, c.end, got, want)
		}
	}
}

func TestNothingIsAnsweredBeforeItWasCompared(t *testing.T) {
	test(t, func(t *testing.T) {
		p := newPair(t).both(0, 100)
		p.b.block = make(chan struct{})
		p.start()
		p.settle(3 * time.Second)
		p.wantHeld(50, replicator.SourceDegraded, "not compared yet")
		close(p.b.block)
		p.settle(time.Second)
		for _, u := range []int64{0, 50, 99, 100} {
			p.want(u, u, translate.Exact)
		}
		p.want(101, 100, translate.Behind)
		p.wantTold(replan)
		if st := p.s.State(); st.Proven != 1 || st.Oldest.IsZero() || len(st.Problems) != 0 || st.Error != nil {
			t.Errorf("state %+v", st)
		}
		if got := p.s.Mirrored(); len(got) != 1 || got["t"] != 1 {
			t.Errorf("mirrored %v", got)
		}
		p.end()
	})
}

func TestEqualEndsProveNothing(t *testing.T) {
	for name, c := range map[string]struct {
		fill   func(a, b *fakeLog)
		detail string
	}{
		"a marker on the primary, a duplicate on the secondary": {func(a, b *fakeLog) {
			a.append(records(0, 50)...)
			a.marker()
			a.append(records(50, 99)...)
			b.append(records(0, 50)...)
			b.append(records(49, 99)...)
			b.trim(50)
		}, "a transaction marker"},
		"shifted by one": {func(a, b *fakeLog) { a.append(records(0, 100)...); b.append(records(1, 101)...) }, "offset 0 differs: the key"},
		"only the tip": {func(a, b *fakeLog) {
			a.append(records(0, 1000)...)
			b.append(records(0, 999)...)
			b.append(record(7))
		}, "offset 999 differs"},
		"a timestamp": {func(a, b *fakeLog) {
			a.append(record(0))
			r := record(0)
			r.Timestamp++
			b.append(r)
		}, "timestamp"},
		"a null value that became empty": {func(a, b *fakeLog) {
			r := record(0)
			r.Value = nil
			a.append(r)
			r.Value = []byte{}
			b.append(r)
		}, "the value (null, 0 bytes on the secondary)"},
		"a header's value": {func(a, b *fakeLog) {
			r := record(0)
			a.append(r)
			r.Headers = []kafka.Header{{Key: []byte("h"), Value: []byte{}}}
			b.append(r)
		}, "header 0"},
		"a header more": {func(a, b *fakeLog) {
			r := record(0)
			a.append(r)
			r.Headers = append(r.Headers, kafka.Header{Key: []byte("x")})
			b.append(r)
		}, "1 headers, 2 on the secondary"},
	} {
		t.Run(name, func(t *testing.T) {
			test(t, func(t *testing.T) {
				p := newPair(t)
				c.fill(p.primary(), p.secondary())
				p.start()
				p.settle(time.Second)
				p.wantHeld(1, replicator.SourceDegraded, c.detail)
				if st := p.s.State(); len(st.Problems) != 1 || st.Proven != 0 {
					t.Errorf("state %+v", st)
				}
				p.b.edit(func() { // mended
					*p.secondary() = fakeLog{records: map[int64]kafka.Record{}, control: map[int64]bool{}}
					for o := int64(0); o < p.primary().end; o++ {
						p.secondary().append(p.primary().records[o])
						p.secondary().control[o] = p.primary().control[o]
					}
				})
				p.settle(20 * time.Second)
				p.want(1, 1, translate.Exact)
				p.end()
			})
		})
	}
}

func TestRecordsThatAreAllAlikeProveNothing(t *testing.T) {
	test(t, func(t *testing.T) {
		p := newPair(t)
		for range 10 {
			p.primary().append(record(1))
			p.secondary().append(record(1))
		}
		p.start()
		p.settle(time.Second)
		p.wantHeld(5, replicator.Unmapped, "alike")
		p.both(11, 12)
		p.settle(20 * time.Second)
		p.want(5, 5, translate.Exact)
		p.end()
	})
}

func TestAnEmptySecondaryNeedsNoProof(t *testing.T) {
	test(t, func(t *testing.T) {
		p := newPair(t)
		p.start()
		p.want(0, 0, translate.Exact)
		p.a.edit(func() { p.primary().append(records(0, 10)...) })
		p.want(7, 0, translate.Behind)
		p.b.edit(func() { p.secondary().append(records(0, 10)...) })
		p.settle(2 * time.Second)
		p.want(7, 7, translate.Exact)
		p.end()
	})
}

func TestAnEmptySecondaryThatFillsWithSomethingElse(t *testing.T) {
	test(t, func(t *testing.T) {
		p := newPair(t)
		p.a.edit(func() { p.primary().append(records(0, 10)...) })
		p.start()
		p.want(7, 0, translate.Behind)
		p.b.edit(func() { p.secondary().append(records(3, 10)...) })
		for range 100 { // at no moment
			p.settle(25 * time.Millisecond)
			if m := p.forward(7); m.Reason == replicator.NoReason && m.Position.Offset > 0 {
				t.Fatalf("answered %+v", m)
			}
		}
		p.wantHeld(7, replicator.SourceDegraded, "offset 0 differs")
		p.end()
	})
}

func TestNothingInCommon(t *testing.T) {
	test(t, func(t *testing.T) {
		p := newPair(t).both(0, 100)
		p.a.edit(func() { p.primary().trim(100) })
		p.b.edit(func() { p.secondary().trim(90) })
		p.start()
		p.settle(time.Second)
		p.wantHeld(95, replicator.Unmapped, "the primary holds offsets 100 to 100, the secondary 90 to 100")
		if m := p.forward(95); m.Secondary != (translate.Bounds{LogStart: 90, End: 100}) {
			t.Errorf("bounds %+v", m.Secondary)
		}
		p.both(100, 103)
		p.settle(3 * time.Second)
		p.want(95, 95, translate.Exact)
		p.a.edit(func() { p.primary().trim(103) })
		p.settle(time.Hour)
		p.want(95, 95, translate.Exact) // what was proven stays so
		p.end()
	})
}
