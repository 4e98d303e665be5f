package kafka

import "context"

// ProducerOptions of a Producer. The zero value is usable.
type ProducerOptions struct {
	// MaxInFlight requests on one connection. Default 5.
	MaxInFlight int
	// MaxRequestBytes bounds the batches of different partitions that share a request. Default 1 MiB; a larger batch goes alone.
	MaxRequestBytes int
}

// Producer writes record batches under ids, epochs and sequences of the caller: idempotence by hand (acks=all, version 10
// or what the broker has). One connection a leader. It never resends: what failed is the caller's to judge.
type Producer struct{ o ProducerOptions }

// ProducerID is what InitProducer hands out.
type ProducerID struct {
	ID    int64
	Epoch int16
}

// ProduceBatch is one batch to write, built from records of any number of fetched batches.
//
// Offsets are renumbered 0, 1, 2, …: holes are refused by brokers. Timestamps are written as create times.
// The transactional and control flags are never set.
type ProduceBatch struct {
	ProducerID
	FirstSequence int32
	Codec         Codec
	Records       []Record
}

// ProduceResult answers one Produce.
type ProduceResult struct {
	// BaseOffset is the offset of the first record. A batch that the broker has already (same producer, epoch and sequences,
	// among its newest five) is answered without an error and with its original offset.
	BaseOffset int64
	// LogAppendTime in ms, -1 when the topic keeps create times.
	LogAppendTime int64
	// LogStart of the partition.
	LogStart int64
	// Err is nil when the batch is written on all in-sync replicas. Class Refind, Retry: it is not written. Unreachable: it
	// may be written; send the same batch again. Sequence: see facts.
	Err error
}

// InitProducer takes a producer id from the cluster.
func (c *Cluster) InitProducer(ctx context.Context) (ProducerID, error) { return ProducerID{ID: -1}, ErrNotYet }

// ProducerState is what a partition's leader remembers of an idempotent producer.
type ProducerState struct {
	ProducerID
	LastSequence  int32
	LastTimestamp int64
	OpenTxnStart  int64 // -1: none
}

// DescribeProducers asks a partition's leader for its active producers.
func (c *Cluster) DescribeProducers(ctx context.Context, tp TopicPartition) ([]ProducerState, error) {
	return nil, ErrNotYet
}

// NewProducer makes a Producer; it dials when it produces. Close it.
func (c *Cluster) NewProducer(o ProducerOptions) *Producer { return &Producer{o: o} }

// Produce sends a batch, and calls done exactly once with the answer, from another goroutine. It does not block. Batches of a partition are
// sent, and answered, in the order of the calls; how many may be unanswered is the caller's to bound (five per partition, for
// brokers to recognise a resent one). When a batch fails for a connection, a leader or a timeout, everything of the same
// partition that was queued behind it fails, too, before anything later is sent. done must not block; it may call Produce. The batch's
// records must not change until done was called.
func (p *Producer) Produce(tp TopicPartition, b ProduceBatch, done func(ProduceResult)) {
	go done(ProduceResult{BaseOffset: -1, LogAppendTime: -1, LogStart: -1, Err: ErrNotYet})
}

// Close fails what is unanswered with ErrClosed and ends all goroutines.
func (p *Producer) Close() error { return nil }
