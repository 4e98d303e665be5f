package kafka

// Record is one record of a partition.
//
// Of a fetched record, Key, Value and the headers alias the fetch response: they are valid for as long as anything refers
// to them, and as long as one of them does, the whole response (up to FetchOptions.MaxBytes, or the decompressed batch) stays
// in memory. Copy what is kept. They must not be changed.
type Record struct {
	Offset    int64
	Timestamp int64 // ms since the epoch; -1 where the record has none
	// Key and Value tell nil (null on the wire) from empty.
	Key, Value []byte
	Headers    []Header
}

// Header of a record. Value tells nil from empty.
type Header struct {
	Key, Value []byte
}

// Size is roughly what the record takes in memory and on the wire, without compression.
func (r *Record) Size() int {
	n := 16 + len(r.Key) + len(r.Value)
	for i := range r.Headers {
		n += 4 + len(r.Headers[i].Key) + len(r.Headers[i].Value)
	}
	return n
}
