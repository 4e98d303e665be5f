package mm2

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leftoff/leftoff/internal/rig"
	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/replicator/kafka"
)

const patience = 60 * time.Second

// TestRealMirrorMaker: what MirrorMaker 2 writes is found, read and right, wherever it puts its topics and whatever it calls
// them.
func TestRealMirrorMaker(t *testing.T) {
	rig.Require(t)
	for _, c := range []struct {
		name              string
		props             map[string]string
		prefix            string
		syncs             string
		on                replicator.Side
		checkpoints       string
		alias, separation string
	}{
		{
			name: "identity", props: map[string]string{"replication.policy.class": rig.IdentityPolicy},
			syncs: "mm2-offset-syncs.secondary.internal", on: replicator.Primary, checkpoints: "primary.checkpoints.internal", alias: "secondary", separation: ".",
		},
		{
			name: "default policy, on the target, separator", props: map[string]string{"offset-syncs.topic.location": "target", "replication.policy.separator": "-"}, prefix: "primary-",
			syncs: "mm2-offset-syncs-primary-internal", on: replicator.Secondary, checkpoints: "primary-checkpoints-internal", alias: "primary", separation: "-",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := mirrored(t, c.props, c.prefix)
			var l Located
			rig.Eventually(t, patience, "located", func() (err error) {
				if l, err = Locate(t.Context(), LocateOptions{Primary: r.primary, Secondary: r.secondary, Name: r.name}); err != nil {
					return err
				}
				if l.Syncs == nil || l.Syncs.Same < 2 || l.Checkpoints == "" {
					return fmt.Errorf("%+v: %s", l, l.Problem)
				}
				return nil
			})
			if s := l.Syncs; s.Topic != c.syncs || s.On != c.on || s.Alias != c.alias || s.Separator != c.separation || l.Checkpoints != c.checkpoints || s.Malformed+int64(s.Different)+int64(s.Contradicts) > 0 {
				t.Errorf("%+v, checkpoints %s", s, l.Checkpoints)
			}
			r.predictions(t, l.Syncs)
			r.groups(t, l.Checkpoints)
		})
	}
}

// world is a pair with a topic of one plain and one transactional partition, and a group on it.
type world struct {
	primary, secondary *kafka.Cluster
	there              *rig.Cluster
	topic, copy, group string
}

const records = 300

func mirrored(t *testing.T, props map[string]string, prefix string) *world {
	a, b := rig.Shared(t)
	r := &world{primary: open(t, "primary", a), secondary: open(t, "secondary", b), there: b, topic: rig.Name(t, "orders"), group: rig.Name(t, "billing")}
	r.copy = prefix + r.topic
	a.CreateTopic(t, r.topic, 2, nil)
	cl := a.Client(t, kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.TransactionalID(r.topic))
	for i := range records {
		if i%30 == 0 {
			must(t, cl.BeginTransaction())
		}
		must(t, cl.ProduceSync(t.Context(), &kgo.Record{Topic: r.topic, Partition: 1, Value: fmt.Append(nil, i)}).FirstErr())
		if i%30 == 29 {
			must(t, cl.EndTransaction(t.Context(), kgo.TryCommit))
		}
	}
	plain := a.Client(t, kgo.RecordPartitioner(kgo.ManualPartitioner()))
	for i := range records {
		plain.Produce(t.Context(), &kgo.Record{Topic: r.topic, Value: fmt.Append(nil, i)}, nil)
	}
	must(t, plain.Flush(t.Context()))
	at := kadm.Offsets{}
	at.Add(kadm.Offset{Topic: r.topic, Partition: 0, At: records, LeaderEpoch: -1})
	must(t, a.Admin().CommitAllOffsets(t.Context(), r.group, at))

	all := map[string]string{"primary->secondary.topics": r.topic, "primary->secondary.groups": r.group}
	for k, v := range props {
		all[k] = v
	}
	rig.StartMM2(t, a, b, all)
	return r
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func open(t *testing.T, name string, c *rig.Cluster) *kafka.Cluster {
	k := kafka.Open(kafka.Config{Name: name, Brokers: c.Bootstrap()}, nil)
	t.Cleanup(func() { k.Close() })
	return k
}

func (r *world) name(topic string) (string, bool) { return r.copy, topic == r.topic }

// background runs a reader until the test ends.
func background(t *testing.T, run func(context.Context) error) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("Run: %v", err)
		}
	})
}

// predictions: a sync names the same record on both sides; between syncs a plain partition is predicted exactly, and a
// transactional one within as many records as there are markers. (MirrorMaker 2 leaves most syncs out, even with
// offset.lag.max 0: ten may be on the way at a time.)
func (r *world) predictions(t *testing.T, at *Evidence) {
	h := &Hints{}
	c := r.primary
	if at.On == replicator.Secondary {
		c = r.secondary
	}
	s := NewSyncs(SyncsOptions{Cluster: c, Topic: at.Topic, Out: func(topic string, p int32, up, down int64) {
		h.Add(topic, p, up, down)
		if topic == r.topic {
			r.same(t, p, up, []int64{down}, 0)
		}
	}})
	background(t, s.Run)
	for p, markers := range []int64{0, records / 30} {
		last := records + markers - 1
		if markers > 0 {
			last-- // before the last marker
		}
		rig.Eventually(t, patience, fmt.Sprintf("syncs of partition %d", p), func() error {
			if up, _, ok := h.Latest(r.topic, int32(p)); !ok || up < last {
				return fmt.Errorf("up to %d of %d (%v): %+v", up, last, ok, s.State())
			}
			return nil
		})
		right := 0
		for u := int64(0); u <= last; u += 7 {
			if r.same(t, int32(p), u, h.Predict(r.topic, int32(p), u), markers) {
				right++
			}
		}
		t.Logf("partition %d: %d predictions right at once, %d bytes of hints", p, right, len(h.Marshal(r.topic, int32(p))))
	}
	if st := s.State(); !s.CaughtUp() || st.Problem != "" || st.Malformed > 0 || st.Error != nil {
		t.Errorf("state %+v", st)
	}
}

// same compares the record at u with the one at the first of the predictions: whether it is the same, and no more than so
// many off.
func (r *world) same(t *testing.T, p int32, u int64, predicted []int64, off int64) bool {
	t.Helper()
	original := r.number(t, r.primary, r.topic, p, u)
	if original < 0 {
		return false // a marker
	}
	if len(predicted) == 0 {
		t.Errorf("%d of partition %d is not predicted", u, p)
		return false
	}
	found := r.number(t, r.secondary, r.copy, p, predicted[0])
	if found < 0 || abs(found-original) > off {
		t.Errorf("record %d, at %d of partition %d, is predicted at %v, where record %d is", original, u, p, predicted, found)
	}
	return found == original
}

// number of the record at an offset, -1 where there is none.
func (r *world) number(t *testing.T, c *kafka.Cluster, topic string, p int32, at int64) int64 {
	t.Helper()
	found, err := recordAt(context.Background(), c, kafka.TopicPartition{Topic: topic, Partition: p}, at)
	if err != nil {
		t.Error(err)
	}
	if found == nil {
		return -1
	}
	n, err := strconv.ParseInt(string(found.Value), 10, 64)
	if err != nil {
		t.Error(err)
	}
	return n
}

// groups: MirrorMaker 2 writes the group's offset, and it is known that it did.
func (r *world) groups(t *testing.T, topic string) {
	k := NewCheckpoints(CheckpointsOptions{Cluster: r.secondary, Topic: topic})
	background(t, k.Run)
	rig.Eventually(t, patience, "the group's offset on the secondary", func() error {
		all, err := r.there.Admin().FetchOffsets(t.Context(), r.group)
		if err != nil {
			return err
		}
		o, ok := all.Lookup(r.copy, 0)
		if !ok || !k.Syncs(r.group) || !k.Wrote(r.group, r.copy, 0, o.At) || k.Wrote(r.group, r.copy, 0, o.At+1) {
			return fmt.Errorf("%v %+v, known groups %v: %+v", ok, o, k.Groups(), k.State())
		}
		return nil
	})
}
