package drill

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/leftoff/leftoff/translate"
)

// finish adds up and decides.
func (r *run) finish() {
	r.Ended = r.o.Now().UTC()
	for _, g := range r.groups {
		least := translate.Exact
		for _, p := range g.positions {
			g.Group.Positions = append(g.Group.Positions, p.Position)
			least = min(least, confidenceOf(p.Confidence))
		}
		g.Group.Confidence = least.String()
		if slices.ContainsFunc(g.positions, func(p *position) bool { return p.Confidence == "unknown" }) {
			g.Group.Confidence = "unknown"
		}
		if g.Positions == nil {
			g.Group.Positions, g.Group.Confidence = []Position{}, ""
		}
		r.Groups = append(r.Groups, g.Group)
	}
	r.Summary.add(r.Groups)
	r.Summary.RPO = rpo(r.Partitions)
	r.conclude()
	r.Checksum, r.Signature = "", nil
	r.Checksum = checksum(&r.Report)
	if r.o.Key != nil {
		sign(&r.Report, r.o.Key)
	}
}

func confidenceOf(name string) translate.Confidence {
	for _, c := range []translate.Confidence{translate.Exact, translate.Behind, translate.Floor} {
		if c.String() == name {
			return c
		}
	}
	return translate.Unmapped
}

func (s *Summary) add(groups []Group) {
	s.Confidence, s.Verdicts = map[string]int{}, map[string]int{}
	var times []float64
	for _, g := range groups {
		if g.LeftOut != "" {
			s.GroupsLeftOut++
			continue
		}
		s.Groups++
		resumed := false
		for _, p := range g.Positions {
			s.Positions++
			s.Confidence[p.Confidence]++
			s.Verdicts[p.Verdict]++
			resumed = resumed || p.Resumed
			if p.Resumed {
				s.Resumed++
			}
			if p.Verdict != notCompared {
				s.Compared++
			}
			switch p.Verdict {
			case skips:
				s.SkippedRecords += p.Records
				s.SkippedAtLeast = s.SkippedAtLeast || p.AtLeast
			case rereads:
				s.RTO.RereadRecords += p.Records
				s.RTO.RereadAtLeast = s.RTO.RereadAtLeast || p.AtLeast
			}
		}
		if resumed {
			times = append(times, g.ResumeSeconds)
			s.RTO.JoinSeconds = max(s.RTO.JoinSeconds, g.JoinSeconds)
		}
	}
	if len(times) > 0 {
		slices.Sort(times)
		s.RTO.MaxSeconds, s.RTO.MedianSeconds = times[len(times)-1], times[len(times)/2]
	}
}

func rpo(all []Loss) RPO {
	sum := RPO{Known: len(all) > 0}
	for _, l := range all {
		sum.Known = sum.Known && l.Known
		sum.Records += l.Records
		sum.Seconds = max(sum.Seconds, l.Seconds)
		sum.AtLeast = sum.AtLeast || l.AtLeast
	}
	return sum
}

// conclude says what is bad.
func (r *run) conclude() {
	stuck, bad := map[string]int{}, map[string]int{}
	for _, g := range r.Groups {
		for _, p := range g.Positions {
			switch {
			case p.Failure != "":
				stuck[g.Group]++
			case badVerdict(p.Verdict):
				bad[p.Verdict]++
			case !p.Resumed:
				stuck[g.Group]++
			}
		}
	}
	if n := total(stuck); n > 0 {
		r.find("%s did not resume: %s", count(n, "position"), names(stuck))
	}
	if n := total(bad); n > 0 {
		r.find("%s would not continue where the group left off: %s", count(n, "position"), strings.Join(sorted(bad), ", "))
	}
	s := &r.Summary
	if target := r.o.RPO.Seconds(); target > 0 && s.RPO.Seconds > target {
		r.find("a record %s old is not on the secondary; the target is %s", span(s.RPO.Seconds), span(target))
	}
	if target := r.o.RTO.Seconds(); target > 0 && s.RTO.MaxSeconds > target {
		r.find("a group took %s to resume; the target is %s", span(s.RTO.MaxSeconds), span(target))
	}
	if len(r.Cleanup.Left) > 0 {
		r.problem("groups are left behind on the secondary: %s", strings.Join(r.Cleanup.Left, ", "))
	}
	if s.Positions == 0 {
		r.problem("there was no position to check")
	}
	switch {
	case len(r.Findings) > 0:
		r.Result = Failed
	case len(r.Problems) > 0:
		r.Result = Incomplete
	default:
		r.Result = Passed
	}
}

func (r *run) find(format string, args ...any) {
	r.Findings = append(r.Findings, fmt.Sprintf(format, args...))
}

func total(m map[string]int) (n int) {
	for _, k := range m {
		n += k
	}
	return n
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func sorted(m map[string]int) (all []string) {
	for k, n := range m {
		all = append(all, fmt.Sprintf("%d %s", n, strings.ReplaceAll(k, "_", " ")))
	}
	slices.Sort(all)
	return all
}

// names lists a few.
func names(m map[string]int) string {
	const few = 5
	var all []string
	for k := range m {
		all = append(all, k)
	}
	slices.Sort(all)
	if len(all) > few {
		return fmt.Sprintf("%s and %d more groups", strings.Join(all[:few], ", "), len(all)-few)
	}
	return strings.Join(all, ", ")
}

func span(s float64) string {
	return time.Duration(s * float64(time.Second)).Round(time.Millisecond).String()
}
