package acceptance

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/leftoff/leftoff/internal/judge"
	"github.com/leftoff/leftoff/internal/rig"
)

// startMirrorMaker starts MirrorMaker 2 over the topics of a prefix. Unless more says otherwise it keeps the topics' names
// and leaves all groups alone.
//
// Only one at a time may run between two clusters: two would join each other's Connect group.
func startMirrorMaker(t testing.TB, primary, secondary *rig.Cluster, prefix string, more map[string]string) *rig.MM2 {
	t.Helper()
	props := map[string]string{
		"primary->secondary.topics": prefix + ".*",
		"primary->secondary.groups": "none",
		"replication.policy.class":  rig.IdentityPolicy,
	}
	maps.Copy(props, more)
	return rig.StartMM2(t, primary, secondary, props)
}

// copied says what MirrorMaker 2 makes of a topic: its name over there, and how the judge pairs the copies.
type copied struct {
	topic, name string
	options     judge.Options
}

// copyOf is a topic that keeps its name. MirrorMaker 2 copies aborted records, too, unless it is told to read committed.
func copyOf(topic string, o judge.Options) copied { return copied{topic, topic, o} }

func (b *bench) compareCopy(c copied) *judge.Copies {
	b.t.Helper()
	found, err := b.tryCompare(c)
	if err != nil {
		b.t.Fatalf("compare %s: %v", c.topic, err)
	}
	return found
}

func (b *bench) tryCompare(c copied) (*judge.Copies, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	return judge.Compare(ctx, judge.At(b.primary.Direct()...), judge.At(b.secondary.Direct()...), c.topic, c.name, c.options)
}

func (b *bench) compareAll(all []copied) []*judge.Copies {
	b.t.Helper()
	var found []*judge.Copies
	for _, c := range all {
		found = append(found, b.compareCopy(c))
	}
	return found
}

// of is the same bench for the groups of a prefix, in a test of its own.
func (b *bench) of(t testing.TB, prefix string) *bench {
	other := *b
	other.t, other.prefix = t, prefix
	return &other
}

// waitMirrored waits until everything on the primary is on the secondary: its ends stand still, and the judge finds no
// record that still waits. It returns what the judge saw.
func (b *bench) waitMirrored(within time.Duration, all ...copied) []*judge.Copies {
	b.t.Helper()
	const still = 1500 * time.Millisecond
	last, since, why := int64(-1), time.Now(), "nothing there"
	var seen []*judge.Copies
	done := func() bool {
		sum := int64(0)
		for _, c := range all {
			end, ok := endsOf(b.secondary, c.name)
			if !ok {
				why = c.name + " is not on the secondary"
				return false
			}
			for _, e := range end {
				sum += e
			}
		}
		if sum != last {
			last, since, why = sum, time.Now(), fmt.Sprintf("still copying, at %d", sum)
			return false
		}
		if sum == 0 || time.Since(since) < still {
			return false
		}
		since, seen = time.Now(), nil
		for _, c := range all {
			found, err := b.tryCompare(c)
			if err != nil {
				why = err.Error()
				return false
			}
			if m := found.Total(); m.Waiting != 0 || m.Mirrored == 0 || len(found.Unmirrored) > 0 {
				why = fmt.Sprintf("%s: %+v, partitions not there: %v", c.topic, m, found.Unmirrored)
				return false
			}
			seen = append(seen, found)
		}
		return true
	}
	begin := time.Now()
	if !eventually(within, done) {
		b.t.Fatalf("not mirrored within %v: %s", within, why)
	}
	b.t.Logf("mirrored after %v", time.Since(begin).Round(100*time.Millisecond))
	for _, c := range seen {
		b.t.Logf("%s: %+v", c.Primary, c.Total())
	}
	return seen
}

// laggard is a group of one topic that stands so many offsets before the end of each partition.
type laggard struct {
	group, topic string
	lag          int64
}

// commitLagging commits one group for each topic and lag.
func commitLagging(t testing.TB, c *rig.Cluster, prefix string, lags []int64, topics ...string) []laggard {
	t.Helper()
	var all []laggard
	for _, topic := range topics {
		end, begin := ends(t, c, topic), starts(t, c, topic)
		for _, lag := range lags {
			l := laggard{fmt.Sprintf("%s%s-lag-%d", prefix, topic, lag), topic, lag}
			commit(t, c, l.group, topic, lagging(end, begin, lag))
			all = append(all, l)
		}
	}
	return all
}

func groupsOf(all []laggard) []string {
	var names []string
	for _, l := range all {
		names = append(names, l.group)
	}
	return names
}

// startExact starts leftoff and measures how long it takes until every group is exact and written.
func startExact(t testing.TB, s spec, within time.Duration, groups []string) *running {
	t.Helper()
	begin := time.Now()
	r := start(t, s)
	r.settles(max(within, time.Minute), groups...)
	took := time.Since(begin)
	t.Logf("%s: %d groups exact %v after the start", s.Mapping, len(groups), took.Round(time.Millisecond))
	if took > within {
		t.Errorf("%s: exact after %v, want %v", s.Mapping, took.Round(time.Millisecond), within)
	}
	return r
}

// settles is waitSettled for a test that goes on: what the judge says of the others is worth knowing, too.
func (r *running) settles(within time.Duration, groups ...string) {
	r.t.Helper()
	last := ""
	if !eventually(within, func() bool { last = r.unsettled(groups); return last == "" }) {
		r.t.Errorf("not settled within %v: %s", within, last)
	}
}

// compactFast makes the cleaner of a cleaning pair run within seconds, on a topic that is there already.
func compactFast(t testing.TB, c *rig.Cluster, topic string) {
	t.Helper()
	var alter []kadm.AlterConfig
	for k, v := range compacting {
		alter = append(alter, kadm.AlterConfig{Op: kadm.SetConfig, Name: k, Value: &v})
	}
	done, err := c.Admin().AlterTopicConfigs(context.Background(), alter, topic)
	if err == nil && len(done) == 1 {
		err = done[0].Err
	}
	if err != nil {
		t.Fatalf("configure %s: %v", topic, err)
	}
}

// waitThinned waits until the cleaner has really thinned a topic of one partition out. It appends now and then, because
// the active segment is never cleaned.
func waitThinned(t *testing.T, c *rig.Cluster, topic string, n, keys int) {
	t.Helper()
	next := n
	thin := func() bool {
		fill(t, c, topic, next, 10, keys)
		next += 10
		return recordsOf(t, c, topic) < n*6/10
	}
	if !eventually(60*time.Second, thin) {
		t.Fatalf("%s was not compacted", topic)
	}
}

// threeKinds makes a plain, a transactional and a really compacted topic of n records each.
func threeKinds(t *testing.T, primary *rig.Cluster, prefix string, n int) []copied {
	t.Helper()
	plain, txn, compacted := prefix+"plain", prefix+"txn", prefix+"compacted"
	primary.CreateTopic(t, plain, 2, nil)
	primary.CreateTopic(t, txn, 2, nil)
	primary.CreateTopic(t, compacted, 1, compacting)
	keys := n * 4 / 10
	fill(t, primary, compacted, 0, n, keys)
	var load sync.WaitGroup
	load.Go(func() { fill(t, primary, plain, 0, n, 0) })
	load.Go(func() { fillTransactions(t, primary, txn, n/100, 100, true) })
	load.Wait()
	waitThinned(t, primary, compacted, n, keys)
	return []copied{
		copyOf(plain, judge.Options{}),
		copyOf(txn, judge.Options{PrimaryUncommitted: true}),
		copyOf(compacted, judge.Options{Unpaired: judge.UnpairedIsGone}), // cleaned again after it was copied
	}
}

func topicsOf(all []copied) []string {
	var names []string
	for _, c := range all {
		names = append(names, c.topic)
	}
	return names
}

// rereads is the worst re-read of each group; −1 where a partition has no offset on the secondary.
func (b *bench) rereads(copies ...*judge.Copies) map[string]int64 {
	b.t.Helper()
	b.caughtUp()
	worst := map[string]int64{}
	for _, r := range b.history.Resumes(copies...) {
		if before, seen := worst[r.Group]; r.Value == nil || seen && before < 0 {
			worst[r.Group] = -1
		} else {
			worst[r.Group] = max(before, r.Verdict.Reread)
		}
	}
	return worst
}

// printed lays out a table.
func printed(rows ...[]string) string {
	var text strings.Builder
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, row := range rows {
		fmt.Fprintln(w, strings.Join(row, "\t")+"\t")
	}
	w.Flush()
	return "\n" + text.String()
}

// spent says what the mapping source has done so far.
func (r *running) spent() string {
	r.t.Helper()
	s := r.snapshot().Source
	return fmt.Sprintf("%d probes, %d conflicts, %d KiB read of the primary and %d KiB of the secondary", s.Probes, s.Conflicts, s.Bytes[0]>>10, s.Bytes[1]>>10)
}

// percentiles of durations, which it sorts.
func percentiles(all []time.Duration) (p50, p90, most time.Duration) {
	slices.Sort(all)
	at := func(q float64) time.Duration {
		return all[min(len(all)-1, int(q*float64(len(all))))].Round(time.Millisecond)
	}
	return at(0.5), at(0.9), at(1)
}
