package match

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/replicator/kafka"
	"github.com/leftoff/leftoff/translate"
)

// flaky fails to read some times.
type flaky struct {
	simSide
	fails int
}

func (f *flaky) FetchOne(ctx context.Context, tp kafka.TopicPartition, offset int64, maxBytes int32) (kafka.Fetched, error) {
	if f.fails > 0 {
		f.fails--
		return kafka.Fetched{}, errAway
	}
	return f.simSide.FetchOne(ctx, tp, offset, maxBytes)
}

// The secondary's end was read, and then the primary could not be: what was read is concluded from as soon as it can be, although neither side
// grows any more. So it is where the end was read for the first time, and where it had grown.
func TestTipIsConcludedFromLater(t *testing.T) {
	for _, fails := range []int{1, 2, 3} {
		for _, seen := range []int{0, 200} {
			synctest.Test(t, func(t *testing.T) {
				w := newSim(7, simTraits{records: seen})
				first := &flaky{simSide: simSide{w, replicator.Primary}}
				g := newGround(t, w, func(o *Options) { o.Primary = first })
				if seen > 0 {
					if m := g.ask(w.logs[0].end); m.Position.Confidence != translate.Exact {
						t.Fatalf("%+v", m)
					}
				}
				w.produce(20)
				w.mirror()
				first.fails = fails
				for range fails + 2 {
					g.round()
					time.Sleep(openAfterError)
				}
				if first.fails > 0 {
					t.Fatalf("%d failures did not happen", first.fails)
				}
				end := w.logs[0].end
				if m := g.ask(end); m.Position.Confidence != translate.Exact || m.Position.Offset != w.T(end) {
					t.Errorf("%d failures after %d records: %+v, want exactly %d", fails, seen, m, w.T(end))
				}
			})
		}
	}
}
