package daemon

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/replicator/failover"
	"github.com/leftoff/leftoff/replicator/kafka"
	"github.com/leftoff/leftoff/translate"
)

// abroadLog is what stands on a secondary from S* on: where each record is on the primary, and which of them were replayed.
type abroadLog struct {
	source
	mark     failover.Mark
	home     []int64 // of the record at mark.Secondary+i
	replayed []bool
	end      int64 // of the primary when the way home began: nothing comes home below
	start    int64 // its log start
}

// Forward is what the mirror of the way home answers, which knows nothing of what was replayed.
func (l *abroadLog) Forward(_ string, _ [16]byte, _ int32, offset int64) replicator.Mapping {
	at, last := int64(-1), l.end
	for i, home := range l.home {
		if l.replayed[i] {
			continue
		}
		if last = max(last, home+1); int64(i)+l.mark.Secondary >= offset && at < 0 {
			at = home
		}
	}
	if at < 0 {
		at = last
	}
	return replicator.Mapping{Topic: "orders", Position: translate.Position{Offset: at, Confidence: translate.Exact}, Secondary: translate.Bounds{LogStart: l.start, End: 1 << 40}}
}

// Wherever a group stands between what was produced on the secondary and what was replayed to it: it skips nothing on the primary, goes on where it can, and
// no position is called exact from which it reads something again.
func TestPositionsBesideReplays(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	for round := range 2_000 {
		l := &abroadLog{mark: failover.Mark{Primary: 40 + random.Int64N(20), Secondary: 30 + random.Int64N(20)}}
		part := failover.ReplayedPart{Topic: "orders", There: "orders"}
		var left []int64 // offsets of the primary that the secondary never got, past P*, with holes
		at := l.mark.Primary
		for range random.IntN(8) {
			at += random.Int64N(3)
			left = append(left, at)
			at++
		}
		end := at + random.Int64N(3)
		l.end = end
		for _, left := range left {
			for range random.IntN(4) {
				l.home, l.replayed = append(l.home, end), append(l.replayed, false)
				end += 1 + random.Int64N(2)
			}
			part.Places = append(part.Places, failover.Place{l.mark.Secondary + int64(len(l.home)), left, 1})
			l.home, l.replayed = append(l.home, left), append(l.replayed, true)
		}
		for range random.IntN(4) {
			l.home, l.replayed = append(l.home, end), append(l.replayed, false)
			end++
		}
		k := failover.Known{Events: []failover.Event{
			{Replayed: &failover.Replayed{ID: "1", Parts: []failover.ReplayedPart{{Topic: "orders", There: "orders", Of: [][2]int64{{0, 1 << 40}}}}}},
			{Replayed: &failover.Replayed{ID: "1", Placed: true, Parts: []failover.ReplayedPart{part}}},
		}}
		of := ground{}.replaysOf(k, map[string]failover.Role{"orders": {Name: failover.Switched, Marks: []failover.Mark{l.mark}}})
		source := besideReplays{l, of}
		for v := l.mark.Secondary; v <= l.mark.Secondary+int64(len(l.home)); v++ {
			want, again := l.Forward("", [16]byte{}, 0, v).Position.Offset, int64(0)
			for i := v - l.mark.Secondary; i < int64(len(l.home)); i++ {
				want = min(want, l.home[i])
			}
			for i := range v - l.mark.Secondary {
				if l.home[i] >= want {
					again++
				}
			}
			got := source.Forward("orders", [16]byte{}, 0, v).Position
			if got.Offset != want || got.Reread >= 0 && got.Reread < again || (got.Confidence == translate.Exact) != (again == 0) {
				t.Fatalf("seed %d, round %d: %d of %v (replayed %v), switched at %+v: %+v, want %d, and %d are read again", seed, round, v, l.home, l.replayed, l.mark, got, want, again)
			}
		}
	}
}

// What the primary's retention has taken of the replayed records lowers nothing, and a replay that was broken off keeps the way home from beginning.
func TestReplaysThatDoNotCount(t *testing.T) {
	l := &abroadLog{mark: failover.Mark{Primary: 10, Secondary: 10}, home: []int64{20, 10, 11}, end: 20, replayed: []bool{false, true, true}, start: 11}
	of := replays{kafka.TopicPartition{Topic: "orders"}: {places: []failover.Place{{11, 10, 2}}, least: []int64{10}, mark: l.mark}}
	for start, want := range map[int64]int64{0: 10, 11: 11, 12: 21, 30: 21} {
		l.start = start
		if got := (besideReplays{l, of}).Forward("orders", [16]byte{}, 0, 11).Position.Offset; got != want {
			t.Errorf("the primary begins at %d: %d, want %d", start, got, want)
		}
	}
	begun := failover.Replayed{ID: "1"}
	if err := unended([]failover.Replayed{begun}); err == nil {
		t.Error("a replay that was broken off is no obstacle")
	}
	begun.Placed = true
	if err := unended([]failover.Replayed{begun}); err != nil {
		t.Error(err)
	}
	if got := fmt.Sprint(of[kafka.TopicPartition{Topic: "orders"}].learned(12)); got != "[]" {
		t.Errorf("learnt before: %s", got)
	}
}
