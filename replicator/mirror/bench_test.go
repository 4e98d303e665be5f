package mirror

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leftoff/leftoff/internal/rig"
	"github.com/leftoff/leftoff/replicator"
)

// BenchmarkCopy copies records of 1 KiB that do not compress, over four partitions, and reports records per second and per
// CPU second of this process. MIRROR_RECORDS sets how many.
func BenchmarkCopy(b *testing.B) {
	g := real(b)
	records := 200_000
	if n, err := strconv.Atoi(os.Getenv("MIRROR_RECORDS")); err == nil {
		records = n
	}
	topic := rig.Name(b, "bench")
	g.create(b, replicator.Primary, topic, 4, nil)
	c := g.client(b, replicator.Primary, kgo.DefaultProduceTopic(topic), kgo.ProducerLinger(5*time.Millisecond), kgo.ProducerBatchCompression(kgo.NoCompression()), kgo.MaxBufferedRecords(20_000))
	noise := make([]byte, 1<<20)
	_, _ = rand.Read(noise)
	for i := range records {
		at := (i * 7919) % (len(noise) - 1024)
		c.Produce(context.Background(), &kgo.Record{Value: noise[at : at+1024]}, nil)
	}
	if err := c.Flush(context.Background()); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		cpu, begun := cpuTime(), time.Now()
		r := g.mirror(b, b.TempDir(), topic)
		g.settle(b, r, topic)
		took, used := time.Since(begun), cpuTime()-cpu
		b.ReportMetric(float64(records)/took.Seconds(), "records/s")
		b.ReportMetric(float64(records)/used.Seconds(), "records/cpu-s")
		r.stop(b)
		g.delete(b, replicator.Secondary, topic)
	}
}

func cpuTime() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkTip measures how long one record takes from its acknowledgement on the primary to the secondary.
func BenchmarkTip(b *testing.B) {
	g := real(b)
	topic := rig.Name(b, "tip")
	g.create(b, replicator.Primary, topic, 1, nil)
	r := g.mirror(b, b.TempDir(), topic)
	g.produce(b, replicator.Primary, topic, 0, 1000)
	g.settle(b, r, topic)
	in := g.client(b, replicator.Primary, kgo.DefaultProduceTopic(topic), kgo.ProducerLinger(0))
	out := g.client(b, replicator.Secondary, kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: {0: kgo.NewOffset().At(1000)}}))
	var all []time.Duration
	for i := 0; b.Loop(); i++ {
		if err := in.ProduceSync(context.Background(), &kgo.Record{Value: fmt.Appendf(nil, "tip %d", i)}).FirstErr(); err != nil {
			b.Fatal(err)
		}
		begun := time.Now()
		if err := out.PollFetches(context.Background()).Err(); err != nil {
			b.Fatal(err)
		}
		all = append(all, time.Since(begun))
	}
	slices.Sort(all)
	b.ReportMetric(float64(all[len(all)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(all[len(all)*99/100].Microseconds())/1000, "p99-ms")
}
