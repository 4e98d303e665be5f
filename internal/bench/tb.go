package bench

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"testing"
	"time"
)

// ground is a testing.TB where no test runs, for internal/rig. It has what the rig and the measures call; the rest panics.
type ground struct {
	testing.TB // nil: only so that this is a testing.TB

	name string
	ctx  context.Context

	mu       sync.Mutex
	failed   bool
	skipped  string
	lines    []string // what was logged, errors included
	cleanups []func()
}

// grace is how long a measure may take to notice that it was interrupted, before its brokers are ended under its feet.
const grace = 10 * time.Second

// within runs f on a ground of its own and returns when f has ended, by whatever way, and everything registered with Cleanup
// has run. Where ctx ends and f does not notice within the grace, the cleanups run without it.
func within(ctx context.Context, name string, grace time.Duration, f func(*ground)) *ground {
	own, cancel := context.WithCancel(ctx)
	defer cancel()
	g := &ground{name: name, ctx: own}
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer g.cleanUp()
		defer cancel() // as a test's context, it ends before the cleanups run
		defer func() {
			if p := recover(); p != nil {
				g.Errorf("panic: %v\n%s", p, debug.Stack())
			}
		}()
		f(g)
	}()
	select {
	case <-done:
		return g
	case <-ctx.Done():
	}
	late := time.NewTimer(grace)
	defer late.Stop()
	select {
	case <-done:
	case <-late.C:
		g.Errorf("did not notice within %v that it was interrupted", grace)
		swept := make(chan struct{})
		go func() { defer close(swept); g.cleanUp() }()
		<-swept
	}
	return g
}

// cleanUp runs the last registered first, and all of them even where one ends its goroutine.
func (g *ground) cleanUp() {
	g.mu.Lock()
	if len(g.cleanups) == 0 {
		g.mu.Unlock()
		return
	}
	f := g.cleanups[len(g.cleanups)-1]
	g.cleanups = g.cleanups[:len(g.cleanups)-1]
	g.mu.Unlock()
	defer g.cleanUp()
	f()
}

// Name of the measure.
func (g *ground) Name() string { return g.name }

// Context ends at an interrupt, and before the cleanups run.
func (g *ground) Context() context.Context { return g.ctx }

// Helper does nothing: there are no line numbers here.
func (g *ground) Helper() {}

// Cleanup registers f to run when the measure is over.
func (g *ground) Cleanup(f func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.cleanups = append(g.cleanups, f)
}

// TempDir is a folder that goes with the measure.
func (g *ground) TempDir() string {
	dir, err := os.MkdirTemp("", "leftoff-bench-")
	if err != nil {
		g.Fatalf("temporary folder: %v", err)
	}
	g.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// Setenv sets a variable for the time of the measure.
func (g *ground) Setenv(key, value string) {
	before, was := os.LookupEnv(key)
	if err := os.Setenv(key, value); err != nil {
		g.Fatalf("setenv %s: %v", key, err)
	}
	g.Cleanup(func() {
		if was {
			os.Setenv(key, before)
		} else {
			os.Unsetenv(key)
		}
	})
}

func (g *ground) say(text string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.lines = append(g.lines, strings.TrimRight(text, "\n"))
}

// Log keeps a line for a measure that fails.
func (g *ground) Log(args ...any) { g.say(fmt.Sprintln(args...)) }

// Logf is Log with a format.
func (g *ground) Logf(format string, args ...any) { g.say(fmt.Sprintf(format, args...)) }

// Fail marks the measure as failed and goes on.
func (g *ground) Fail() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.failed = true
}

// FailNow ends the goroutine that calls it, which should be the measure's.
func (g *ground) FailNow() {
	g.Fail()
	runtime.Goexit()
}

// Failed says whether anything was an error so far.
func (g *ground) Failed() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.failed
}

func (g *ground) Error(args ...any)                 { g.Log(args...); g.Fail() }
func (g *ground) Errorf(format string, args ...any) { g.Logf(format, args...); g.Fail() }
func (g *ground) Fatal(args ...any)                 { g.Log(args...); g.FailNow() }
func (g *ground) Fatalf(format string, args ...any) { g.Logf(format, args...); g.FailNow() }

// SkipNow ends the goroutine that calls it without a result and without a failure.
func (g *ground) SkipNow() { g.Skip("skipped") }

// Skip is SkipNow with a reason.
func (g *ground) Skip(args ...any) {
	g.mu.Lock()
	g.skipped = strings.TrimSpace(fmt.Sprintln(args...))
	g.mu.Unlock()
	runtime.Goexit()
}

// Skipf is Skip with a format.
func (g *ground) Skipf(format string, args ...any) { g.Skip(fmt.Sprintf(format, args...)) }

// Skipped says whether the measure was.
func (g *ground) Skipped() bool { return g.why() != "" }

func (g *ground) why() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.skipped
}

// told is what was logged, the last lines of it.
func (g *ground) told(n int) []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]string(nil), g.lines[max(0, len(g.lines)-n):]...)
}
