package story

import (
	"fmt"

	"github.com/leftoff/leftoff/internal/judge"
)

// resumes is the judge's answer for all positions, as east holds them now.
func (s *stage) resumes() []judge.Resume { return s.history.Resumes(s.copies) }

// report puts the judge's answers and the books together. made is how many payments had been made in west.
func (s *stage) report(at []judge.Resume, madeInWest int) *Report {
	total := s.copies.Total()
	r := &Report{
		Seed: s.Seed, Kept: s.Keep, Problems: []string{}, History: s.verdict(),
		Payments: Payments{
			Made: s.book.count(), West: madeInWest, East: s.book.count() - madeInWest,
			Mirrored: total.Mirrored, NeverMirrored: unmirrored(total), Duplicates: total.Duplicates, Foreign: total.Foreign,
		},
	}
	took := latencies(s.history, s.copies, s.since)
	for _, role := range cast() {
		g := group(role, at)
		g.Latency = took[role.Group]
		if !s.Keep {
			g.Taken = &Taken{}
			g.Taken.Once, g.Taken.Lost, g.Taken.Twice, g.Taken.Unknown = s.takings[role.Group].against(s.book)
		}
		for _, w := range s.workers {
			if err := w.failed(); err != nil && w.role.Group == role.Group {
				g.Error = err.Error()
			}
		}
		r.Groups = append(r.Groups, g)
	}
	if n := unmirrored(total); n > 0 {
		r.Problems = append(r.Problems, fmt.Sprintf("%d records were not mirrored within %v although nothing was under way", n, patience))
	}
	if total.Duplicates+total.Foreign > 0 {
		r.Problems = append(r.Problems, fmt.Sprintf("east has %d duplicates and %d records that west never had", total.Duplicates, total.Foreign))
	}
	return r
}

// group adds up the partitions of one group.
func group(r role, at []judge.Resume) Group {
	g := Group{Group: r.Group, Note: r.Note, Partitions: []Position{}}
	for _, a := range at {
		if a.Group != r.Group {
			continue
		}
		p := Position{Partition: a.Partition, Committed: a.Committed, Lag: a.Lag, Skipped: a.Verdict.Skipped, Reread: a.Verdict.Reread}
		if a.Value == nil {
			g.Missing++
		} else {
			p.Resumed = &a.Value.Offset
		}
		g.Partitions = append(g.Partitions, p)
		g.Lag += p.Lag
		g.Skipped += p.Skipped
		g.Reread += p.Reread
	}
	return g
}

// verdict is the history judge's, over everything that was ever written in east.
func (s *stage) verdict() History {
	h := History{Violations: []string{}}
	for _, w := range s.history.Primary.Writes() {
		if w.Value != nil {
			h.Commits++
		}
	}
	for _, w := range s.history.Secondary.Writes() {
		switch {
		case w.Value == nil:
		case w.Value.Stamped():
			h.Written++
		default:
			h.Others++
		}
	}
	for _, v := range s.history.Check(judge.Rules{}, s.copies) {
		h.Violations = append(h.Violations, v.String())
	}
	return h
}
