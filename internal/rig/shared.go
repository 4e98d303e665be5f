package rig

import (
	"fmt"
	"os"
	"sync"
	"testing"

	"go.uber.org/goleak"
)

// shared is the pair that tests of one process have in common.
var shared struct {
	mu                 sync.Mutex
	primary, secondary *Cluster
	err                error
}

// Shared returns a pair of single-broker 4.3.1 clusters that all tests of this
// package share, started by the first that asks. Use names of your own (Name),
// leave topics behind if you like, and never kill a broker of it.
//
// The package needs func TestMain(m *testing.M) { rig.Main(m) }.
func Shared(t testing.TB) (primary, secondary *Cluster) {
	t.Helper()
	Require(t)
	shared.mu.Lock()
	defer shared.mu.Unlock()
	if shared.primary == nil && shared.err == nil {
		a := Options{Name: "primary"}.withDefaults()
		b := Options{Name: "secondary"}.withDefaults()
		shared.primary, shared.secondary, shared.err = launchTwo(a, b)
		if shared.err == nil {
			t.Logf("rig: %s", shared.primary)
			t.Logf("rig: %s", shared.secondary)
		}
	}
	if shared.err != nil {
		t.Fatalf("rig: shared pair: %v", shared.err)
	}
	return shared.primary, shared.secondary
}

// Main is a package's TestMain: it runs the tests, ends the shared pair, and
// fails a run that passed but left goroutines behind. A test that checks its own
// goroutines calls Shared first and then ignores the current ones.
func Main(m *testing.M, ignore ...goleak.Option) {
	os.Exit(run(m, ignore))
}

// IgnoreFake leaves out a goroutine of the fake broker's own: on a busy machine it may wait for a lock for longer than goleak does.
func IgnoreFake() goleak.Option {
	return goleak.IgnoreAnyFunction("github.com/twmb/franz-go/pkg/kfake.(*Cluster).runControl.func1")
}

func run(m *testing.M, ignore []goleak.Option) int {
	code := m.Run()
	for _, c := range []*Cluster{shared.primary, shared.secondary} {
		if c == nil {
			continue
		}
		if kept := c.Close(code != 0); kept != "" {
			fmt.Fprintln(os.Stderr, kept)
		}
	}
	if code != 0 {
		return code
	}
	if err := goleak.Find(append(ignore, IgnoreFake())...); err != nil {
		fmt.Fprintf(os.Stderr, "goroutines left behind: %v\n", err)
		return 1
	}
	return 0
}
