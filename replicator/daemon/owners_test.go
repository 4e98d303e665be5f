package daemon

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// Whatever is renamed to whatever, in any order: what was written under a name belongs to one link, that goes by a name of its own, and to the one that
// a naive count of who took what comes to.
func TestOwners(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	const links = 5
	name := func(n int) string { return fmt.Sprintf("link%d: p → s", n) }
	counted := 0
	for range 500 {
		var o owners
		belongs, taken := [links]int{}, map[[2]int]bool{} // by number
		for i := range belongs {
			belongs[i] = i
		}
		for range 12 {
			from, to := rng.IntN(links), rng.IntN(links)
			o.renamed(name(from), name(to))
			inUse, free := belongs[from] == from, belongs[to] == to || belongs[to] == from
			if from != to && inUse && free && !taken[[2]int{from, to}] {
				taken[[2]int{from, to}] = true
				for i := range belongs {
					if belongs[i] == from {
						belongs[i] = to
					}
				}
				belongs[to] = to
				counted++
			}
			for i := range belongs {
				owner := o.of(name(i))
				if owner != name(belongs[i]) || o.of(owner) != owner {
					t.Fatalf("link %d belongs to %s, whose things are %s's; want link %d", i, owner, o.of(owner), belongs[i])
				}
			}
		}
	}
	if counted < 1000 {
		t.Errorf("only %d renamings counted", counted)
	}
}

// A link is never made one with one that joins other clusters, nor by a record that says nothing of it.
func TestOwnersKeepPairsApart(t *testing.T) {
	var o owners
	for _, m := range [][2]string{{"a: p → s", "b: q → s"}, {"a: p → s", "b: s → p"}, {"", "b: p → s"}, {"a: p → s", "a: p → s"}, {"a", "b: p → s"}} {
		o.renamed(m[0], m[1])
		if owner := o.of(m[0]); owner != m[0] || len(o.heirs) != 0 {
			t.Errorf("%q is %q's", m[0], owner)
		}
	}
}
