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
		fmt.Fprintf(w, "  %s  %-9s  %s\n", mark, word(t.Step), readable(says))
		for _, more := range t.Finds[min(1, len(t.Finds)):] {
			fmt.Fprintf(w, "      %-9s  %s\n", "", readable(more))
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
	open    bool      // a line that can be replaced is there
	said    time.Time // when lines were printed that only count on since
}

// countsEvery is how often a line is printed whose numbers alone have changed, where lines can't be replaced.
const countsEvery = 5 * time.Second

// inLine is how long a line can be that is replaced by the next one, and manyWaits how many are listed.
const (
	inLine    = 160
	manyWaits = 100
)

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
		fmt.Fprintf(s.w, "%s  %-9s  %s\n", done.At.Local().Format("15:04:05"), word(done.Step), readable(done.Said))
	}
	waits := readable(waitLines(p))
	switch {
	case s.inPlace && waits != "" && !strings.Contains(waits, "\n") && len(waits) <= inLine:
		fmt.Fprintf(s.w, "\r\x1b[K%s", waits)
		s.open = true
	case waits == "" || waits == s.waits:
	case wordsOf(waits) == wordsOf(s.waits) && time.Since(s.said) < countsEvery:
		return // the next one that is printed says it
	default:
		s.clear()
		s.said = time.Now()
		fmt.Fprintln(s.w, waits)
	}
	s.waits = waits
}

// waitLines are all that a step waits for, one a line: who has to stop a group has to see which.
func waitLines(p failover.Progress) string {
	switch n := len(p.Waits); {
	case n == 0:
		return ""
	case n == 1:
		return word(p.State.Step) + ": " + p.Waits[0]
	case n > manyWaits:
		return fmt.Sprintf("%s:\n  %s\n  and %d more, which leftoff failover status lists", word(p.State.Step), strings.Join(p.Waits[:manyWaits], "\n  "), n-manyWaits)
	}
	return fmt.Sprintf("%s:\n  %s", word(p.State.Step), strings.Join(p.Waits, "\n  "))
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
	if s.open {
		fmt.Fprint(s.w, "\r\x1b[K")
		s.open, s.waits = false, ""
	}
}

func (s *stepper) end() { s.clear() }

// printFailover prints for people where a failover stands, and what it did.
func (a *app) printFailover(p api.FailoverAnswer) {
	s := p.State
	if s == nil {
		fmt.Fprintln(a.out, "no failover was begun on link "+p.Link)
		return
	}
	kind := "planned"
	switch {
	case s.Home != nil:
		kind = "failback"
	case s.Unplanned:
		kind = "unplanned"
	}
	fmt.Fprintf(a.out, "failover %s of %s, %s, by %s: %s\n", s.ID, p.Link, kind, s.Who, word(s.Step))
	for _, w := range p.Waits {
		fmt.Fprintf(a.out, "  ! %s\n", readable(w))
	}
	for _, w := range s.Notes {
		fmt.Fprintf(a.out, "  ! %s\n", readable(w))
	}
	for _, w := range s.Accepted {
		fmt.Fprintf(a.out, "  accepted: %s\n", readable(w))
	}
	if s.Seen != nil {
		fmt.Fprintf(a.out, "  %s\n", readable(s.Seen.String()))
	}
	defer a.printNeverMirrored(s.Seen)
	if c := s.Checked; c != nil {
		fmt.Fprintf(a.out, "  positions: %s\n", verdicts(c.Verdicts))
	}
	if len(s.Groups) > 0 {
		fmt.Fprintln(a.out)
		t := newTable("GROUP", ">OFFSETS", "CONFIDENCE", ">RE-READ", ">NO OFFSET", "NOW")
		for _, g := range s.Groups {
			t.row(g.Group, number(int64(g.Offsets)), g.Confidence, unknownAs(g.Reread), number(int64(g.Missing)), nowOf(s, strings.ReplaceAll(g.Verdict, "_", " ")))
		}
		t.print(a.out)
	}
	printSwitched(a.out, s)
	if s.Step == failover.AtHome {
		fmt.Fprintln(a.out, cameHome(p))
	}
}

// printSwitched lists the topics that changed hands. What they are called on the secondary is a column only where that differs.
func printSwitched(w io.Writer, s *failover.State) {
	if len(s.Topics) == 0 {
		return
	}
	renamed := slices.ContainsFunc(s.Topics, func(t failover.TopicReport) bool { return t.There != t.Topic })
	names := func(here, there string) []string {
		if !renamed {
			return []string{here}
		}
		return []string{here, there}
	}
	t := newTable(append(names("TOPIC", "ON THE SECONDARY"), ">PARTITION", ">PRIMARY UP TO", ">SECONDARY FROM", "MIRROR")...)
	for _, topic := range s.Topics {
		mirror := "leftoff's, fenced"
		switch {
		case !topic.Fenced:
			mirror = "somebody else's"
		case s.Step == failover.RolledBack:
			mirror = "leftoff's, copies again"
		}
		for _, m := range topic.Marks {
			t.row(append(names(topic.Topic, topic.There), number(int64(m.Partition)), unknownAs(m.Primary), number(m.Secondary), mirror)...)
		}
	}
	fmt.Fprintln(w)
	t.print(w)
}

// cameHome says how much a way home has brought.
func cameHome(p api.FailoverAnswer) string {
	said := plural(len(p.State.Home.Marks), "topic")
	if p.GroupsHome > 0 {
		said += " and " + plural(p.GroupsHome, "group")
	}
	return said + " came home: they follow the primary again"
}

// nowOf is what became of a group: what a failover did to it was undone where that was turned round.
func nowOf(s *failover.State, verdict string) string {
	if s.Step == failover.RolledBack {
		return "follows the primary"
	}
	return verdict
}

// printNeverMirrored lists where records were that the secondary never got, as far as it is known.
func (a *app) printNeverMirrored(s *failover.Seen) {
	if s == nil || len(s.Partitions) == 0 {
		return
	}
	fmt.Fprintln(a.out)
	t := newTable("NEVER MIRRORED", ">PARTITION", ">AT LEAST", ">FROM", ">TO")
	for _, u := range s.Partitions {
		t.row(u.Topic, number(int64(u.Partition)), number(u.To-u.From), number(u.From), number(u.To-1))
	}
	t.print(a.out)
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
