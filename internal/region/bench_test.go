package region

import (
	"fmt"
	"testing"

	"github.com/leftoff/leftoff/internal/region/script"
)

// BenchmarkCommit is one commit and its answer: the log has it by then.
func BenchmarkCommit(b *testing.B) {
	for _, partitions := range []int{1, 64} {
		b.Run(fmt.Sprint(partitions), func(b *testing.B) {
			r, err := Start(Options{})
			if err != nil {
				b.Fatal(err)
			}
			defer r.Close()
			if err := r.Cluster().CreateTopic("orders", 64, nil); err != nil {
				b.Fatal(err)
			}
			cl, err := script.Dial(r.KgoOpts()...)
			if err != nil {
				b.Fatal(err)
			}
			defer cl.Close()
			for i := int64(0); b.Loop(); i++ {
				var offsets []script.Offset
				for p := range partitions {
					offsets = append(offsets, order(int32(p), i))
				}
				if err := cl.Commit(b.Context(), "g", 0, offsets...); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
