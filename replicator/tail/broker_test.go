package tail

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/leftoff/leftoff/internal/rig"
	"github.com/leftoff/leftoff/replicator"
)

// The ledger that a tail makes of a real broker's `__consumer_offsets` is what that broker answers to OffsetFetch, after any
// sequence of commits, transactions (committed, aborted, left open), deletions of offsets and of groups.
func TestSameAsTheBroker(t *testing.T) {
	for _, version := range versions() {
		t.Run(version, func(t *testing.T) { sameAsTheBroker(t, version) })
	}
}

func versions() []string {
	if rig.Soaking() {
		return []string{rig.V43, rig.V39}
	}
	return []string{rig.V43}
}

func sameAsTheBroker(t *testing.T, version string) {
	c := cluster43or(t, version)
	c.CreateTopic(t, "orders", 3, nil)
	live := follow(t, c.Bootstrap())
	seed := time.Now().UnixNano()
	t.Logf("seed %d", seed)
	o := &operator{t: t, c: c, rnd: rand.New(rand.NewPCG(uint64(seed), 0)), adm: c.Admin()}
	for range 250 {
		o.step()
	}
	consume(t, c, "members-classic")
	consume848(t, c, "members-848")
	o.commit("last") // so that there is something to wait for

	want := o.fetched()
	check := func(f *follower) func() error {
		return func() error {
			return f.with(func() error {
				if got := f.ledger.offsets(); !maps.Equal(got, want) {
					return fmt.Errorf("the ledger holds %v\nthe broker %v", got, want)
				}
				return nil
			})
		}
	}
	eventually(t, "followed live", check(live))
	late := follow(t, c.Bootstrap())
	eventually(t, "read from the start", check(late))
	eventually(t, "caught up", func() error { return wantUp(late, true, true) })
	for _, f := range []*follower{live, late} {
		s := f.tail.State()
		if s.UnknownTypes+s.Unreadable+s.Malformed+s.Restarts != 0 || s.Error != nil {
			t.Errorf("state %+v", s)
		}
		f.with(func() error {
			if c := f.groups["members-classic"]; c.Group == nil || c.Group.Type != replicator.ClassicGroup || c.Kind != replicator.GroupState || c.Group.Members != 0 || c.Group.ProtocolType != "consumer" {
				t.Errorf("the classic group is %+v %+v", c, c.Group)
			}
			if version == rig.V39 { // franz-go speaks KIP-848 to Kafka 4 and later only
				return nil
			}
			if c := f.groups["members-848"]; c.Group == nil || c.Group.Type != replicator.ConsumerGroup {
				t.Errorf("the KIP-848 group is %+v %+v", c, c.Group)
			}
			if f.kinds[replicator.MemberSeen] == 0 || f.kinds[replicator.MemberGone] == 0 || f.kinds[replicator.Deleted] == 0 {
				t.Errorf("kinds of changes: %v", f.kinds)
			}
			return nil
		})
	}
}

// cluster43or is a cluster nobody else writes to: the package's shared secondary, or one of another version.
func cluster43or(t *testing.T, version string) *rig.Cluster {
	if version != rig.V43 {
		return rig.Start(t, rig.Options{Version: version})
	}
	_, c := rig.Shared(t)
	return c
}

// operator does to a cluster what applications and people do.
type operator struct {
	t    *testing.T
	c    *rig.Cluster
	rnd  *rand.Rand
	adm  *kadm.Client
	txns [4]*txnClient
}

func (o *operator) group() string { return fmt.Sprintf("g%d", o.rnd.IntN(5)) }

func (o *operator) step() {
	switch o.rnd.IntN(12) {
	case 0:
		_, err := o.adm.DeleteOffsets(o.t.Context(), o.group(), kadm.TopicsSet{"orders": {int32(o.rnd.IntN(3)): {}}})
		o.may(err)
	case 1:
		if o.rnd.IntN(4) == 0 {
			_, err := o.adm.DeleteGroup(o.t.Context(), o.group())
			o.may(err)
		}
	case 2, 3, 4, 5:
		o.commit(o.group())
	default:
		n := o.rnd.IntN(len(o.txns))
		if o.txns[n] == nil {
			o.txns[n] = newTxn(o.t, o.c, fmt.Sprintf("txn-%d", n))
		}
		o.txns[n].step(o)
	}
}

// may: what is asked of a group that does not exist, or has pending transactional offsets, is refused.
func (o *operator) may(err error) {
	if err != nil && kerr.TypedErrorForCode(code(err)) == nil {
		o.t.Fatal(err)
	}
}

func code(err error) int16 {
	if e, ok := err.(*kerr.Error); ok {
		return e.Code
	}
	return 0
}

func (o *operator) commit(group string) {
	offsets := kadm.Offsets{}
	for p := range int32(3) {
		if o.rnd.IntN(2) == 0 {
			offsets.Add(kadm.Offset{Topic: "orders", Partition: p, At: o.rnd.Int64N(1000), LeaderEpoch: -1, Metadata: "m"})
		}
	}
	if err := o.adm.CommitAllOffsets(o.t.Context(), group, offsets); err != nil {
		o.t.Fatal(err)
	}
}

// fetched asks the broker for everything, pending transactions not waited for.
func (o *operator) fetched() map[replicator.Key]int64 {
	all := map[replicator.Key]int64{}
	groups, err := o.adm.ListGroups(o.t.Context())
	if err != nil {
		o.t.Fatal(err)
	}
	for _, g := range groups.Groups() {
		offsets, err := o.adm.FetchOffsets(o.t.Context(), g)
		if err != nil {
			o.t.Fatal(err)
		}
		offsets.Each(func(r kadm.OffsetResponse) {
			if r.At >= 0 {
				all[replicator.Key{Group: g, Topic: r.Topic, Partition: r.Partition}] = r.At
			}
		})
	}
	return all
}

// txnClient speaks the transactional protocol by hand: no consumer, offsets of any group.
type txnClient struct {
	id      string
	cl      *kgo.Client
	pid     int64
	epoch   int16
	touched map[string]bool
}

func newTxn(t *testing.T, c *rig.Cluster, id string) *txnClient {
	x := &txnClient{id: id, cl: c.Client(t), touched: map[string]bool{}}
	x.init(t)
	return x
}

func (x *txnClient) init(t *testing.T) {
	req := kmsg.NewPtrInitProducerIDRequest()
	req.TransactionalID, req.TransactionTimeoutMillis = &x.id, 60_000
	retry(t, "init "+x.id, func() int16 {
		resp, err := req.RequestWith(t.Context(), x.cl)
		if err != nil {
			t.Fatal(err)
		}
		x.pid, x.epoch = resp.ProducerID, resp.ProducerEpoch
		return resp.ErrorCode
	})
	clear(x.touched)
}

func (x *txnClient) step(o *operator) {
	switch o.rnd.IntN(5) {
	case 0, 1, 2:
		x.commit(o, o.group())
	case 3:
		x.end(o.t, o.rnd.IntN(10) > 2)
	case 4:
		if o.rnd.IntN(5) == 0 {
			x.init(o.t) // fences itself: the broker aborts what is open, and the epoch goes up
		}
	}
}

func (x *txnClient) commit(o *operator, group string) {
	t := o.t
	if !x.touched[group] {
		add := kmsg.NewPtrAddOffsetsToTxnRequest()
		add.TransactionalID, add.ProducerID, add.ProducerEpoch, add.Group = x.id, x.pid, x.epoch, group
		retry(t, "add "+group, func() int16 {
			resp, err := add.RequestWith(t.Context(), x.cl)
			if err != nil {
				t.Fatal(err)
			}
			return resp.ErrorCode
		})
		x.touched[group] = true
	}
	req := kmsg.NewPtrTxnOffsetCommitRequest()
	req.Version = 3
	req.TransactionalID, req.ProducerID, req.ProducerEpoch, req.Group, req.Generation = x.id, x.pid, x.epoch, group, -1
	topic := kmsg.NewTxnOffsetCommitRequestTopic()
	topic.Topic = "orders"
	for p := range int32(3) {
		if o.rnd.IntN(2) == 0 {
			part := kmsg.NewTxnOffsetCommitRequestTopicPartition()
			part.Partition, part.Offset, part.LeaderEpoch = p, o.rnd.Int64N(1000), -1
			topic.Partitions = append(topic.Partitions, part)
		}
	}
	if len(topic.Partitions) == 0 {
		return
	}
	req.Topics = append(req.Topics, topic)
	retry(t, "commit "+group, func() int16 {
		resp, err := req.RequestWith(t.Context(), x.cl)
		if err != nil {
			t.Fatal(err)
		}
		return resp.Topics[0].Partitions[0].ErrorCode
	})
}

func (x *txnClient) end(t *testing.T, commit bool) {
	if len(x.touched) == 0 {
		return
	}
	req := kmsg.NewPtrEndTxnRequest()
	req.TransactionalID, req.ProducerID, req.ProducerEpoch, req.Commit = x.id, x.pid, x.epoch, commit
	retry(t, "end", func() int16 {
		resp, err := req.RequestWith(t.Context(), x.cl)
		if err != nil {
			t.Fatal(err)
		}
		if resp.Version >= 5 && resp.ErrorCode == 0 {
			x.pid, x.epoch = resp.ProducerID, resp.ProducerEpoch
		}
		return resp.ErrorCode
	})
	clear(x.touched)
}

// retry repeats what the broker asks to be repeated: coordinators loading, a transaction still ending.
func retry(t *testing.T, what string, ask func() int16) {
	t.Helper()
	eventually(t, what, func() error {
		err := kerr.ErrorForCode(ask())
		if err != nil && !kerr.IsRetriable(err) && !errors.Is(err, kerr.ConcurrentTransactions) {
			t.Fatalf("%s: %v", what, err)
		}
		return err
	})
}

// consume lets a classic group have a member, read, commit and leave.
func consume(t *testing.T, c *rig.Cluster, group string, opts ...kgo.Opt) {
	t.Helper()
	cl := c.Client(t)
	if err := cl.ProduceSync(t.Context(), &kgo.Record{Topic: "orders", Value: []byte("x")}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	member := c.Client(t, append(opts, kgo.ConsumerGroup(group), kgo.ConsumeTopics("orders"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.DisableAutoCommit())...)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if fs := member.PollFetches(ctx); fs.NumRecords() == 0 {
		t.Fatalf("%s read nothing: %v", group, fs.Errors())
	}
	if err := member.CommitUncommittedOffsets(ctx); err != nil {
		t.Fatal(err)
	}
	member.LeaveGroup()
	member.Close()
}

// consume848 does the same under KIP-848.
func consume848(t *testing.T, c *rig.Cluster, group string) {
	t.Helper()
	consume(t, c, group, kgo.ServerSideBalancer())
}
