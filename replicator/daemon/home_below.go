package daemon

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/leftoff/leftoff/checkpoint"
	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/replicator/failover"
	"github.com/leftoff/leftoff/replicator/kafka"
	"github.com/leftoff/leftoff/replicator/match"
)

// below answers on a way home for groups that stand below S*, where all on the secondary was copied by a mirror that is not leftoff's: what
// that did is found out by comparing records, with the roles swapped. From the last copy on, the mirror of the way home answers.
//
//	secondary  ── copies of the primary's records ──┤S*├── produced there ──▶
//	answers             match, exact where proven    ^  the way home's mirror
//	                                                past the last copy: what a group reads next is S* already
type below struct {
	index *checkpoint.Index
	match *match.Source
	tails map[kafka.TopicPartition]copiesEnd // by the secondary's names
}

// copiesEnd is where what was copied to a partition ends: past is one past the last record below end, which is S*.
type copiesEnd struct{ past, end int64 }

// below prepares what a way home needs. Its index may be lost: it is learnt again.
func (g ground) below(ctx context.Context, made *link, switched map[string]failover.Role) (*below, error) {
	b := &below{tails: map[kafka.TopicPartition]copiesEnd{}}
	for topic, role := range switched {
		there, ok := g.l.Rename(topic)
		if !ok {
			continue
		}
		for _, m := range role.Marks {
			tp := kafka.TopicPartition{Topic: there, Partition: m.Partition}
			t, err := tailOf(ctx, g.l.clusters[replicator.Secondary], tp, max(0, m.Secondary))
			if err != nil {
				return nil, fmt.Errorf("%s: %w", tp, err)
			}
			b.tails[tp] = t
		}
	}
	path := strings.TrimSuffix(made.IndexPath, ".db") + "-below.db"
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	x, err := checkpoint.Open(path, checkpoint.Options{Link: checkpoint.Link{Name: made.Name}, Logger: made.log.Named("index")})
	if err != nil {
		return nil, err
	}
	b.index, b.match = x, match.New(match.Options{
		Primary: made.clusters[replicator.Primary], Secondary: made.clusters[replicator.Secondary], Index: x, Name: made.Rename,
		Notify: func(a replicator.Advance) {
			if r := made.started(); r != nil {
				r.loop.Notify(a)
			}
		},
		Logger: made.log.Named("below"), InFlight: made.config.Match.BatchesInFlight, BytesPerSecond: int64(made.config.Match.MegabytesPerSecond) << 20,
	})
	return b, nil
}

// tailOf looks for the last record below S*, from there down.
func tailOf(ctx context.Context, c *kafka.Cluster, tp kafka.TopicPartition, end int64) (copiesEnd, error) {
	t := copiesEnd{past: end, end: end}
	if end == 0 {
		return t, nil
	}
	got, err := c.ListOffsets(ctx, kafka.Earliest, []kafka.TopicPartition{tp})
	if err == nil {
		err = got[tp].Err
	}
	if err != nil {
		return t, err
	}
	start := min(got[tp].Offset, end)
	for back := int64(256); ; back *= 8 {
		from := max(start, end-back)
		t.past = from
		_, err := records(ctx, c, tp, from, end, func(r *kafka.Record, committed bool) bool {
			if committed {
				t.past = r.Offset + 1
			}
			return true
		})
		if err != nil || t.past > from || from == start {
			return t, err
		}
	}
}

// run compares until ctx ends.
func (b *below) run(ctx context.Context) error {
	if b == nil {
		<-ctx.Done()
		return nil
	}
	return b.match.Run(ctx)
}

func (b *below) close() error {
	if b == nil {
		return nil
	}
	return b.index.Close()
}

// over puts it before the mirror of a way home, and what was replayed before both; any other link has its source as it is.
func (w *ways) over(s source) source {
	if w.below != nil {
		s = belowMirror{s, w.below}
	}
	if len(w.replays) > 0 {
		s = besideReplays{s, w.replays}
	}
	return s
}

// belowMirror is the mirror of a way home with what lies below it.
type belowMirror struct {
	source
	*below
}

// Forward asks who knows.
func (m belowMirror) Forward(topic string, topicID [16]byte, partition int32, offset int64) replicator.Mapping {
	t, ok := m.tails[kafka.TopicPartition{Topic: topic, Partition: partition}]
	if !ok || offset >= t.past {
		return m.source.Forward(topic, topicID, partition, max(offset, t.end))
	}
	found := m.match.Forward(topic, topicID, partition, offset)
	if found.Reason == replicator.TopicMissing { // it looks for its topics once in a while
		found.Reason, found.Detail = replicator.CatchingUp, "the records of both sides are about to be compared"
	}
	return found
}
