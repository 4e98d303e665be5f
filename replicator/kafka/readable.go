package kafka

import "slices"

// Readable yields the data batches of a fetch that a consumer of the given isolation sees. For a read-committed one it
// follows Kafka's own consumer (CompletedFetch.java): the fetch lists the aborted transactions that touch it; the batches of such a
// producer are dropped from the transaction's first offset to its abort marker. Control batches carry no records.
func (f *Fetched) Readable(committed bool, yield func(*Batch)) {
	var pending []AbortedTxn
	if committed && len(f.Aborted) > 0 {
		pending = slices.Clone(f.Aborted)
		slices.SortFunc(pending, func(a, b AbortedTxn) int { return int(min(1, max(-1, a.FirstOffset-b.FirstOffset))) })
	}
	aborted := map[int64]bool(nil)
	for i := range f.Batches {
		b := &f.Batches[i]
		for len(pending) > 0 && pending[0].FirstOffset <= b.LastOffset {
			if aborted == nil {
				aborted = map[int64]bool{}
			}
			aborted[pending[0].ProducerID] = true
			pending = pending[1:]
		}
		switch {
		case b.Control:
			if abortMarker(b) {
				delete(aborted, b.ProducerID)
			}
		case b.Transactional && aborted[b.ProducerID]:
		default:
			yield(b)
		}
	}
}

// abortMarker says a control batch ends its producer's transaction by an abort: key = int16 version, int16 type 0.
func abortMarker(b *Batch) bool {
	return len(b.Records) > 0 && len(b.Records[0].Key) >= 4 && b.Records[0].Key[2] == 0 && b.Records[0].Key[3] == 0
}
