package story

import (
	"math"
	"slices"
	"time"

	"github.com/leftoff/leftoff/internal/judge"
)

// latencies measures, by group, how long each commit in west took until a position at or past its own was in east's log.
// Commits made before leftoff ran don't count, nor those whose position was there already.
func latencies(h *judge.History, copies *judge.Copies, since time.Time) map[string]*Latency {
	written := map[judge.Key][]judge.Write{}
	for _, w := range h.Secondary.Writes() {
		if w.Value != nil && w.Value.Stamped() {
			written[w.Key] = append(written[w.Key], w)
		}
	}
	took := map[string][]time.Duration{}
	for _, c := range h.Primary.Writes() {
		if c.Value == nil || c.Topic != copies.Primary || c.Seen.Before(since) {
			continue
		}
		if d, ok := arrival(c, copies.T(c.Partition, c.Value.Offset), written[c.Key]); ok {
			took[c.Group] = append(took[c.Group], d)
		}
	}
	all := map[string]*Latency{}
	for group, ds := range took {
		slices.Sort(ds)
		all[group] = &Latency{Commits: len(ds), P50: quantile(ds, 0.50), P99: quantile(ds, 0.99), Max: quantile(ds, 1)}
	}
	return all
}

// arrival finds the first write at or past target. It may be one that was seen a little before the commit itself: the
// judge's two tails are two connections.
func arrival(c judge.Write, target int64, written []judge.Write) (time.Duration, bool) {
	i := slices.IndexFunc(written, func(w judge.Write) bool { return w.Value.Offset >= target })
	if i < 0 || written[i].Seen.Before(c.Seen.Add(-time.Second)) {
		return 0, false
	}
	return max(0, written[i].Seen.Sub(c.Seen)), true
}

// quantile of sorted durations, in milliseconds with two decimals.
func quantile(sorted []time.Duration, q float64) float64 {
	i := min(len(sorted)-1, int(math.Ceil(q*float64(len(sorted))))-1)
	return math.Round(float64(sorted[max(0, i)].Microseconds())/10) / 100
}
