package bench

import (
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leftoff/leftoff/internal/rig"
)

// shape is what records are like.
type shape struct {
	size  int  // of a value, bytes
	lz4   bool // compressed by the producer, values half of which compress
	batch int  // largest batch, bytes before compression
}

// values makes values of a shape. It cuts them out of a block, so that the generator spends no time on random numbers.
type values struct {
	shape
	block []byte
	next  int
}

func newValues(s shape, random *rand.Rand) *values {
	v := &values{shape: s, block: make([]byte, 4<<20+s.size)}
	for i := range v.block {
		if s.lz4 && i/64%2 == 1 { // every other 64 bytes are the same
			v.block[i] = 'x'
			continue
		}
		v.block[i] = byte(random.Uint32())
	}
	return v
}

// value is the next one. Its bytes are shared with others: they are not to be written to.
func (v *values) value() []byte {
	v.next = (v.next + 4099) % (4 << 20)
	return v.block[v.next : v.next+v.size : v.next+v.size]
}

// preload writes n records of a shape over all partitions of a topic, and closes its client: nothing produces while something
// is measured.
func preload(r *Run, c *rig.Cluster, topic string, partitions int32, n int, v *values) {
	r.Helper()
	codec := kgo.NoCompression()
	if v.lz4 {
		codec = kgo.Lz4Compression()
	}
	cl := c.Client(r.TB, kgo.DefaultProduceTopic(topic), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerBatchCompression(codec),
		kgo.ProducerBatchMaxBytes(int32(max(v.batch, v.size+1_000))), kgo.ProducerLinger(5*time.Millisecond), kgo.MaxBufferedRecords(100_000),
		kgo.MaxBufferedBytes(64<<20), kgo.DisableIdempotentWrite(), kgo.MaxProduceRequestsInflightPerBroker(5))
	defer cl.Close()
	var failed atomic.Pointer[error]
	for i := range n {
		cl.Produce(r.Context, &kgo.Record{Value: v.value(), Partition: int32(i) % partitions}, func(_ *kgo.Record, err error) {
			if err != nil {
				failed.Store(&err)
			}
		})
	}
	if err := cl.Flush(r.Context); err != nil {
		r.Fatalf("preload %s: %v", topic, err)
	}
	if err := failed.Load(); err != nil {
		r.Fatalf("preload %s: %v", topic, *err)
	}
}
