package match

import (
	"sort"

	"github.com/leftoff/leftoff/replicator/kafka"
)

// rec is what is kept of a record that was read.
type rec struct {
	offset int64
	time   int64 // ms since the epoch
	prints prints
}

// stretch is a part of a log that was read without a hole: every record with an offset in [from, to) that a consumer may
// see is in recs.
type stretch struct {
	from, to int64
	recs     []rec
	start    bool  // nothing is served below from
	end      bool  // to was the readable end
	batch    int64 // most offsets that one batch spans
	stamped  bool  // the broker stamps records (LogAppendTime)
	bytes    int64
}

// add takes what a fetch brought at to.
func (s *stretch) add(f *kafka.Fetched, committed bool) {
	f.Readable(committed, func(b *kafka.Batch) {
		s.batch = max(s.batch, b.LastOffset-b.BaseOffset+1)
		s.stamped = s.stamped || b.LogAppendTime
		for i := range b.Records {
			r := &b.Records[i]
			s.recs = append(s.recs, rec{offset: r.Offset, time: r.Timestamp, prints: printsOf(r)})
		}
	})
	for i := range f.Batches {
		s.bytes += sizeOf(&f.Batches[i])
	}
	s.to = max(s.to, f.Next)
}

// sizeOf is about what a batch takes on the wire without compression.
func sizeOf(b *kafka.Batch) int64 {
	n := int64(61)
	for i := range b.Records {
		n += int64(b.Records[i].Size())
	}
	return n
}

// cut drops the records below an offset.
func (s *stretch) cut(from int64) {
	if from <= s.from {
		return
	}
	i := sort.Search(len(s.recs), func(i int) bool { return s.recs[i].offset >= from })
	if n := len(s.recs); n > 0 {
		s.bytes = s.bytes * int64(n-i) / int64(n)
	}
	s.recs = append([]rec(nil), s.recs[i:]...)
	s.from, s.start = from, false
}

// spread is how many offsets a record takes, rounded up, 64 at most. One hole is left out: it may be where two stretches were put together.
func (s *stretch) spread() int64 {
	n := int64(len(s.recs))
	if n < 16 {
		return 1
	}
	widest := int64(0)
	for i := range s.recs[1:] {
		widest = max(widest, s.recs[i+1].offset-s.recs[i].offset)
	}
	return min(64, max(1, (s.recs[n-1].offset-s.recs[0].offset-widest+n-3)/(n-2)))
}

// flat: hardly two records have another time.
func (s *stretch) flat() bool {
	if len(s.recs) < 16 {
		return false
	}
	times := map[int64]struct{}{}
	for i := range s.recs {
		times[s.recs[i].time] = struct{}{}
	}
	return 8*len(times) <= len(s.recs)
}

// at is the index of the first record at or after an offset.
func (s *stretch) at(offset int64) int {
	return sort.Search(len(s.recs), func(i int) bool { return s.recs[i].offset >= offset })
}
