package daemon

import (
	"context"
	"errors"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leftoff/leftoff/checkpoint"
	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/replicator/kafka"
	"github.com/leftoff/leftoff/translate"
)

// lengths is a primary of topics with known ends.
type lengths struct {
	mu     sync.Mutex
	ends   map[kafka.TopicPartition]int64
	fails  map[kafka.TopicPartition]error
	asked  int
	listed int
}

func (p *lengths) Topics(context.Context, []string) (map[string]kafka.TopicInfo, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.listed++
	all := map[string]kafka.TopicInfo{}
	for tp := range p.ends {
		t := all[tp.Topic]
		for len(t.Partitions) <= int(tp.Partition) {
			t.Partitions = append(t.Partitions, kafka.PartitionInfo{ID: int32(len(t.Partitions))})
		}
		all[tp.Topic] = t
	}
	return all, nil
}

func (p *lengths) ListOffsets(_ context.Context, at kafka.When, tps []kafka.TopicPartition) (map[kafka.TopicPartition]kafka.OffsetResult, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if at != kafka.Latest {
		return nil, errors.New("an open transaction's records are outputs, too")
	}
	p.asked++
	all := map[kafka.TopicPartition]kafka.OffsetResult{}
	for _, tp := range tps {
		all[tp] = kafka.OffsetResult{Offset: p.ends[tp], Err: p.fails[tp]}
	}
	return all, nil
}

// copiedTo is a mapper that has copied each topic up to somewhere.
type copiedTo map[string]replicator.Mapping

func (c copiedTo) Forward(topic string, _ [16]byte, _ int32, u int64) replicator.Mapping {
	m, ok := c[topic]
	if !ok {
		return replicator.Mapping{Reason: replicator.TopicMissing, Detail: "not mirrored yet"}
	}
	if m.Position.Confidence == translate.Exact && u > m.Position.Offset {
		m.Position = translate.Position{Offset: m.Position.Offset, Confidence: translate.Behind, Reread: u - m.Position.Offset}
	}
	return m
}
func (c copiedTo) Mirrored() map[string]int32 { return nil }
func (c copiedTo) Want(string, int32, int64)  {}

func exactTo(u int64) replicator.Mapping {
	return replicator.Mapping{Position: translate.Position{Offset: u, Confidence: translate.Exact}}
}

// diary notes what the loop is told.
type diary struct {
	mu     sync.Mutex
	began  int
	left   [][]replicator.End
	failed []string
}

func (d *diary) SampleBegins(context.Context) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.began++
	return nil
}

func (d *diary) Sampled(_ context.Context, left []replicator.End) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.left = append(d.left, left)
	return nil
}

func (d *diary) SampleFails(_ context.Context, why string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.failed = append(d.failed, why)
	return nil
}

func outputsFor(t *testing.T, after string, primary endsOf, mapper replicator.Mapper) *outputs {
	t.Helper()
	x, err := checkpoint.Open(filepath.Join(t.TempDir(), "x.db"), checkpoint.Options{Link: checkpoint.Link{Name: "l"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { x.Close() })
	return newOutputs(after, primary, mapper, x, func(topic string) (string, bool) { return topic, !strings.HasPrefix(topic, "other.") })
}

func tp(topic string, n int32) kafka.TopicPartition {
	return kafka.TopicPartition{Topic: topic, Partition: n}
}

func TestWhoWaits(t *testing.T) {
	p := &lengths{ends: map[kafka.TopicPartition]int64{
		tp("shop-counts-changelog", 0): 1, tp("till-by-day-repartition", 0): 1, tp("other.thing-x-changelog", 0): 1, tp("plain", 0): 1,
	}}
	o := outputsFor(t, "auto", p, copiedTo{})
	if o.Waits("shop", false) {
		t.Error("it can't be known yet")
	}
	if _, err := o.list(t.Context()); err != nil {
		t.Fatal(err)
	}
	o.await(t.Context()) // it is listed: does not block
	for group, want := range map[string]bool{"shop": true, "till": true, "other.thing": true, "sho": false, "plain": false, "counts": false, "zoo": false} {
		if got := o.Waits(group, false); got != want {
			t.Errorf("group %s waits: %v", group, got)
		}
		if !o.Waits(group, true) {
			t.Errorf("a transactional commit of %s does not wait", group)
		}
	}
	notes := o.notes()
	if want := "group other.thing: 1 of its own topics are not copied by this link, and not waited for, such as other.thing-x-changelog. Try: topics.include"; !reflect.DeepEqual(notes, []string{want}) {
		t.Errorf("%q", notes)
	}
	if n := testing.AllocsPerRun(100, func() { o.Waits("shop", false); o.Waits("plain", false) }); n > 0 {
		t.Errorf("%v allocations a commit", n/2)
	}
	if o := outputsFor(t, "[plain]", p, copiedTo{}); !o.Waits("zoo", false) {
		t.Error("with topics named, every commit waits")
	}
	if o := outputsFor(t, "none", p, copiedTo{}); o != nil {
		t.Error("none waits")
	}
}

// What has been reached is left out, and so is what the link does not copy; what changed hands is not waited for.
func TestEndsThatAreLeft(t *testing.T) {
	p := &lengths{ends: map[kafka.TopicPartition]int64{
		tp("there", 0): 5, tp("behind", 0): 5, tp("behind", 1): 0, tp("other.x", 0): 5, tp("unknown", 0): 5, tp("switched", 0): 5, tp("gone", 0): 5,
	}, fails: map[kafka.TopicPartition]error{tp("gone", 0): kafka.ErrUnknownTopic}}
	m := copiedTo{"there": exactTo(5), "behind": exactTo(3), "switched": {Reason: replicator.HandedOver}}
	left := func(after string) (names []string) {
		all, err := outputsFor(t, after, p, m).ends(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range all {
			names = append(names, e.Topic)
		}
		slices.Sort(names)
		return names
	}
	if got := left("auto"); !reflect.DeepEqual(got, []string{"behind", "unknown"}) {
		t.Errorf("auto: %v", got)
	}
	if got := left("[behind, there]"); !reflect.DeepEqual(got, []string{"behind"}) {
		t.Errorf("a list: %v", got)
	}
	o := outputsFor(t, "auto", p, m)
	if _, why := o.Reached(replicator.End{Topic: "behind", End: 5}); why != "the mirror is 2 offsets behind" {
		t.Error(why)
	}
	if _, why := o.Reached(replicator.End{Topic: "unknown", End: 5}); why != "topic_missing: not mirrored yet" {
		t.Error(why)
	}
}

// A mirror that is not leftoff's may leave topics out. What the mapping has not come to yet is not left out.
func TestTopicThatAForeignMirrorLeavesOut(t *testing.T) {
	p := &lengths{ends: map[kafka.TopicPartition]int64{tp("there", 0): 5, tp("out", 0): 5, tp("unseen", 0): 5}}
	o := outputsFor(t, "auto", p, copiedTo{"there": exactTo(5), "out": {Topic: "out", Reason: replicator.TopicMissing}})
	for foreign, want := range map[bool]int{true: 1, false: 2} {
		o.foreign = foreign
		left, err := o.ends(t.Context())
		if err != nil || len(left) != want {
			t.Errorf("foreign %v: %v %v", foreign, left, err)
		}
		if notes := o.notes(); foreign != (len(notes) == 1 && strings.Contains(notes[0], "1 topics of this link are not on the secondary, and not waited for, such as out")) {
			t.Errorf("foreign %v: %q", foreign, notes)
		}
	}
}

// A floor says nothing of what was copied: the index does.
func TestFloorIsReachedWhenItWasCopied(t *testing.T) {
	o := outputsFor(t, "auto", &lengths{}, copiedTo{"t": {Position: translate.Position{Offset: 3, Confidence: translate.Floor}}})
	pair, _, err := o.index.Pair(checkpoint.Topics{Primary: checkpoint.Topic{Name: "t"}, Secondary: checkpoint.Topic{Name: "t"}, Partitions: 1})
	if err != nil {
		t.Fatal(err)
	}
	if err := pair.Partition(0).Append(translate.Run{Primary: 0, Secondary: 0, Length: 10}); err != nil {
		t.Fatal(err)
	}
	if ok, _ := o.Reached(replicator.End{Topic: "t", End: 10}); !ok {
		t.Error("10 was copied")
	}
	if ok, _ := o.Reached(replicator.End{Topic: "t", End: 11}); ok {
		t.Error("11 was not")
	}
}

// Whoever asks is served; many who ask at once are served together; a partition that does not answer is asked for until it does.
func TestSampling(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &lengths{ends: map[kafka.TopicPartition]int64{tp("a", 0): 5}, fails: map[kafka.TopicPartition]error{tp("a", 0): errors.New("no leader")}}
		o := outputsFor(t, "auto", p, copiedTo{"a": exactTo(4)})
		ctx, cancel := context.WithCancel(t.Context())
		d, ended := &diary{}, make(chan error)
		go func() { ended <- o.run(ctx, d) }()
		for range 100 {
			o.Ask()
		}
		time.Sleep(time.Second)
		synctest.Wait()
		d.mu.Lock()
		if d.began != 1 || len(d.left) != 0 || len(d.failed) == 0 || !strings.Contains(d.failed[0], "the end of a/0: no leader") {
			t.Errorf("%+v", d)
		}
		d.mu.Unlock()
		p.mu.Lock()
		maps.DeleteFunc(p.fails, func(kafka.TopicPartition, error) bool { return true })
		p.mu.Unlock()
		time.Sleep(10 * time.Second)
		synctest.Wait()
		d.mu.Lock()
		want := []replicator.End{{Topic: "a", End: 5}}
		if n := len(d.left); n < 1 || n > 2 || !reflect.DeepEqual(d.left[0], want) || !reflect.DeepEqual(d.left[n-1], want) {
			t.Errorf("%+v", d) // twice where the first ask was taken before the others came
		}
		d.mu.Unlock()
		asked := p.asked
		for range 50 {
			o.Ask()
			time.Sleep(2 * time.Millisecond)
		}
		synctest.Wait()
		if n := p.asked - asked; n < 2 || n > 100/int(sampleAtMost/time.Millisecond)+1 {
			t.Errorf("asked %d times in 100 ms", n)
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}
