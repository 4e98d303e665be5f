package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/leftoff/leftoff/replicator/api"
	"github.com/leftoff/leftoff/replicator/failover"
)

func printTrial(w io.Writer, all []failover.Trial) {
	fmt.Fprintln(w, "What each step would find now:")
	for _, t := range all {
		mark := "ok"
		if len(t.Finds) > 0 {
			mark = "! "
		}
		says := t.Says
		if len(t.Finds) > 0 {
			says = t.Finds[0]
		}
		fmt.Fprintf(w, "  %s  %-9s  %s\n", mark, word(t.Step), says)
		for _, more := range t.Finds[min(1, len(t.Finds)):] {
			fmt.Fprintf(w, "      %-9s  %s\n", "", more)
		}
	}
}

func word(s failover.Step) string { return strings.ReplaceAll(string(s), "_", " ") }

// stepper shows how a failover goes: one line a step, and what the present one waits for.
type stepper struct {
	w       io.Writer
	inPlace bool
	past    int
	waits   string
	said    time.Time // when the line was printed that only counts on since
}

// countsEvery is how often a line is printed whose numbers alone have changed, where lines can't be replaced.
const countsEvery = 5 * time.Second

func newStepper(w io.Writer, s *failover.State) *stepper {
	out := &stepper{w: w, inPlace: terminal(w)}
	out.show(failover.Progress{State: s})
	return out
}

func (s *stepper) show(p failover.Progress) {
	if p.State == nil {
		return
	}
	for ; s.past < len(p.State.Past); s.past++ {
		s.clear()
		done := p.State.Past[s.past]
		fmt.Fprintf(s.w, "%s  %-9s  %s\n", done.At.Local().Format("15:04:05"), word(done.Step), done.Said)
	}
	waits := ""
	if len(p.Waits) > 0 {
		waits = fmt.Sprintf("%s: %s", word(p.State.Step), p.Waits[0])
		if more := len(p.Waits) - 1; more > 0 {
			waits += fmt.Sprintf(", and %d more", more)
		}
	}
	switch {
	case s.inPlace && waits != "":
		fmt.Fprintf(s.w, "\r\x1b[K%.160s", waits)
	case waits == "" || waits == s.waits:
	case wordsOf(waits) == wordsOf(s.waits) && time.Since(s.said) < countsEvery:
		return // the next one that is printed says it
	default:
		s.said = time.Now()
		fmt.Fprintln(s.w, waits)
	}
	s.waits = waits
}

// wordsOf is a line without its numbers.
func wordsOf(line string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsDigit(r) {
			return -1
		}
		return r
	}, line)
}

func (s *stepper) clear() {
	if s.inPlace && s.waits != "" {
		fmt.Fprint(s.w, "\r\x1b[K")
		s.waits = ""
	}
}

func (s *stepper) end() { s.clear() }

// printFailover prints where a failover stands, and what it did.
func (a *app) printFailover(p api.FailoverAnswer) error {
	if done, err := a.json(p); done {
		return err
	}
	s := p.State
	if s == nil {
		fmt.Fprintln(a.out, "no failover was begun on link "+p.Link)
		return nil
	}
	kind := "planned"
	if s.Unplanned {
		kind = "unplanned"
	}
	fmt.Fprintf(a.out, "failover %s of %s, %s, by %s: %s\n", s.ID, p.Link, kind, s.Who, word(s.Step))
	for _, w := range p.Waits {
		fmt.Fprintf(a.out, "  ! %s\n", w)
	}
	for _, w := range s.Notes {
		fmt.Fprintf(a.out, "  ! %s\n", w)
	}
	for _, w := range s.Accepted {
		fmt.Fprintf(a.out, "  accepted: %s\n", w)
	}
	if s.Seen != nil {
		fmt.Fprintf(a.out, "  %s\n", s.Seen)
	}
	if c := s.Checked; c != nil {
		fmt.Fprintf(a.out, "  positions: %s\n", verdicts(c.Verdicts))
	}
	if len(s.Groups) > 0 {
		fmt.Fprintln(a.out)
		t := newTable("GROUP", ">OFFSETS", "CONFIDENCE", ">RE-READ", ">MISSING", "NOW")
		for _, g := range s.Groups {
			t.row(g.Group, number(int64(g.Offsets)), g.Confidence, unknownAs(g.Reread), number(int64(g.Missing)), strings.ReplaceAll(g.Verdict, "_", " "))
		}
		t.print(a.out)
	}
	if len(s.Topics) > 0 {
		fmt.Fprintln(a.out)
		t := newTable("TOPIC", "ON THE SECONDARY", ">PARTITION", ">MIRRORED UP TO", ">ENDS AT", "MIRROR")
		for _, topic := range s.Topics {
			mirror := "leftoff's, fenced"
			if !topic.Fenced {
				mirror = "somebody else's"
			}
			for _, m := range topic.Marks {
				t.row(topic.Topic, topic.There, number(int64(m.Partition)), unknownAs(m.Primary), number(m.Secondary), mirror)
			}
		}
		t.print(a.out)
	}
	return nil
}

func unknownAs(n int64) string {
	if n < 0 {
		return "?"
	}
	return number(n)
}

func verdicts(counts map[string]int) string {
	var parts []string
	for verdict, n := range counts {
		parts = append(parts, fmt.Sprintf("%s %s", number(int64(n)), strings.ReplaceAll(verdict, "_", " ")))
	}
	slices.Sort(parts)
	return strings.Join(parts, ", ")
}
