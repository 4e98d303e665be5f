package kafka

// Fetched is what one fetch brought of one partition. Fetched of a partition arrive in order and without gaps: the first
// batch of one starts at or, on a compacted topic, after Next of the one before (and the very first batch after Assign may
// start below the assigned offset, as a broker returns whole batches; records below the position are already cut off).
type Fetched struct {
	TopicPartition
	// TopicID as of when the partition's leader was last looked up; zero where the cluster has no ids, and from FetchOne.
	TopicID [16]byte
	// Batches in log order, control batches included, whatever the isolation. Under ReadCommitted the records of aborted
	// transactions are here, too: see Aborted. Empty where only the bounds are new, or an empty batch was stepped over.
	Batches []Batch
	// HighWatermark, LastStable and LogStart as of this response.
	HighWatermark, LastStable, LogStart int64
	// Next is the offset that will be fetched next: one past the last batch, holes and empty batches stepped over.
	Next int64
	// Aborted lists, under ReadCommitted, the aborted transactions that overlap these batches, by first offset. A
	// transactional batch of ProducerID is aborted from FirstOffset until that producer's abort marker.
	Aborted []AbortedTxn
	// Err is set when the partition can't be fetched: ErrOffsetOutOfRange, ErrUnknownTopic, ErrTopicRecreated,
	// ErrUnauthorized, ErrCorrupt (test with errors.Is). The partition is then unassigned until Assign is called again. Moved leaders, dead
	// brokers and lost connections never show here: they are retried for as long as it takes.
	Err error

	partial bool // the response ended within a batch
	bytes   int  // what counts against FetchOptions.Buffer
}

// Records counts the records of all batches, control records included.
func (f *Fetched) Records() int {
	n := 0
	for i := range f.Batches {
		n += len(f.Batches[i].Records)
	}
	return n
}

// AbortedTxn is an aborted transaction of one partition.
type AbortedTxn struct {
	ProducerID  int64
	FirstOffset int64
}

// Isolation of a fetch.
type Isolation int8

const (
	// ReadUncommitted reads up to the high watermark, open transactions included.
	ReadUncommitted Isolation = iota
	// ReadCommitted reads up to the last stable offset, and lists aborted transactions.
	ReadCommitted
)
