package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/leftoff/leftoff/replicator"
)

// progress says on stderr what takes long: nothing for two seconds, then one line that changes on a terminal, or a line
// every five seconds elsewhere.
type progress struct {
	out     io.Writer
	inPlace bool
	began   time.Time
	shown   time.Time
	last    []replicator.Snapshot
}

func newProgress(out io.Writer) *progress {
	return &progress{out: out, inPlace: terminal(out), began: time.Now()}
}

func (p *progress) show(now []replicator.Snapshot) {
	p.last = now
	if time.Since(p.began) < 2*time.Second || !p.inPlace && time.Since(p.shown) < 5*time.Second {
		return
	}
	p.shown = time.Now()
	line := progressLine(now)
	if p.inPlace {
		fmt.Fprintf(p.out, "\r\x1b[K%.140s", line)
		return
	}
	fmt.Fprintln(p.out, line)
}

// end leaves the terminal clean.
func (p *progress) end() {
	if p.inPlace && !p.shown.IsZero() {
		fmt.Fprint(p.out, "\r\x1b[K")
	}
}

func progressLine(now []replicator.Snapshot) string {
	var parts []string
	for _, s := range now {
		for side, state := range s.Sides {
			name := s.Link + " " + replicator.Side(side).String()
			switch {
			case state.CaughtUp:
			case state.Error != "":
				parts = append(parts, name+" does not answer: "+state.Error)
			default:
				parts = append(parts, fmt.Sprintf("%s: %s read", name, plural(state.Pairs, "offset")))
			}
		}
	}
	if len(parts) == 0 {
		return "both sides are read; waiting for the mapping"
	}
	return strings.Join(parts, "; ")
}

// busy says every five seconds that something still goes on. stop ends that.
func (a *app) busy(what string) (stop func()) {
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		began, tick := time.Now(), time.NewTicker(5*time.Second)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				fmt.Fprintf(a.err, "%s: %s so far\n", what, time.Since(began).Round(time.Second))
			}
		}
	}()
	return func() { close(done); <-ended }
}
