package acceptance

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/leftoff/leftoff/internal/judge"
	"github.com/leftoff/leftoff/internal/rig"
	"github.com/leftoff/leftoff/replicator/api"
	"github.com/leftoff/leftoff/replicator/failover"
	"github.com/leftoff/leftoff/replicator/kafka"
)

// What is replayed to the secondary is on the primary once after the way home, whoever is killed half-way: the command that replays, or leftoff on the way
// home, with its disk. Each group goes on where nothing is skipped, whether it has read the replayed records or not, and the original link
// copies none of it back, also when its index is lost later.
func TestFailbackReplays(t *testing.T) {
	rig.RequireSoak(t)
	t.Parallel()
	primary, secondary := rig.StartPair(t, rig.Options{})
	for _, burns := range []bool{false, true} {
		t.Run(fmt.Sprintf("leftoff loses its disk %t", burns), func(t *testing.T) { failbackReplays(t, primary, secondary, burns) })
	}
}

func failbackReplays(t *testing.T, primary, secondary *rig.Cluster, burns bool) {
	random := newRandom(t)
	prefix := rig.Name(t, "replays") + "."
	plain, txn := prefix+"plain", prefix+"txn"
	topics := []string{plain}
	transact := func(c *rig.Cluster, transactions, size int) {
		if !burns { // aborted records are somebody's where no index says whose
			fillTransactions(t, c, txn, transactions, size, true)
		}
	}
	primary.CreateTopic(t, plain, 2, nil)
	if !burns {
		topics = append(topics, txn)
		primary.CreateTopic(t, txn, 1, nil)
	}
	fill(t, primary, plain, 0, 2_000, 0)
	transact(primary, 30, 20)
	idle := commitLagging(t, primary, prefix+"idle-", []int64{0, 20, 300}, topics...) // do nothing over there
	s := newSpec(t, primary.Bootstrap(), secondary.Bootstrap(), "mirror", prefix)
	r := start(t, s)
	r.waitSettled(time.Minute, groupsOf(idle)...)
	order := failover.Order{Who: "tester"}
	if done := r.failTo(time.Minute, order); done.State.Step != failover.Done {
		t.Fatalf("%+v", done.State)
	}
	switched := map[string]map[int32]int64{}
	for _, topic := range topics {
		switched[topic] = ends(t, secondary, topic)
	}
	fill(t, primary, plain, 500_000, 1_500, 20)
	transact(primary, 12, 15)
	fill(t, secondary, plain, 600_000, 300, 20)
	transact(secondary, 8, 10)

	p := r.begin(api.FailoverReturn, order)
	if !eventually(time.Minute, func() bool {
		var err error
		p, err = r.fail(api.FailoverAdvance, order)
		return err == nil && p.Needs
	}) {
		t.Fatalf("%+v", p)
	}
	replays(t, primary, secondary, p, 510+random.Int64N(90), plain)
	fill(t, secondary, plain, 700_000, 200, 20)
	transact(secondary, 8, 10)

	// Groups that stand everywhere: below the switch, before what was replayed, in it, and past it.
	var abroad []laggard
	for _, topic := range topics {
		begin, end := switched[topic], ends(t, secondary, topic)
		for i := range 16 {
			at := map[int32]int64{}
			for n := range end {
				at[n] = begin[n] - 20 + random.Int64N(end[n]-begin[n]+21)
				switch i {
				case 0:
					at[n] = end[n]
				case 1:
					at[n] = begin[n]
				}
			}
			l := laggard{fmt.Sprintf("%saway-%s-%d", prefix, topic, i), topic, 0}
			commit(t, secondary, l.group, topic, at)
			abroad = append(abroad, l)
		}
	}
	order.Choice, order.Diverged, order.Accept = failover.Replay, p.Diverged, true // groups among the replayed records read again
	if burns {
		r.failTo(time.Minute, order, failover.Return)
		r = again(t, r, s)
	}
	home := r.begin(api.FailoverAdvance, order)
	if !eventually(2*time.Minute, func() bool {
		a, err := r.fail(api.FailoverAdvance, order)
		if err == nil {
			home = a
		}
		return err == nil && a.State.Step == failover.AtHome
	}) {
		t.Fatalf("%+v, waits for %q", home.State, home.Waits)
	}
	for _, p := range home.State.Past {
		t.Logf("%s  %-9s %s", p.At.Format("15:04:05.000"), p.Step, p.Said)
	}
	for _, topic := range topics {
		back := homeward(t, primary, secondary, topic, topic)
		for _, l := range abroad {
			if l.topic != topic {
				continue
			}
			there, here := committed(t, secondary, l.group, topic), committed(t, primary, l.group, topic)
			for n, v := range there {
				if want := back.T(n, v); here[n] != want {
					t.Errorf("%s, %s/%d: at %d over there, and at %d here: want %d (switched at %d)", l.group, topic, n, v, here[n], want, switched[topic][n])
				}
			}
		}
	}

	// The original link goes on, and copies nothing back, also without its index.
	b := watch(t, primary, secondary, prefix)
	want := total(ends(t, secondary, plain)) + 100
	fill(t, primary, plain, 800_000, 100, 0)
	if !eventually(time.Minute, func() bool { return total(ends(t, secondary, plain)) >= want }) {
		t.Fatalf("%d of %d: %q", total(ends(t, secondary, plain)), want, r.snapshot().Problems)
	}
	later := commitLagging(t, primary, prefix+"away-", []int64{0, 50, 250, 700, 2_500, 1 << 40}, topics...)
	for _, lost := range []bool{false, true} {
		if lost {
			topics = topics[:1]
			later = slices.DeleteFunc(later, func(l laggard) bool { return l.topic == txn })
			idle = slices.DeleteFunc(idle, func(l laggard) bool { return l.topic == txn })
			r = again(t, r, s)
		}
		r.waitSettled(time.Minute, append(groupsOf(later), groupsOf(idle)...)...)
		unchanged(t, 2*time.Second, func() string { return fmt.Sprint(total(ends(t, secondary, plain))) }, fmt.Sprint(want))
		for _, topic := range topics {
			forth := b.compareCopy(copied{topic, topic, judge.Options{}})
			if sum := forth.Total(); sum.Duplicates != 0 || sum.Foreign != 0 || sum.Missing+sum.Waiting != 0 {
				t.Errorf("index lost %t, %s: %+v", lost, topic, sum)
			}
			for _, l := range slices.Concat(later, idle) {
				here, there := committed(t, primary, l.group, topic), committed(t, secondary, l.group, topic)
				for n, u := range here {
					if want := forth.T(n, u); l.topic == topic && there[n] != want {
						t.Errorf("index lost %t, %s, %s/%d: at %d at home, and at %d over there: want %d", lost, l.group, topic, n, u, there[n], want)
					}
				}
			}
		}
		if said := r.snapshot().Problems; len(said) > 0 && (!lost || burns) {
			t.Errorf("index lost %t: %q", lost, said)
		}
	}
}

// mortal is the primary as a replay reads it, which dies when a partition was read up to an offset.
type mortal struct {
	*kafka.Cluster
	tp   kafka.TopicPartition
	at   int64
	last *int64 // asked for last: what is about to be produced is read once before
}

var errKilledReplay = errors.New("killed")

func (m mortal) FetchCommitted(ctx context.Context, tp kafka.TopicPartition, offset int64, maxBytes int32) (kafka.Fetched, error) {
	if tp != m.tp {
		return m.Cluster.FetchCommitted(ctx, tp, offset, maxBytes)
	}
	if *m.last >= m.at && offset < m.at {
		*m.last = -1 // for the second time
	}
	if *m.last < 0 && offset >= m.at {
		return kafka.Fetched{}, errKilledReplay
	}
	got, err := m.Cluster.FetchCommitted(ctx, tp, offset, maxBytes)
	if *m.last >= 0 {
		*m.last = got.Next
		return got, err
	}
	for i := range got.Batches {
		b := &got.Batches[i]
		b.Records = slices.DeleteFunc(slices.Clone(b.Records), func(r kafka.Record) bool { return r.Offset >= m.at })
	}
	got.Next = min(got.Next, m.at)
	return got, err
}

// replays is what the command does, killed once, with producers going on over there.
func replays(t *testing.T, primary, secondary *rig.Cluster, p api.FailoverAnswer, after int64, topic string) {
	t.Helper()
	from := kafka.Open(kafka.Config{Name: "primary", Brokers: primary.Bootstrap()}, nil)
	defer from.Close()
	to := kafka.Open(kafka.Config{Name: "secondary", Brokers: secondary.Bootstrap()}, nil)
	defer to.Close()
	here, err := from.ClusterID(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	there, err := to.ClusterID(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	replay := func(origin failover.Origin) error {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		return failover.Replayer{
			Store: failover.NewStore(&failover.KafkaLog{Cluster: to}, failover.LinkID("link", here, there)), ID: p.State.ID, Who: "tester",
			From: origin, To: to, There: func(topic string) string { return topic },
		}.Replay(ctx, p.Diverged)
	}
	largest := slices.MaxFunc(p.Diverged, func(a, b failover.Unmirrored) int { return int(a.To - a.From - b.To + b.From) })
	was := total(ends(t, secondary, topic))
	dies := mortal{from, kafka.TopicPartition{Topic: largest.Topic, Partition: largest.Partition}, largest.From + after, new(int64)}
	if err := replay(dies); !errors.Is(err, errKilledReplay) {
		t.Fatal(err)
	}
	if now := total(ends(t, secondary, topic)); now == was {
		t.Fatalf("killed before anything was produced to %s", topic)
	} else {
		t.Logf("killed after %d records of %s", now-was, topic)
	}
	fill(t, secondary, topic, 650_000, 50, 20)
	if err := replay(from); err != nil {
		t.Fatal(err)
	}
}
