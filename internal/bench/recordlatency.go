package bench

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leftoff/leftoff/internal/rig"
)

// recordLatency is how long a record takes from its producer to a consumer on the secondary, at the given rates, a tenth of what
// each can do; and to a consumer on the primary itself, which is what the harness alone takes.
func (g *throughputGround) recordLatency(ours, theirs float64) (rows []Row, notes []string) {
	var late []float64
	measure := func(name, topic string, on *rig.Cluster, target string, rate float64, row string) spreads {
		var all spreads
		for n := range g.r.Runs {
			g.r.Say("record latency at %.0f records/s: %s, run %d of %d", rate, name, n+1, g.r.Runs)
			took, behind := g.stream(topic, on, target, int(rate))
			all = append(all, spreadOf(took))
			late = append(late, milliseconds(quantile(behind, 0.99)))
		}
		rows = append(rows, all.rows(row, nil)...)
		return all
	}
	newTopic := func() string {
		g.n++
		topic := fmt.Sprintf("flow.%d", g.n)
		g.primary.CreateTopic(g.r.TB, topic, mirrorPartitions, nil)
		return topic
	}

	alone := newTopic()
	bare := measure("the harness alone", alone, g.primary, alone, ours, fmt.Sprintf("record latency, harness alone (consumer on the primary), at %.0f records/s", ours))
	g.primary.DeleteTopic(g.r.TB, alone) // or leftoff would mirror it
	topic := newTopic()
	g.program.fresh("ours.")
	w := g.program.start()
	g.waitTopic("ours." + topic)
	before := len(rows)
	measure("leftoff", topic, g.secondary, "ours."+topic, ours, fmt.Sprintf("record latency, leftoff, at a tenth of its maximum (%.0f records/s)", ours))
	for i := range rows[before:] {
		rows[before+i].Floor = middle(bare.rows("", nil)[i].Values)
	}
	w.stop()

	topic = newTopic()
	m := g.mirrorMaker(topic, shape{size: 1 << 10})
	g.waitTopic(topic)
	measure("MirrorMaker 2", topic, g.secondary, topic, theirs, fmt.Sprintf("record latency, MirrorMaker 2, at a tenth of its maximum (%.0f records/s)", theirs))
	m.Kill()
	rows = append(rows, Row{What: "record latency: how late the load was, p99 of each window", Unit: "ms", Values: late})
	return rows, []string{
		"Record latency is from the moment a record of 1 KiB was handed to franz-go's producer (no linger) to the moment a franz-go consumer had it; its bare floor is the same with the consumer on the primary, nothing mirrored.",
	}
}

func (g *throughputGround) waitTopic(topic string) {
	g.r.Helper()
	await(g.r, time.Minute, topic+" is there", func() error {
		topics, err := g.secondary.Admin().ListTopics(g.r.Context, topic)
		if err != nil || !topics.Has(topic) {
			return fmt.Errorf("no such topic yet: %v", err)
		}
		return nil
	})
}

// stream produces at a rate for a window and returns how long each record took, and how late each was sent, sorted. The first
// seconds don't count.
func (g *throughputGround) stream(topic string, on *rig.Cluster, target string, rate int) (took, late []time.Duration) {
	settle, window := 2*time.Second, 8*time.Second
	if g.r.Short {
		settle, window = time.Second, 2*time.Second
	}
	ends, err := on.Admin().ListEndOffsets(g.r.Context, target)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		g.r.Fatal(err)
	}
	consumer := on.Client(g.r.TB, kgo.ConsumePartitions(ends.KOffsets()))
	defer consumer.Close()
	total := int(float64(rate) * (settle + window).Seconds())
	counted := time.Now().Add(settle)

	ctx, cancel := context.WithTimeout(g.r.Context, settle+window+30*time.Second)
	defer cancel()
	var reading sync.WaitGroup
	got := 0
	reading.Go(func() {
		for got < total && ctx.Err() == nil {
			fetches := consumer.PollFetches(ctx)
			now := time.Now()
			fetches.EachRecord(func(r *kgo.Record) {
				got++
				if sent := time.Unix(0, int64(binary.BigEndian.Uint64(r.Value))); sent.After(counted) {
					took = append(took, now.Sub(sent))
				}
			})
		}
	})
	late = g.produceAt(ctx, topic, rate, total)
	reading.Wait()
	if got < total {
		g.r.Fatalf("%s: %d of %d records arrived", target, got, total)
	}
	slices.Sort(late)
	return took, late
}

// produceAt sends records when they are due: an open load, in steps of a millisecond.
func (g *throughputGround) produceAt(ctx context.Context, topic string, rate, total int) (late []time.Duration) {
	cl := g.primary.Client(g.r.TB, kgo.DefaultProduceTopic(topic), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(0),
		kgo.ProducerBatchCompression(kgo.NoCompression()), kgo.MaxBufferedRecords(100_000))
	defer cl.Close()
	block := newValues(shape{size: 1 << 10}, g.random)
	begin := time.Now()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for i := 0; i < total && ctx.Err() == nil; {
		now := time.Now()
		for ; i < total; i++ {
			due := begin.Add(time.Duration(float64(i) / float64(rate) * float64(time.Second)))
			if due.After(now) {
				break
			}
			value := append(binary.BigEndian.AppendUint64(make([]byte, 0, 1<<10), uint64(time.Now().UnixNano())), block.value()[8:]...)
			cl.Produce(ctx, &kgo.Record{Value: value, Partition: int32(i) % mirrorPartitions}, nil)
			late = append(late, now.Sub(due))
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
	if err := cl.Flush(ctx); err != nil {
		g.r.Fatalf("produce to %s: %v", topic, err)
	}
	return late
}
