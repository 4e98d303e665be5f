package main

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

// saying tells on stderr what takes long: nothing for two seconds, then one line that changes on a terminal, or a line every
// five seconds elsewhere. end leaves the terminal clean.
func (a *app) saying() (say func(string), end func()) {
	var mu sync.Mutex
	inPlace, began, shown := terminal(a.err), time.Now(), time.Time{}
	say = func(what string) {
		mu.Lock()
		defer mu.Unlock()
		if time.Since(began) < 2*time.Second || !inPlace && time.Since(shown) < 5*time.Second {
			return
		}
		shown = time.Now()
		if inPlace {
			fmt.Fprintf(a.err, "\r\x1b[K%.140s", what)
			return
		}
		fmt.Fprintln(a.err, what)
	}
	return say, func() {
		mu.Lock()
		defer mu.Unlock()
		if inPlace && !shown.IsZero() {
			fmt.Fprint(a.err, "\r\x1b[K")
		}
	}
}

func printYAML(w io.Writer, d detection) {
	for _, l := range d.Links {
		for _, p := range l.Problems {
			fmt.Fprintf(w, "# %s: %s\n", l.Link, p)
		}
	}
	fmt.Fprint(w, d.Config)
}

func printDetection(w io.Writer, d detection) {
	for i, l := range d.Links {
		if i > 0 {
			fmt.Fprintln(w)
		}
		printDetected(w, l)
	}
	if d.Config != "" {
		fmt.Fprintf(w, "\nA configuration for this (--yaml prints nothing else):\n\n%s", d.Config)
	}
}

func printDetected(w io.Writer, l detected) {
	fmt.Fprintf(w, "%s, %s to %s: mirror: %s\n", l.Link, l.Primary, l.Secondary, l.Mirror)
	if m := l.MM2; m != nil {
		for _, line := range []struct{ what, value string }{
			{"offset syncs", strings.TrimSuffix(m.SyncsTopic+" on the "+m.SyncsOn, " on the ")}, {"checkpoints", m.CheckpointsTopic},
		} {
			if line.value != "" {
				fmt.Fprintf(w, "  %s in %s\n", line.what, line.value)
			}
		}
	}
	if l.Prefix != "" {
		fmt.Fprintf(w, "  topics have the prefix %s on the secondary\n", l.Prefix)
	}
	t := newTable("TOPIC", "THERE", ">PARTITIONS", "MAPPING", "WHY")
	for _, topic := range l.Topics {
		mapping, there := topic.Mapping, topic.There
		if mapping == "" {
			mapping = "-"
		}
		if there == "" {
			there = "-"
		}
		t.row(topic.Topic, there, number(int64(topic.Partitions)), mapping, topic.Why)
	}
	if len(t.rows) > 0 {
		fmt.Fprintln(w)
	}
	t.print(w)
	printAdvice(w, "  ! ", l.Problems)
	printAdvice(w, "  ", l.Notes)
}

// printAdvice prints sentences, and what to do in lines of their own.
func printAdvice(w io.Writer, mark string, all []string) {
	if len(all) > 0 {
		fmt.Fprintln(w)
	}
	for _, text := range all {
		what, try, ok := strings.Cut(text, ". Try: ")
		fmt.Fprintln(w, mark+what)
		if ok {
			fmt.Fprintln(w, "      Try: "+try)
		}
	}
}
