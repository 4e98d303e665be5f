package bench

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

// progress is one line about the measure that runs: redrawn every second on a terminal, a line for each new text elsewhere.
type progress struct {
	out      io.Writer
	terminal bool

	mu    sync.Mutex
	name  string
	began time.Time
	text  string
	drawn time.Time
	stop  chan struct{}
	ended sync.WaitGroup
}

// begin starts the line of a measure.
func (p *progress) begin(name string) {
	p.mu.Lock()
	p.name, p.began, p.text, p.stop = name, time.Now(), "starting", make(chan struct{})
	p.mu.Unlock()
	p.draw()
	if !p.terminal {
		return
	}
	p.ended.Go(func() {
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				p.draw()
			case <-p.stop:
				return
			}
		}
	})
}

// say is Run.Say.
func (p *progress) say(format string, args ...any) {
	text := strings.TrimPrefix(fmt.Sprintf(format, args...), p.name+": ")
	p.mu.Lock()
	same := text == p.text || !p.terminal && withoutNumbers(text) == withoutNumbers(p.text) && time.Since(p.drawn) < time.Second
	p.text = text
	p.mu.Unlock()
	if !same {
		p.draw()
	}
}

// withoutNumbers is what a line says when only its counts go on.
func withoutNumbers(text string) string {
	return strings.Map(func(c rune) rune {
		if c >= '0' && c <= '9' {
			return -1
		}
		return c
	}, text)
}

// end leaves the line and what came of it behind.
func (p *progress) end(format string, args ...any) time.Duration {
	close(p.stop)
	p.ended.Wait()
	p.say(format, args...)
	if p.terminal {
		fmt.Fprintln(p.out)
	}
	return time.Since(p.began)
}

func (p *progress) draw() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.drawn = time.Now()
	since := p.drawn.Sub(p.began)
	line := fmt.Sprintf("%-10s %d:%02d  %s", p.name, int(since.Minutes()), int(since.Seconds())%60, p.text)
	if p.terminal {
		fmt.Fprintf(p.out, "\r\x1b[K%.110s", line)
		return
	}
	fmt.Fprintln(p.out, line)
}
