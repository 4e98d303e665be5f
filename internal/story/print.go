package story

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// Print writes the table and the verdict for people.
func (r *Report) Print(out io.Writer) error {
	var b strings.Builder
	b.WriteByte('\n')
	r.printGroups(&b)
	b.WriteByte('\n')
	r.printExample(&b)
	r.printPayments(&b)
	r.printHistory(&b)
	for _, p := range r.Problems {
		fmt.Fprintf(&b, "! %s\n", p)
	}
	for _, g := range r.Groups {
		if g.Error != "" {
			fmt.Fprintf(&b, "! %s\n", g.Error)
		}
	}
	fmt.Fprintf(&b, "\n%s\n", r.sentence())
	_, err := io.WriteString(out, b.String())
	return err
}

func (r *Report) printGroups(b *strings.Builder) {
	lag := "lag when west died"
	if r.Kept {
		lag = "lag now"
	}
	rows := [][]string{{"group", lag, "resumed at", "skipped", "re-read", "commit → east p50", "p99"}}
	for _, g := range r.Groups {
		p50, p99 := "from before leftoff", "-"
		if g.Latency != nil {
			p50, p99 = fmt.Sprintf("%.1f ms", g.Latency.P50), fmt.Sprintf("%.1f ms", g.Latency.P99)
		}
		rows = append(rows, []string{g.Group, thousands(g.Lag), g.resumed(), thousands(g.Skipped), thousands(g.Reread), p50, p99})
	}
	align(b, rows)
}

// align prints columns: the first one to the left, numbers to the right.
func align(b *strings.Builder, rows [][]string) {
	widths := make([]int, len(rows[0]))
	for _, r := range rows {
		for i, cell := range r {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for _, r := range rows {
		for i, cell := range r {
			pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			if i == 0 {
				b.WriteString(cell + pad)
			} else {
				b.WriteString("  " + pad + cell)
			}
		}
		b.WriteByte('\n')
	}
}

// resumed lists the positions by partition.
func (g Group) resumed() string {
	all := make([]string, len(g.Partitions))
	for i, p := range g.Partitions {
		all[i] = "nowhere"
		if p.Resumed != nil {
			all[i] = thousands(*p.Resumed)
		}
	}
	return strings.Join(all, " · ")
}

// printExample shows that a place has another number on the other side.
func (r *Report) printExample(b *strings.Builder) {
	for _, g := range r.Groups {
		for _, p := range g.Partitions {
			if p.Resumed != nil && *p.Resumed != p.Committed {
				fmt.Fprintf(b, "Same place, other number: %s was at %s of %s/%d in west, which is %s in east.\n",
					g.Group, thousands(p.Committed), paymentsTopic, p.Partition, thousands(*p.Resumed))
				return
			}
		}
	}
}

func (r *Report) printPayments(b *strings.Builder) {
	p := r.Payments
	fmt.Fprintf(b, "Payments made: %s (%s in west, %s in east). Never mirrored: %s.\n", thousands(p.Made), thousands(p.West), thousands(p.East), thousands(p.NeverMirrored))
	if r.Kept {
		return
	}
	if t, ok := r.alike(); ok {
		fmt.Fprintf(b, "In each group: taken once %s, lost %s, taken twice %s.\n", thousands(t.Once), thousands(t.Lost), thousands(t.Twice))
		return
	}
	for _, g := range r.Groups {
		if t := g.Taken; t != nil {
			fmt.Fprintf(b, "  %s: taken once %s, lost %s, taken twice %s, taken but never made %s\n",
				g.Group, thousands(t.Once), thousands(t.Lost), thousands(t.Twice), thousands(t.Unknown))
		}
	}
}

// alike returns what all groups have in common, if they do.
func (r *Report) alike() (Taken, bool) {
	if len(r.Groups) == 0 || r.Groups[0].Taken == nil || r.Groups[0].Taken.Unknown > 0 {
		return Taken{}, false
	}
	first := *r.Groups[0].Taken
	for _, g := range r.Groups {
		if g.Taken == nil || *g.Taken != first {
			return Taken{}, false
		}
	}
	return first, true
}

func (r *Report) printHistory(b *strings.Builder) {
	h := r.History
	fmt.Fprintf(b, "Offsets committed in west: %s. leftoff wrote %s values in east, and the judge read every one:\n", thousands(h.Commits), thousands(h.Written))
	if len(h.Violations) == 0 {
		b.WriteString("none ahead of its place, none to a group that lives in east, none over somebody else's, none missing.\n")
		return
	}
	fmt.Fprintf(b, "broken rules: %s.\n", thousands(len(h.Violations)))
	for i, v := range h.Violations {
		if i == 10 {
			fmt.Fprintf(b, "  … and %s more\n", thousands(len(h.Violations)-i))
			return
		}
		fmt.Fprintf(b, "  ! %s\n", v)
	}
}

func (r *Report) sentence() string {
	switch {
	case r.Proven && r.Kept:
		return "Proven for this moment: if west died now, every group would go on in east exactly where it left off."
	case r.Proven:
		return fmt.Sprintf("Proven in %.0f seconds: every group went on in east exactly where it left off in west.\n"+
			"To look around with your own tools: leftoff demo --keep", r.Seconds)
	default:
		return "NOT PROVEN: see above."
	}
}
