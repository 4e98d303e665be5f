package match

import (
	"fmt"
	"strings"
	"testing"

	"github.com/leftoff/leftoff/replicator/kafka"
)

// BenchmarkPrints is all four fingerprints of one record with a key and a header.
func BenchmarkPrints(b *testing.B) {
	for _, size := range []int{100, 1 << 10, 10 << 10} {
		b.Run(fmt.Sprintf("bytes=%d", size), func(b *testing.B) {
			r := kafka.Record{Timestamp: 1_700_000_000_000, Key: []byte("account 00042"), Value: []byte(strings.Repeat("p", size)),
				Headers: []kafka.Header{{Key: []byte("trace"), Value: []byte("0123456789abcdef")}}}
			b.SetBytes(int64(r.Size()))
			b.ReportAllocs()
			for b.Loop() {
				if printsOf(&r)[whole] == 0 {
					b.Fatal("no fingerprint")
				}
			}
		})
	}
}
