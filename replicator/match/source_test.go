package match

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"go.uber.org/zap"

	"github.com/leftoff/leftoff/checkpoint"
	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/translate"
)

// ground runs a Source over a world, one step at a time.
type ground struct {
	t *testing.T
	w *sim
	s *Source
	x *checkpoint.Index
}

func newGround(t *testing.T, w *sim, tune func(*Options)) *ground {
	t.Helper()
	x, err := checkpoint.Open(filepath.Join(t.TempDir(), "index.db"), checkpoint.Options{Link: checkpoint.Link{Name: "l"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { x.Close() })
	o := Options{Primary: simSide{w, replicator.Primary}, Secondary: simSide{w, replicator.Secondary}, Index: x, Logger: zap.NewNop(),
		Name: func(n string) (string, bool) { return n, true }, MinWindow: 16, MaxWindow: 1024}
	if tune != nil {
		tune(&o)
	}
	g := &ground{t: t, w: w, s: New(o), x: x}
	g.round()
	return g
}

// round is what happens once a second, and all work that follows.
func (g *ground) round() {
	ctx := context.Background()
	g.s.watch(ctx)
	g.s.followSecondary(ctx)
	g.s.followPrimary(ctx)
	g.drain()
}

func (g *ground) drain() {
	for n := 0; ; n++ {
		select {
		case p := <-g.s.queue:
			p.queued = false
			more, err := g.s.work(context.Background(), p)
			if err != nil {
				g.s.failed(p, err)
			}
			if more {
				g.s.enqueue(p)
			}
			if n > 10_000 {
				g.t.Fatalf("work without an end: -world %d, %+v", g.w.seed, g.w.traits)
			}
		default:
			return
		}
	}
}

// ask asks as the planner does, until no better answer is on its way.
func (g *ground) ask(u int64) replicator.Mapping {
	for range 50 {
		m := g.s.Forward(simTopic, [16]byte{}, 0, u)
		if !m.Pending && m.Reason != replicator.CatchingUp {
			return m
		}
		g.drain()
	}
	g.t.Fatalf("no answer for %d: %+v", u, g.s.Forward(simTopic, [16]byte{}, 0, u))
	return replicator.Mapping{}
}

// tally counts answers.
type tally struct {
	exact, floor, behind, unmapped int
	late                           int // behind although copied
	reread                         int64
	wrong, why                     []string
}

func (c tally) String() string {
	return fmt.Sprintf("exact %d, floor %d, behind %d, unmapped %d, re-read %d", c.exact, c.floor, c.behind, c.unmapped, c.reread)
}

// check holds an answer against the world.
func (g *ground) check(c *tally, u int64) {
	m, t := g.ask(u), g.w.T(u)
	d := m.Position.Offset
	bad := func(format string, args ...any) {
		c.wrong = append(c.wrong, fmt.Sprintf("u %d, T %d, %s at %d (%s %s): ", u, t, m.Position.Confidence, d, m.Reason, m.Detail)+fmt.Sprintf(format, args...))
	}
	if m.Reason != replicator.NoReason {
		c.unmapped++
		return
	}
	again := int64(0)
	if d > t {
		// Where only markers and holes lie between, nothing is skipped.
		if g.w.between(t, d) > 0 {
			bad("ahead")
		}
	} else {
		again = g.w.between(d, t)
	}
	c.reread += again
	switch m.Position.Confidence {
	case translate.Exact:
		c.exact++
		if again > 0 {
			bad("exact, and %d records are read again", again)
		}
	case translate.Floor:
		c.floor++
		c.why = append(c.why, fmt.Sprintf("u %d, T %d: floor at %d: %s", u, t, d, m.Detail))
		if m.Position.Reread >= 0 && again > m.Position.Reread {
			bad("bound %d, and %d records are read again", m.Position.Reread, again)
		}
	case translate.Behind:
		c.behind++
		if t < g.w.logs[1].end {
			c.late++
			c.why = append(c.why, fmt.Sprintf("u %d, T %d: behind at %d", u, t, d))
		}
	default:
		c.unmapped++
	}
}

func (g *ground) all(step int64) tally {
	var c tally
	l := g.w.logs[0]
	for u := max(0, l.start-3); u <= l.end; u += step {
		g.check(&c, u)
	}
	return c
}

func (g *ground) some(rnd *rand.Rand, n int) tally {
	var c tally
	l := g.w.logs[0]
	for range n {
		g.check(&c, l.start+rnd.Int64N(l.end-l.start+1))
	}
	return c
}

func TestWorlds(t *testing.T) {
	for _, c := range []struct {
		name  string
		t     simTraits
		exact bool // everything must be
	}{
		{"plain", simTraits{records: 3000}, true},
		{"base", simTraits{records: 3000, base: 1 << 40}, true},
		{"transactions", simTraits{records: 3000, transactions: true}, true},
		{"transactions, read committed", simTraits{records: 3000, transactions: true, committed: true}, true},
		{"holes", simTraits{records: 5000, holes: 0.5}, true},
		{"filter", simTraits{records: 3000, filter: 0.1}, true},
		{"heavy filter", simTraits{records: 3000, filter: 0.4}, true},
		{"header", simTraits{records: 2000, header: true}, true},
		{"transformed", simTraits{records: 2000, transform: true}, true},
		{"stamped", simTraits{records: 3000, stamped: true}, true},
		{"reordered", simTraits{records: 3000, reorder: true}, true},
		{"markers", simTraits{records: 3000, markers: 20}, true},
		{"re-copied", simTraits{records: 6000, crashes: []simCrash{{after: 3000, back: 800, again: -1}}}, true},
		{"re-copied twice", simTraits{records: 6000, crashes: []simCrash{{after: 2000, back: 700, again: -1}, {after: 4000, back: 1500, again: -1}}}, true},
		{"small re-copy", simTraits{records: 6000, crashes: []simCrash{{after: 3000, back: 9, again: -1}}}, true},
		{"unfinished", simTraits{records: 3000, crashes: []simCrash{{after: 2500, back: 900, again: 400}}}, true},
		{"nearly finished", simTraits{records: 3000, crashes: []simCrash{{after: 2500, back: 900, again: 850}}}, true},
		{"cancelling", simTraits{records: 6000, crashes: []simCrash{{after: 2500, drop: 500}, {after: 4000, back: 500, again: -1}}}, false},
		{"cancelling, unfinished", simTraits{records: 9000, crashes: []simCrash{{after: 3000, drop: 1000}, {after: 6000, back: 1000, again: 600}}}, false},
		{"cancelling, nearly finished", simTraits{records: 9000, crashes: []simCrash{{after: 3000, drop: 1000}, {after: 6000, back: 1000, again: 950}}}, false},
		{"identical", simTraits{records: 3000, identical: 10}, false},
		{"long identical", simTraits{records: 3000, identical: 300}, false},
		{"periodic", simTraits{records: 3000, period: 50, stamped: true}, false},
		{"long period", simTraits{records: 3000, period: 1000, stamped: true, crashes: []simCrash{{after: 1500, back: 1000, again: -1}}}, false},
		{"heads", simTraits{records: 3000, head: 500, primaryHead: 900}, false},
		{"cleaned", simTraits{records: 3000, cleaned: true, crashes: []simCrash{{after: 2500, back: 900, again: 400}}}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			for seed := range uint64(max(1, *worlds)) {
				w := newSim(seed, c.t)
				g := newGround(t, w, nil)
				n := g.all(61)
				t.Logf("seed %d: %s; %d fetches of %d and %d bytes", seed, n, g.s.primary.fetches.Load(), g.s.primary.bytes.Load(), g.s.secondary.bytes.Load())
				for i, wrong := range n.wrong {
					if i < 5 {
						t.Error(wrong)
					}
				}
				if c.exact && n.floor+n.unmapped+n.late > 0 {
					t.Errorf("not all exact: %s: %s", n, append(n.why, "")[0])
				}
			}
		})
	}
}
