package acceptance

import (
	"sync"
	"testing"

	"github.com/leftoff/leftoff/internal/judge"
	"github.com/leftoff/leftoff/internal/rig"
)

// deathbed is what lives share.
type deathbed struct {
	primary, secondary *rig.Cluster
	leftoff            program
	history            *judge.History
	home, away         chronicle // on the primary, and on the secondary

	turns chan struct{} // how many live at a time: the machine is small

	settled, through sync.WaitGroup // those whose region will be lost, and those who got through it
	gone, back       gate           // the primary is

	mu  sync.Mutex
	hit map[death]int
}

const atOnce = 5

func newDeathbed(t *testing.T, primary, secondary *rig.Cluster) *deathbed {
	return &deathbed{
		primary: primary, secondary: secondary, leftoff: build(t), history: watch(t, primary, secondary, "").history, home: newChronicle(t, primary), away: newChronicle(t, secondary),
		turns: make(chan struct{}, atOnce), gone: newGate(), back: newGate(), hit: map[death]int{},
	}
}

// live runs lives side by side. With what happens to the region, if anything.
func (g *deathbed) live(t *testing.T, all []fate, region func()) {
	var lives sync.WaitGroup
	defer lives.Wait()
	if region != nil {
		defer g.back.open()
		defer g.gone.open()
		g.settled.Add(len(all))
		g.through.Add(len(all))
	}
	for i, f := range all {
		lives.Go(func() {
			settled, through := func() {}, func() {}
			if region != nil {
				settled, through = sync.OnceFunc(g.settled.Done), sync.OnceFunc(g.through.Done)
			}
			defer through()
			defer settled()
			t.Run(f.String(), func(t *testing.T) {
				l := newLife(t, g, i, f)
				l.isSettled, l.isThrough = settled, through
				l.run()
			})
		})
	}
	if region != nil {
		region()
	}
}

func (g *deathbed) died(at death) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.hit[at]++
}

func (g *deathbed) wasHit(t *testing.T, at death) {
	t.Helper()
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.hit[at] != 1 {
		t.Errorf("died %d times at: %s", g.hit[at], at)
	}
}

// gate is shut until it is opened.
type gate struct {
	passed chan struct{}
	open   func()
}

func newGate() gate {
	g := gate{passed: make(chan struct{})}
	g.open = sync.OnceFunc(func() { close(g.passed) })
	return g
}
