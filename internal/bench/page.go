package bench

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Page renders benchmarks.md from the book, with what is known of the limits.
func Page(b Book) string {
	var p page
	p.line("# Benchmarks")
	p.line("")
	p.line("Written by `make bench` from [benchmarks.json](benchmarks.json); don't edit it by hand. `go run ./cmd/bench NAME` takes one measure")
	p.line("again and leaves the others as they are. Brokers, load, judge, MirrorMaker 2 and leftoff share one machine, over loopback, unless a")
	p.line("section says otherwise: compare figures of this page with each other, and with yours only after running it yourself.")
	p.line("")
	common := p.common(b.Measures)
	p.budgets(b.Measures)
	for _, e := range b.Measures {
		p.entry(e, !common)
	}
	return p.String()
}

type page struct{ strings.Builder }

func (p *page) line(format string, args ...any) {
	if len(args) == 0 {
		p.WriteString(format)
	} else {
		fmt.Fprintf(p, format, args...)
	}
	p.WriteByte('\n')
}

// common says once what all entries have in common, and reports whether it did.
func (p *page) common(all []Entry) bool {
	if len(all) == 0 {
		p.line("Nothing has been measured yet.")
		return false
	}
	for _, e := range all[1:] {
		if e.Machine != all[0].Machine || e.Versions != all[0].Versions {
			return false
		}
	}
	p.line("- machine: %s", all[0].Machine)
	p.line("- versions: %s", all[0].Versions)
	p.line("")
	return true
}

// budgets is the table at the top: every figure that has one.
func (p *page) budgets(all []Entry) {
	first := true
	for _, e := range all {
		for _, r := range e.Result.Rows {
			if r.Budget == 0 {
				continue
			}
			if first {
				p.line("## Budgets")
				p.line("")
				p.line("The median of the runs counts.")
				p.line("")
				p.line("| measure | what | median | bare floor | budget | |")
				p.line("|---|---|--:|--:|--:|---|")
				first = false
			}
			p.line("| [%s](#%s) | %s | %s | %s | %s | %s |", e.Name, e.Name, cell(r.What), withUnit(r.median(), r.Unit), r.floor(), r.budget(), r.verdict())
		}
	}
	if !first {
		p.line("")
	}
}

func (p *page) entry(e Entry, own bool) {
	p.line("## %s", e.Name)
	p.line("")
	p.line("%s.", strings.ToUpper(e.Short[:min(1, len(e.Short))])+e.Short[min(1, len(e.Short)):])
	p.line("")
	if e.Result.Compares != "" {
		p.line("%s", e.Result.Compares)
		p.line("")
	}
	if e.Smoke {
		p.line("**A smoke run (`--short`): these figures show that the measure works, and nothing else.**")
		p.line("")
	}
	p.table(e.Result.Rows)
	for _, c := range e.Result.Conditions {
		p.line("- %s", c)
	}
	p.line("- %s on %s, %s%s", runs(e.Runs), e.At.UTC().Format("2006-01-02"), took(e.Seconds), loaded(e))
	if own {
		p.line("- machine: %s", e.Machine)
		p.line("- versions: %s", e.Versions)
	}
	p.line("")
	if why := limit(e); why != "" {
		p.line("**Why a budget is missed.** %s", why)
		p.line("")
	}
	for _, n := range e.Result.Notes {
		p.line("%s", n)
		p.line("")
	}
}

func (p *page) table(rows []Row) {
	if len(rows) == 0 {
		return
	}
	p.line("| what | unit | min | median | max | bare floor | budget | |")
	p.line("|---|---|--:|--:|--:|--:|--:|---|")
	for _, r := range rows {
		low, high := r.span()
		p.line("| %s | %s | %s | %s | %s | %s | %s | %s |", cell(r.What), cell(r.Unit), figure(low), figure(r.median()), figure(high), r.floor(), r.budget(), r.verdict())
	}
	p.line("")
}

// tidy leaves out what is no number, which JSON can't hold: a quotient of nothing.
func (r *Row) tidy() {
	number := func(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
	r.Values = slices.DeleteFunc(slices.Clone(r.Values), func(v float64) bool { return !number(v) })
	if !number(r.Floor) {
		r.Floor = 0
	}
}

// median of the runs; NaN where there are none. Of an even number it is the mean of the two in the middle.
func (r Row) median() float64 {
	if len(r.Values) == 0 {
		return math.NaN()
	}
	v := slices.Sorted(slices.Values(r.Values))
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
}

func (r Row) span() (low, high float64) {
	if len(r.Values) == 0 {
		return math.NaN(), math.NaN()
	}
	return slices.Min(r.Values), slices.Max(r.Values)
}

// Met says whether the median keeps the budget. A row without one, or without values, has nothing to keep.
func (r Row) Met() bool {
	m := r.median()
	switch {
	case r.Budget == 0:
		return true
	case math.IsNaN(m):
		return false
	case r.Atleast:
		return m >= r.Budget
	}
	return m <= r.Budget
}

func (r Row) verdict() string {
	switch {
	case r.Budget == 0:
		return ""
	case r.Met():
		return "met"
	}
	return "**missed**"
}

func (r Row) budget() string {
	switch {
	case r.Budget == 0:
		return ""
	case r.Atleast:
		return "≥ " + figure(r.Budget)
	}
	return "≤ " + figure(r.Budget)
}

func (r Row) floor() string {
	if r.Floor == 0 {
		return ""
	}
	return figure(r.Floor)
}

// figure prints a number with three digits that mean something, and thousands apart.
func figure(v float64) string {
	switch a := math.Abs(v); {
	case math.IsNaN(v) || math.IsInf(v, 0):
		return "—"
	case a >= 100:
		return thousands(strconv.FormatInt(int64(math.Round(v)), 10))
	case a == math.Trunc(a):
		return strconv.FormatFloat(v, 'f', -1, 64)
	case a >= 10:
		return trimmed(v, 1)
	case a >= 1:
		return trimmed(v, 2)
	case a >= 0.001:
		return trimmed(v, 3)
	}
	return strconv.FormatFloat(v, 'g', 3, 64)
}

func trimmed(v float64, decimals int) string {
	s := strconv.FormatFloat(v, 'f', decimals, 64)
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
}

func thousands(s string) string {
	sign := ""
	if strings.HasPrefix(s, "-") {
		sign, s = "-", s[1:]
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return sign + s
}

func withUnit(v float64, unit string) string {
	if f := figure(v); f != "—" && unit != "" {
		return f + " " + cell(unit)
	}
	return "—"
}

func cell(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(s, "|", `\|`), "\n", " ")
}

func runs(n int) string {
	if n == 1 {
		return "1 run"
	}
	return fmt.Sprintf("%d runs", n)
}

func took(seconds float64) string {
	return (time.Duration(seconds) * time.Second).String()
}

func loaded(e Entry) string {
	if e.Load < 0 {
		return ""
	}
	return fmt.Sprintf("; load average before it: %.1f", e.Load)
}
