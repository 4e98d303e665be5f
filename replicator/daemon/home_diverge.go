package daemon

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/leftoff/leftoff/configs"
	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/replicator/failover"
	"github.com/leftoff/leftoff/replicator/kafka"
	"github.com/leftoff/leftoff/replicator/mirror"
	"github.com/leftoff/leftoff/translate"
)

// errForeignMirror: records that come home would get other offsets than they have, and such a link rests on equal ones.
var errForeignMirror = errors.New("its mirror keeps offsets, and what comes home gets other ones. " +
	"Try: bring it home with that mirror's own means, then leftoff reclaim")

// Mirrors says whether leftoff's own mirror copies the topics.
func (g ground) Mirrors() bool { return !g.foreignMirror() }

func (g ground) foreignMirror() bool {
	switch g.r.source.(type) {
	case *mirror.Source, *passive: // the latter stands for it where nothing is to be changed
		return false
	}
	return true
}

// canReturn: over leftoff's own mirror, and over any whose copies are recognised by comparing records.
func (g ground) canReturn(switched map[string]failover.Role) error {
	if !g.foreignMirror() {
		return nil
	}
	for topic := range switched {
		if g.keepsOffsets(topic) {
			return fmt.Errorf("%s: %w", topic, errForeignMirror)
		}
		if pair, ok := g.l.index.Lookup(topic); ok {
			if source := pair.Info().Source; source != configs.MappingMatch && source != configs.MappingMM2 {
				return fmt.Errorf("%s: %w", topic, errForeignMirror)
			}
		}
	}
	return nil
}

// mirroredTo is P* of a partition as far as it is known now: below it everything is copied, or never will be. A mirror that is not
// leftoff's may have been further at the switch than was compared then; what was compared since counts where it lies below S*.
func (g ground) mirroredTo(topic string, m failover.Mark) (at int64, known bool) {
	at = m.Primary
	if !g.foreignMirror() {
		return at, at >= 0
	}
	if m.Secondary <= 0 {
		at = max(at, 0) // nothing was ever copied
	}
	if pair, ok := g.l.index.Lookup(topic); ok && m.Partition < pair.Info().Partitions {
		if f, ok := pair.Partition(m.Partition).Frontier(); ok && f.Secondary <= m.Secondary {
			at = max(at, f.Primary)
		}
	}
	return at, at >= 0
}

// Diverged asks the primary what it has past P*. Where somebody else's mirror copied, what it had copied by the switch is left out as far as
// the records prove it, and copies of the rest above S* are doubts: that mirror went on.
func (g ground) Diverged(ctx context.Context, s failover.State, switched map[string]failover.Role) (d failover.Divergence, err error) {
	if err := g.canReturn(switched); err != nil {
		return d, err
	}
	var tps []kafka.TopicPartition
	marks := map[kafka.TopicPartition]failover.Mark{}
	for topic, role := range switched {
		for _, m := range role.Marks {
			tp := kafka.TopicPartition{Topic: topic, Partition: m.Partition}
			tps, marks[tp] = append(tps, tp), m
		}
	}
	primary := g.l.clusters[replicator.Primary]
	starts, err := primary.ListOffsets(ctx, kafka.Earliest, tps)
	if err != nil {
		return d, err
	}
	ends, err := primary.ListOffsets(ctx, kafka.Stable, tps)
	if err != nil {
		return d, err
	}
	for _, tp := range tps {
		if err := errors.Join(starts[tp].Err, ends[tp].Err); err != nil {
			return d, fmt.Errorf("%s: %w", tp, err)
		}
	}
	if d.Topics, err = g.idsOf(ctx, switched); err != nil {
		return d, err
	}
	d.Found = []failover.Unmirrored{}
	if d.Doubts, err = g.forgottenHomes(ctx, switched); err != nil {
		return d, err
	}
	extents, waits, err := g.extents(ctx, s.ID, g.unsure(marks, ends, d.Topics), marks)
	if err != nil || len(waits) > 0 {
		d.Waits = waits
		return d, err
	}
	for _, tp := range tps {
		from, known := g.mirroredTo(tp.Topic, marks[tp])
		if e, ok := extents[tp]; ok {
			from, known = e.To, true
			d.Found = append(d.Found, missing(tp, e, starts[tp].Offset)...)
			if e.Unproven {
				d.Doubts = append(d.Doubts, fmt.Sprintf("%s: how far it was mirrored can't be known, because nothing of what was copied is on the secondary any more. "+
					"Try: leftoff index import, of an export from before; or --accept: all that the primary has counts as never mirrored", tp))
			}
		}
		if !known {
			return d, fmt.Errorf("%s: how far it was mirrored is not known yet. Try: again in a moment", tp)
		}
		end := ends[tp].Offset
		at, some, err := firstRecord(ctx, primary, tp, max(from, starts[tp].Offset), end)
		if err != nil {
			return d, err
		}
		if some {
			d.Found = append(d.Found, failover.Unmirrored{Topic: tp.Topic, Partition: tp.Partition, From: at, To: end})
		}
	}
	slices.SortFunc(d.Found, func(a, b failover.Unmirrored) int {
		if c := strings.Compare(a.Topic, b.Topic); c != 0 {
			return c
		}
		return cmp.Or(cmp.Compare(a.Partition, b.Partition), cmp.Compare(a.From, b.From))
	})
	if g.foreignMirror() {
		err = g.recognise(ctx, s.ID, marks, &d)
	}
	return d, err
}

// idsOf are the ids of the primary's topics, by name.
func (g ground) idsOf(ctx context.Context, topics map[string]failover.Role) (map[string]string, error) {
	found, err := g.l.clusters[replicator.Primary].Topics(ctx, slices.Sorted(maps.Keys(topics)))
	if err != nil {
		return nil, err
	}
	ids := map[string]string{}
	for name, info := range found {
		if info.Err == nil && info.ID != ([16]byte{}) { // a cluster without topic ids
			ids[name] = idOf(info.ID)
		}
	}
	return ids, nil
}

// idOf is a topic id in words.
func idOf(id [16]byte) string { return base64.RawURLEncoding.EncodeToString(id[:]) }

// lookFor bounds how long one step looks at records: who asks wants an answer.
const lookFor = 5 * time.Second

// recognise looks for copies of what seems to have diverged.
func (g ground) recognise(ctx context.Context, id string, marks map[kafka.TopicPartition]failover.Mark, d *failover.Divergence) error {
	g.l.home.mu.Lock()
	defer g.l.home.mu.Unlock()
	if g.l.home.seen == nil || g.l.home.seen.id != id {
		g.l.home.seen = &images{id: id, parts: map[kafka.TopicPartition]*imagesOf{}}
	}
	replayed, err := g.replaying(ctx, id)
	if err != nil {
		return err
	}
	until := time.Now().Add(lookFor)
	left := []failover.Unmirrored{}
	for _, u := range d.Found {
		tp := kafka.TopicPartition{Topic: u.Topic, Partition: u.Partition}
		p, err := g.imagesOf(ctx, u, marks[tp])
		if err != nil {
			return fmt.Errorf("%s: %w", tp, err)
		}
		rest, err := p.lookAbove(ctx, g.l.clusters[replicator.Secondary], replayed, until)
		switch {
		case err != nil:
			return fmt.Errorf("%s on the secondary: %w", tp, err)
		case rest > 0:
			d.Waits = append(d.Waits, fmt.Sprintf("%s: looking for copies of the primary's records among what was produced on the secondary, %d offsets left", tp, rest))
		case p.above > 0:
			d.Doubts = append(d.Doubts, fmt.Sprintf("%s: %d records of the primary were copied to the secondary after the switch, the first to %d. Try: stop the mirror "+
				"that did; and --accept when it is stopped: they will be on the primary twice", tp, p.above, p.first))
		}
		if p.copied > 0 {
			d.Copied = append(d.Copied, failover.Unmirrored{Topic: u.Topic, Partition: u.Partition, From: u.From, To: u.From + p.copied})
		}
		at, some, err := firstRecord(ctx, g.l.clusters[replicator.Primary], tp, u.From+p.copied, u.To)
		if err != nil {
			return fmt.Errorf("%s: %w", tp, err)
		}
		if u.From = at; some {
			left = append(left, u)
		}
	}
	d.Found = left
	if len(replayed) > 0 {
		return nil // what was replayed looks the same to the mapping
	}
	for _, alarm := range g.l.alarms(g.r) {
		d.Doubts = append(d.Doubts, alarm+"; and --accept when it is stopped")
	}
	return nil
}

// replaying are the producer ids of what a way home replays.
func (g ground) replaying(ctx context.Context, id string) (map[int64]bool, error) {
	k, err := g.r.memory.store.Load(ctx)
	if err != nil {
		return nil, err
	}
	all := map[int64]bool{}
	for _, r := range k.Replays(id) {
		all[r.Producer.ID] = true
	}
	return all, nil
}

// passOver tells the index what a person said: that the mirror goes on past what came home. Where nothing was produced on the secondary,
// what the primary has past the switch will then never be copied, and who has read it is not behind. Elsewhere the records show it. What
// can't be told now costs nothing but that: such groups are called behind until the mirror copies the next record.
func (g ground) passOver(s failover.State, switched map[string]failover.Role) {
	for topic, role := range switched {
		pair, ok := g.l.index.Lookup(topic)
		if !ok {
			continue
		}
		for _, m := range s.Home.Marks[topic] {
			at := slices.IndexFunc(role.Marks, func(was failover.Mark) bool { return was.Partition == m.Partition && was.Secondary == m.Secondary })
			if at < 0 || m.Partition >= pair.Info().Partitions {
				continue
			}
			p := pair.Partition(m.Partition)
			f, known := p.Frontier()
			if !known || f.Secondary != m.Secondary || f.Primary >= m.Primary {
				continue // not all that was copied there may be known
			}
			if err := p.Advance(translate.Frontier{Primary: m.Primary, Secondary: m.Secondary}); err != nil {
				g.l.log.Info("what the mirror leaves out is not known yet", zap.String("topic", topic), zap.Int32("partition", m.Partition), zap.Error(err))
				continue
			}
			g.r.loop.Notify(replicator.Advance{Topic: topic, Partition: m.Partition, All: true})
		}
	}
}
