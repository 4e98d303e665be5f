package kafka

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func batchOf(id ProducerID, tp TopicPartition, from, n int) ProduceBatch {
	b := ProduceBatch{ProducerID: id, FirstSequence: int32(from), Codec: LZ4}
	for i := from; i < from+n; i++ {
		b.Records = append(b.Records, Record{Offset: int64(1000 + 3*i), Timestamp: int64(1_700_000_000_000 + i), Key: fmt.Appendf(nil, "%v %d", tp, i), Value: []byte("v")})
	}
	return b
}

// answers collects the results of one partition in the order they come.
type answers struct {
	mu  sync.Mutex
	got []ProduceResult
	tag []int
}

func (a *answers) done(tag int) func(ProduceResult) {
	return func(r ProduceResult) {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.got, a.tag = append(a.got, r), append(a.tag, tag)
	}
}

func (a *answers) wait(t *testing.T, n int) ([]ProduceResult, []int) {
	t.Helper()
	eventually(t, "answers", func() error {
		a.mu.Lock()
		defer a.mu.Unlock()
		if len(a.got) < n {
			return fmt.Errorf("%d of %d", len(a.got), n)
		}
		return nil
	})
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.got, a.tag
}

func mustInit(t *testing.T, c *Cluster) ProducerID {
	t.Helper()
	id, err := c.InitProducer(within(t))
	if err != nil || id.ID < 0 {
		t.Fatal(id, err)
	}
	return id
}

func TestProduce(t *testing.T) {
	k := fake(t, 3)
	c := open(t, k.ListenAddrs())
	id := mustInit(t, c)
	p := c.NewProducer(ProducerOptions{})
	defer p.Close()
	ends := map[TopicPartition]int64{}
	r := read(t, c, FetchOptions{})
	for _, tp := range tps("t", 3) {
		var a answers
		for i := range 5 {
			p.Produce(tp, batchOf(id, tp, 10*i, 10), a.done(i))
		}
		got, tags := a.wait(t, 5)
		for i, g := range got {
			if g.Err != nil || g.BaseOffset != int64(10*i) || tags[i] != i || g.LogAppendTime != -1 || g.LogStart != 0 {
				t.Fatalf("%v batch %d: %+v", tp, i, g)
			}
		}
		ends[tp] = 50
		r.assign(tp, 0)
	}
	r.until(ends)
}

func TestProduceAgainIsRecognised(t *testing.T) {
	k := fake(t, 1)
	c := open(t, k.ListenAddrs())
	id := mustInit(t, c)
	p := c.NewProducer(ProducerOptions{})
	defer p.Close()
	tp := TopicPartition{"t", 0}
	var a answers
	for i := range 5 {
		p.Produce(tp, batchOf(id, tp, 10*i, 10), a.done(i))
	}
	a.wait(t, 5)
	p.Produce(tp, batchOf(id, tp, 20, 10), a.done(5))
	p.Produce(tp, batchOf(id, tp, 500, 10), a.done(6))
	got, _ := a.wait(t, 7)
	if got[5].Err != nil || got[5].BaseOffset != 20 {
		t.Errorf("again: %+v", got[5])
	}
	if Classify(got[6].Err) != Sequence {
		t.Errorf("gap: %+v", got[6])
	}
}

// feeder sends batches of ten in order with a window, and after a failure sends again from the first that failed, as the
// mirror does.
func feed(t *testing.T, p *Producer, id ProducerID, tp TopicPartition, batches int) {
	t.Helper()
	type answer struct {
		batch int
		r     ProduceResult
	}
	results := make(chan answer, 5)
	next, acked, flying, failed := 0, 0, 0, -1
	for acked < batches {
		for failed < 0 && flying < 5 && next < batches && (acked > 0 || flying == 0) { // the first alone: see mirror's window
			n := next
			p.Produce(tp, batchOf(id, tp, 10*n, 10), func(r ProduceResult) { results <- answer{n, r} })
			next++
			flying++
		}
		var a answer
		select {
		case a = <-results:
		case <-time.After(patience):
			t.Errorf("%v: no answer; %d acked, %d flying", tp, acked, flying)
			return
		}
		flying--
		switch {
		case a.r.Err == nil && a.batch == acked:
			if a.r.BaseOffset != int64(10*a.batch) {
				t.Errorf("%v batch %d at %d", tp, a.batch, a.r.BaseOffset)
				return
			}
			acked++
		case failed < 0:
			if class := Classify(a.r.Err); !class.Temporary() {
				t.Errorf("%v batch %d: %v", tp, a.batch, a.r.Err)
				return
			}
			failed = a.batch
		}
		if failed >= 0 && flying == 0 {
			next, failed = acked, -1
		}
	}
}

func TestProduceSurvivesMovesAndDrops(t *testing.T) {
	k := fake(t, 4)
	c := open(t, k.ListenAddrs())
	id := mustInit(t, c)
	p := c.NewProducer(ProducerOptions{})
	defer p.Close()
	var n atomic.Int64
	k.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
		k.KeepControl()
		if n.Add(1)%17 == 0 {
			return nil, errors.New("dropped"), true
		}
		return nil, nil, false
	})
	stop := make(chan struct{})
	var moves sync.WaitGroup
	moves.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			case <-time.After(20 * time.Millisecond):
				_ = k.MoveTopicPartition("t", int32(i%4), int32(i/4%3))
			}
		}
	})
	var wg sync.WaitGroup
	for _, tp := range tps("t", 4) {
		wg.Go(func() { feed(t, p, id, tp, 100) })
	}
	wg.Wait()
	close(stop)
	moves.Wait()
	r := read(t, c, FetchOptions{})
	ends := map[TopicPartition]int64{}
	for _, tp := range tps("t", 4) {
		ends[tp] = 1000
		r.assign(tp, 0)
	}
	r.until(ends)
}

// What stands behind a failed batch fails in order, and then the partition works again.
func TestProduceFailsWhatIsBehind(t *testing.T) {
	k := fake(t, 1)
	k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.NotEnoughReplicas, Count: 1})
	c := open(t, k.ListenAddrs())
	id := mustInit(t, c)
	p := c.NewProducer(ProducerOptions{MaxInFlight: 1})
	defer p.Close()
	tp := TopicPartition{"t", 0}
	var a answers
	for i := range 4 {
		p.Produce(tp, batchOf(id, tp, 10*i, 10), a.done(i))
	}
	got, tags := a.wait(t, 4)
	for i := range 4 {
		if tags[i] != i {
			t.Fatalf("answered in the order %v", tags)
		}
	}
	if Classify(got[0].Err) != Retry {
		t.Fatal(got[0].Err)
	}
	for i := range 4 {
		p.Produce(tp, batchOf(id, tp, 10*i, 10), a.done(4+i))
	}
	got, tags = a.wait(t, 8)
	for i := range 4 {
		if tags[4+i] != 4+i || got[4+i].Err != nil || got[4+i].BaseOffset != int64(10*i) {
			t.Fatalf("%v: %+v", tags, got[4+i])
		}
	}
}

func TestProduceToNowhere(t *testing.T) {
	k := fake(t, 1)
	c := open(t, k.ListenAddrs(), func(c *Config) { c.RetryFor = 300 * time.Millisecond })
	p := c.NewProducer(ProducerOptions{})
	defer p.Close()
	var a answers
	tp := TopicPartition{"nowhere", 0}
	p.Produce(tp, batchOf(ProducerID{1, 0}, tp, 0, 1), a.done(0))
	p.Produce(tp, ProduceBatch{}, a.done(1))
	got, _ := a.wait(t, 2)
	for i, g := range got {
		if g.Err == nil {
			t.Errorf("%d: %+v", i, g)
		}
	}
	if err := got[1].Err; Classify(err) != Missing {
		t.Error(err)
	}
}

func TestProducerCloseAnswersEverything(t *testing.T) {
	k := fake(t, 2)
	hang := make(chan struct{})
	defer close(hang)
	k.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
		k.KeepControl()
		k.SleepControl(func() { <-hang })
		return nil, nil, false
	})
	c := open(t, k.ListenAddrs())
	p := c.NewProducer(ProducerOptions{MaxInFlight: 1})
	var a answers
	for i := range 10 {
		tp := TopicPartition{"t", int32(i % 3)} // the third does not exist
		p.Produce(tp, batchOf(ProducerID{1, 0}, tp, 0, 1), a.done(i))
	}
	p.Close()
	p.Produce(TopicPartition{"t", 0}, batchOf(ProducerID{1, 0}, TopicPartition{"t", 0}, 0, 1), a.done(10))
	got, _ := a.wait(t, 11)
	for _, g := range got {
		if !errors.Is(g.Err, ErrClosed) {
			t.Error(g.Err)
		}
	}
}

func TestProduceRefusesTimestampsItCannotWrite(t *testing.T) {
	b := ProduceBatch{Records: []Record{{Timestamp: encodable + 1}}}
	if _, err := b.build(); err == nil {
		t.Error("no error")
	}
	b = ProduceBatch{Records: []Record{{Timestamp: -1}, {Timestamp: 1_700_000_000_000}}}
	r, err := b.build()
	if err != nil || recordTime(r, r.Records[0]) != -1 || recordTime(r, r.Records[1]) != 1_700_000_000_000 {
		t.Error(r, err)
	}
}

// What comes out is what went in: null and empty kept apart, headers, timestamps, under every codec.
func TestProduceKeepsRecords(t *testing.T) {
	k := fake(t, 5)
	c := open(t, k.ListenAddrs())
	id := mustInit(t, c)
	p := c.NewProducer(ProducerOptions{})
	defer p.Close()
	for codec := NoCompression; codec <= ZSTD; codec++ {
		in := []Record{
			{Timestamp: 1_700_000_000_000, Key: nil, Value: nil},
			{Timestamp: 1_600_000_000_123, Key: []byte{}, Value: []byte{}},
			{Timestamp: -1, Key: []byte("k"), Value: bytes.Repeat([]byte("v"), 5000)},
			{Timestamp: 0, Key: []byte("h"), Headers: []Header{{Key: []byte("a"), Value: nil}, {Key: []byte{}, Value: []byte{}}, {Key: []byte("a"), Value: []byte("b")}}},
		}
		tp := TopicPartition{"t", int32(codec)}
		var a answers
		p.Produce(tp, ProduceBatch{ProducerID: id, Codec: codec, Records: in}, a.done(0))
		if got, _ := a.wait(t, 1); got[0].Err != nil {
			t.Fatal(codec, got[0].Err)
		}
		got, err := c.FetchOne(within(t), tp, 0, 1)
		if err != nil || len(got.Batches) != 1 {
			t.Fatal(codec, got, err)
		}
		b := got.Batches[0]
		if b.Codec != codec || b.ProducerID != id.ID || b.Transactional || b.Control || b.LogAppendTime || b.LastOffset != 3 || b.MaxTimestamp != 1_700_000_000_000 {
			t.Errorf("%v: %+v", codec, b)
		}
		for i := range in {
			in[i].Offset = int64(i)
			if !reflect.DeepEqual(b.Records[i], in[i]) {
				t.Errorf("%v, record %d: %+v, want %+v", codec, i, b.Records[i], in[i])
			}
		}
	}
}
