package kafka

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
)

// cpu is what this process used so far; brokers of a benchmark are in it, too.
func cpu() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func BenchmarkFetch(b *testing.B) {
	for _, records := range []int{3, 20, 1000} {
		b.Run(fmt.Sprint(records, " records a batch"), func(b *testing.B) {
			k, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(10, "t"), kfake.SyntheticFetch(kfake.SyntheticBatch{Records: records, RecordBytes: 60}))
			if err != nil {
				b.Fatal(err)
			}
			defer k.Close()
			c := Open(Config{Brokers: k.ListenAddrs()}, nil)
			defer c.Close()
			f := c.NewFetcher(FetchOptions{})
			defer f.Close()
			for _, tp := range tps("t", 10) {
				f.Assign(tp, 0)
			}
			b.ReportAllocs()
			start, n := cpu(), 0
			for b.Loop() {
				for got := 0; got < 10_000; {
					some, err := f.Poll(b.Context())
					if err != nil {
						b.Fatal(err)
					}
					for i := range some {
						got += some[i].Records()
					}
					n += got
				}
			}
			b.ReportMetric(float64(n)/(cpu()-start).Seconds(), "records/CPU-s")
		})
	}
}
