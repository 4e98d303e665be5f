package acceptance

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leftoff/leftoff/internal/judge"
	"github.com/leftoff/leftoff/internal/rig"
)

// Issue 4, scenario 5: with MirrorMaker 2 mirroring live, a commit at the tip becomes exact within a second of the record's
// arrival on the secondary (median), and is never ahead before.
func TestTipOverMirrorMaker2(t *testing.T) {
	rig.Require(t)
	primary, secondary := rig.StartPair(t, rig.Options{})
	prefix := rig.Name(t, "tip") + "."
	topic := copyOf(prefix+"payments", judge.Options{})
	primary.CreateTopic(t, topic.topic, 1, nil)
	fill(t, primary, topic.topic, 0, 2_000, 0)
	b := watch(t, primary, secondary, prefix)
	startMirrorMaker(t, primary, secondary, prefix, nil)
	b.waitMirrored(time.Minute, topic)
	settled := commitLagging(t, primary, prefix, []int64{0, 1_000}, topic.topic)
	r := startExact(t, newSpec(t, primary.Bootstrap(), secondary.Bootstrap(), "mm2", prefix), 10*time.Second, groupsOf(settled))

	length := 15 * time.Second
	if rig.Soaking() {
		length = 2 * time.Minute
	}
	seen := followArrivals(t, secondary, topic.name)
	tip := newTips(t, primary, topic.topic, prefix, 20)
	tip.atTheTip(t, 5*time.Second) // the JVMs are cold
	commits := tip.atTheTip(t, length)
	if !eventually(30*time.Second, func() bool { return seen.has(commits[len(commits)-1].value) }) {
		t.Fatal("the last record was not mirrored")
	}
	r.settles(30*time.Second, tip.groups...)
	b.caughtUp()

	var refined, mirrored []time.Duration
	sightings := tip.sightings(b)
	for _, c := range commits {
		arrived, ok := seen.at(c.value)
		if !ok {
			t.Fatalf("record %s was not mirrored", c.value)
		}
		exact, ok := firstAt(sightings[c.group], arrived.offset+1)
		if !ok {
			t.Fatalf("%s never reached %d", c.group, arrived.offset+1)
		}
		if early := arrived.at.Sub(exact); early > 250*time.Millisecond {
			t.Errorf("%s stood past record %d at %d, %v before it was readable", c.group, c.offset-1, arrived.offset+1, early)
		}
		from := arrived.at
		if c.at.After(from) {
			from = c.at
		}
		refined, mirrored = append(refined, max(0, exact.Sub(from))), append(mirrored, max(0, arrived.at.Sub(c.at)))
	}
	p50, p90, most := percentiles(refined)
	t.Logf("%d commits at the tip, readable on the secondary → exact: p50 %v, p90 %v, max %v", len(commits), p50, p90, most)
	m50, m90, mmost := percentiles(mirrored)
	t.Logf("MirrorMaker 2 itself took p50 %v, p90 %v, max %v from the commit on", m50, m90, mmost)
	if p50 >= time.Second {
		t.Errorf("median %v, want less than 1 s", p50)
	}
	copies := b.compareCopy(topic)
	b.exact(copies)
	b.lawful(judge.Rules{}, copies)
}

// tipCommit is a commit of what had just been produced.
type tipCommit struct {
	answered
	value string
}

// atTheTip produces 100 records a second and lets one group after the other commit the newest.
func (l *tips) atTheTip(t *testing.T, d time.Duration) (all []tipCommit) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	begin := time.Now()
	for i := 0; time.Since(begin) < d; i++ {
		<-tick.C
		r := &kgo.Record{Value: fmt.Appendf(nil, "tip %d %06d", begin.UnixNano(), i)}
		if err := l.client.ProduceSync(context.Background(), r).FirstErr(); err != nil {
			t.Fatal(err)
		}
		c := tipCommit{answered{l.groups[i%len(l.groups)], r.Offset + 1, time.Time{}}, string(r.Value)}
		if err := l.commit(c.group, 0, c.offset); err != nil {
			t.Fatal(err)
		}
		c.at = time.Now()
		all = append(all, c)
	}
	return all
}

// firstAt is when a group was first seen at an offset or past it. A later commit of the group may be what took it there:
// then this is later than it need be.
func firstAt(all []sighting, offset int64) (time.Time, bool) {
	for _, s := range all {
		if s.offset >= offset {
			return s.at, true
		}
	}
	return time.Time{}, false
}

// arrivals is when each record of partition 0 became readable, by its value.
type arrivals struct {
	mu sync.Mutex
	by map[string]sighting
}

// followArrivals reads a topic from its end on.
func followArrivals(t testing.TB, c *rig.Cluster, topic string) *arrivals {
	t.Helper()
	a := &arrivals{by: map[string]sighting{}}
	from := kgo.NewOffset().At(ends(t, c, topic)[0])
	client := c.Client(t, kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: {0: from}}), kgo.FetchMinBytes(1))
	ctx, cancel := context.WithCancel(context.Background())
	var done sync.WaitGroup
	done.Go(func() {
		for ctx.Err() == nil {
			fetches := client.PollFetches(ctx)
			now := time.Now()
			a.mu.Lock()
			fetches.EachRecord(func(r *kgo.Record) { a.by[string(r.Value)] = sighting{r.Offset, now} })
			a.mu.Unlock()
		}
	})
	t.Cleanup(func() { cancel(); done.Wait() })
	return a
}

func (a *arrivals) at(value string) (sighting, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	s, ok := a.by[value]
	return s, ok
}

func (a *arrivals) has(value string) bool { _, ok := a.at(value); return ok }
