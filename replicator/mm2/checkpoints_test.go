package mm2

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leftoff/leftoff/replicator/kafka"
)

const checkpointsName = "west.checkpoints.internal"

func TestCheckpoints(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newFake()
		c.create(checkpointsName, 1, 1)
		c.put(checkpointsName, 0, checkpointRecordOf("billing", "west.orders", 0, 10, 12), checkpointRecordOf("billing", "west.orders", 1, 1, 2),
			checkpointRecordOf("audit", "west.orders", 0, 3, 4), checkpointRecordOf("billing", "west.orders", 0, 20, 22))
		heard := map[string]int{}
		k := newCheckpoints(c, CheckpointsOptions{Topic: checkpointsName, Notify: func(g string) { heard[g]++ }})
		ctx, cancel := context.WithCancel(t.Context())
		var err error
		go func() { err = k.Run(ctx) }()
		synctest.Wait()
		if !k.CaughtUp() || heard["billing"] != 3 || heard["audit"] != 1 {
			t.Errorf("state %+v, heard %v", k.State(), heard)
		}
		if got := k.Groups(); !slices.Equal(got, []string{"audit", "billing"}) || !k.Syncs("audit") || k.Syncs("other") {
			t.Errorf("groups %v", got)
		}
		for _, c := range []struct {
			group, topic string
			partition    int32
			offset       int64
			want         bool
		}{
			{"billing", "west.orders", 0, 22, true},
			{"billing", "west.orders", 0, 12, true}, // the one before, which is still there for a while
			{"billing", "west.orders", 0, 13, false},
			{"billing", "west.orders", 1, 22, false},
			{"billing", "orders", 0, 22, false},
			{"audit", "west.orders", 0, 22, false},
			{"nobody", "west.orders", 0, 22, false},
		} {
			if got := k.Wrote(c.group, c.topic, c.partition, c.offset); got != c.want {
				t.Errorf("%+v is %v", c, got)
			}
		}
		if n, ok := k.Newest("billing", "west.orders", 0); !ok || n.Downstream != 22 || n.Upstream != 20 {
			t.Errorf("newest %+v %v", n, ok)
		}
		for i := range int64(remembered) {
			c.put(checkpointsName, 0, checkpointRecordOf("billing", "west.orders", 0, 30+i, 30+i))
		}
		gone, _ := AppendCheckpoint(nil, nil, Checkpoint{CheckpointKey: CheckpointKey{"audit", "west.orders", 0}})
		c.put(checkpointsName, 0, kafka.Record{Key: gone})
		synctest.Wait()
		if k.Wrote("billing", "west.orders", 0, 22) || !k.Wrote("billing", "west.orders", 0, 30) || k.Syncs("audit") {
			t.Error("what is long gone is still known")
		}
		c.create(checkpointsName, 2, 1) // recreated: what the old one said is no more
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if len(k.Groups()) != 0 {
			t.Errorf("groups %v", k.Groups())
		}
		c.put(checkpointsName, 0, junk("x"), junk("y"))
		synctest.Wait()
		if k.State().Problem == "" || k.State().Malformed != 2 {
			t.Errorf("state %+v", k.State())
		}
		cancel()
		synctest.Wait()
		if !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}
