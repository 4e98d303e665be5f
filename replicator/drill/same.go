package drill

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"time"

	"github.com/leftoff/leftoff/replicator/kafka"
)

// same says whether two records are the same: key, value, the original's headers, and the timestamp unless a side stamps its own. A
// mirror may add headers.
func same(original, copied *kafka.Record, times bool) bool {
	return (!times || original.Timestamp == copied.Timestamp) && equal(original.Key, copied.Key) && equal(original.Value, copied.Value) &&
		included(original.Headers, copied.Headers)
}

// equal tells null from empty.
func equal(a, b []byte) bool { return bytes.Equal(a, b) && (a == nil) == (b == nil) }

func included(these, those []kafka.Header) bool {
	for _, h := range those {
		if len(these) > 0 && bytes.Equal(h.Key, these[0].Key) && equal(h.Value, these[0].Value) {
			these = these[1:]
		}
	}
	return len(these) == 0
}

// inOrder counts the copies that are found among the originals, one after the other.
func inOrder(originals, copies []kafka.Record, times bool) (n int, added bool) {
	for i := range copies {
		for j := range originals {
			if same(&originals[j], &copies[i], times) {
				n++
				added = added || len(copies[i].Headers) > len(originals[j].Headers)
				originals = originals[j+1:]
				break
			}
		}
	}
	return n, added
}

// backwards is inOrder from the newest on: what lies furthest below may be out of sight on one side.
func backwards(originals, copies []kafka.Record, times bool) (n int) {
	for i := len(copies) - 1; i >= 0; i-- {
		for j := len(originals) - 1; j >= 0; j-- {
			if same(&originals[j], &copies[i], times) {
				n++
				originals = originals[:j]
				break
			}
		}
	}
	return n
}

// sight describes the first of some records.
func sight(all []kafka.Record) *Sighting {
	if len(all) == 0 {
		return nil
	}
	r := &all[0]
	h := sha256.New()
	for _, part := range [][]byte{r.Key, r.Value} {
		n := int64(len(part))
		if part == nil {
			n = -1
		}
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(n)))
		h.Write(part)
	}
	return &Sighting{Offset: r.Offset, Timestamp: time.UnixMilli(r.Timestamp).UTC(), SHA256: hex.EncodeToString(h.Sum(nil))[:16]}
}
