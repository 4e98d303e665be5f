package kafka

// Batch is a record batch as it stands in the log.
type Batch struct {
	// BaseOffset and LastOffset are the batch's own bounds. On a compacted topic records may be missing between them, also
	// the first and the last one.
	BaseOffset, LastOffset int64
	// LeaderEpoch under which the batch was appended; -1 in message sets from before Kafka 0.11.
	LeaderEpoch int32
	// ProducerID is -1 for a producer that is neither idempotent nor transactional. Test Transactional, not this.
	ProducerID    int64
	ProducerEpoch int16
	FirstSequence int32
	Transactional bool
	// Control: the batch holds one transaction marker. Its record's key is int16 version, int16 type (0 abort, 1 commit).
	Control bool
	// LogAppendTime: the record timestamps are the broker's, not the producer's.
	LogAppendTime bool
	Codec         Codec
	MaxTimestamp  int64 // ms since the epoch, -1 where there is none
	Records       []Record
}

// Codec is how the records of a batch are compressed; the numbers are Kafka's.
type Codec int8

const (
	NoCompression Codec = iota
	GZIP
	Snappy
	LZ4
	ZSTD
)

var codecNames = [...]string{"none", "gzip", "snappy", "lz4", "zstd"}

func (c Codec) String() string {
	if c < 0 || int(c) >= len(codecNames) {
		return "unknown"
	}
	return codecNames[c]
}
