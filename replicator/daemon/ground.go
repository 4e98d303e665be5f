package daemon

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/leftoff/leftoff/configs"
	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/replicator/failover"
	"github.com/leftoff/leftoff/replicator/kafka"
	"github.com/leftoff/leftoff/replicator/mirror"
	"github.com/leftoff/leftoff/translate"
)

// ground is a running link as the failover machine sees it. It implements failover.Ground.
type ground struct {
	l *link
	r *running
}

var _ failover.Ground = ground{}

// chosen says whether a scope has a name; an empty one has all.
func chosen(names []string, name string) bool { return len(names) == 0 || slices.Contains(names, name) }

func (g ground) Look(ctx context.Context, in failover.Scope) (failover.View, error) {
	s, err := g.l.snapshot(ctx, true)
	if err != nil {
		return failover.View{}, err
	}
	v := failover.View{Problems: s.Problems}
	for side := range s.Sides {
		v.Ready[side], v.Error[side] = s.Sides[side].CaughtUp, s.Sides[side].Error
	}
	topics := map[string]bool{}
	for i := range s.Groups {
		group, reads := viewOf(&s.Groups[i], in.Topics)
		if !chosen(in.Groups, group.Group) || group.Offsets == 0 {
			continue
		}
		v.Groups = append(v.Groups, group)
		for _, topic := range reads {
			topics[topic] = true
		}
	}
	if !v.Ready[replicator.Primary] {
		if err := g.kept(ctx, in, topics, &v); err != nil {
			return v, err
		}
		if err := g.listed(ctx, in, topics, &v); err != nil {
			return v, err
		}
	}
	if len(in.Groups) == 0 {
		for _, topic := range g.mirrored(in.Topics) {
			topics[topic] = true
		}
	}
	v.Topics = slices.Sorted(maps.Keys(topics))
	return v, nil
}

func (g ground) mirrored(in []string) []string {
	var all []string
	for topic := range g.r.source.Mirrored() {
		if chosen(in, topic) {
			all = append(all, topic)
		}
	}
	for _, pair := range g.l.index.Pairs() { // also with the primary away from the start
		if !pair.Retired && chosen(in, pair.Primary.Name) && !slices.Contains(all, pair.Primary.Name) {
			all = append(all, pair.Primary.Name)
		}
	}
	slices.Sort(all)
	return all
}

// viewOf is a group as far as it reads the topics of a scope, and which of them it reads.
func viewOf(s *replicator.GroupSnapshot, in []string) (v failover.GroupView, reads []string) {
	v = failover.GroupView{Group: s.Group, Live: s.Live, Started: s.Started, Verdict: s.Verdict, Held: map[string]int{}}
	least, judged, held := translate.Exact, 0, 0
	for i := range s.Entries {
		e := &s.Entries[i]
		switch {
		case e.Reason == replicator.Filtered:
			continue
		case !chosen(in, e.Commit.Topic):
			if !slices.Contains(v.Elsewhere, e.Commit.Topic) {
				v.Elsewhere = append(v.Elsewhere, e.Commit.Topic)
			}
			continue
		}
		v.Offsets++
		reads = append(reads, e.Commit.Topic)
		if at := time.UnixMilli(e.Commit.CommittedAt); at.After(v.LastCommit) {
			v.LastCommit = at
		}
		if !e.HasWritten {
			v.Missing++
		}
		switch {
		case e.Reason == replicator.HandedOver:
			v.Held[e.Reason.String()]++ // nothing can be said of it any more
			continue
		case e.Reason == replicator.Unreachable && e.Position.Confidence != translate.Unmapped:
			v.Due++ // the position is known, and its coordinator did not answer
		case e.Reason != replicator.NoReason:
			v.Held[e.Reason.String()]++
			held++
			continue
		case e.Write:
			v.Due++
		}
		judged++
		if e.Pending {
			v.Pending++
		}
		least = min(least, e.Position.Confidence)
		switch reread := e.Position.Reread; {
		case e.Position.Confidence == translate.Exact:
		case reread < 0 || v.Reread < 0:
			v.Reread = -1
		default:
			v.Reread += reread
		}
	}
	switch v.Confidence = least.String(); {
	case held > 0:
		v.Confidence, v.Reread = failover.LastWritten, unknown
	case judged == 0:
		v.Confidence = failover.NotOurs
	}
	return v, reads
}

const askAtOnce = 16

func (g ground) Members(ctx context.Context, groups []string) (map[string][]string, error) {
	var mu sync.Mutex
	all := map[string][]string{}
	e, ctx := errgroup.WithContext(ctx)
	e.SetLimit(askAtOnce)
	for _, group := range groups {
		e.Go(func() error {
			d, err := g.l.clusters[replicator.Primary].DescribeGroup(ctx, group)
			if err != nil {
				return fmt.Errorf("group %s on the primary: %w", group, err)
			}
			mu.Lock()
			defer mu.Unlock()
			for _, m := range d.Members {
				all[group] = append(all[group], m.ClientID+" on "+m.ClientHost)
			}
			return nil
		})
	}
	return all, e.Wait()
}

// partitions of topics, by the primary's names: as the source, the index, or at least the secondary knows them.
func (g ground) partitions(ctx context.Context, topics []string) (tps []kafka.TopicPartition, err error) {
	counts := map[string]int32{}
	var ask []string
	mirrored := g.r.source.Mirrored()
	for _, topic := range topics {
		if _, ours := g.l.Rename(topic); !ours {
			continue
		}
		n := mirrored[topic]
		if pair, ok := g.l.index.Lookup(topic); ok {
			n = max(n, pair.Info().Partitions)
		}
		if counts[topic] = n; n == 0 {
			to, _ := g.l.Rename(topic)
			ask = append(ask, to)
		}
	}
	known := map[string]kafka.TopicInfo{}
	if len(ask) > 0 {
		if known, err = g.l.clusters[replicator.Secondary].Topics(ctx, ask); err != nil {
			return nil, err
		}
	}
	for _, topic := range topics {
		to, _ := g.l.Rename(topic)
		for p := range max(counts[topic], int32(len(known[to].Partitions))) {
			tps = append(tps, kafka.TopicPartition{Topic: topic, Partition: p})
		}
	}
	return tps, nil
}

// unknown is an offset that nobody knows.
const unknown = -1

// copied is the primary's offset below which everything is on the secondary, as far as the index knows; unknown where nothing does.
func (g ground) copied(ctx context.Context, tp kafka.TopicPartition) (int64, error) {
	if pair, ok := g.l.index.Lookup(tp.Topic); ok && tp.Partition < pair.Info().Partitions {
		p := pair.Partition(tp.Partition)
		if f, ok := p.Frontier(); ok {
			return f.Primary, nil
		}
		end, ok := p.End()
		if !ok {
			return unknown, nil
		}
		return end, nil
	}
	if !g.keepsOffsets(tp.Topic) {
		return unknown, nil
	}
	// What the secondary has is what was copied.
	to, _ := g.l.Rename(tp.Topic)
	there := kafka.TopicPartition{Topic: to, Partition: tp.Partition}
	got, err := g.l.clusters[replicator.Secondary].ListOffsets(ctx, kafka.Stable, []kafka.TopicPartition{there})
	if err == nil {
		err = got[there].Err
	}
	if errors.Is(err, kafka.ErrUnknownTopic) {
		return unknown, nil
	}
	return got[there].Offset, err
}

// keepsOffsets says whether a topic is one of mapping identity.
func (g ground) keepsOffsets(topic string) bool {
	if a, ok := g.r.source.(interface{ Identical(topic string) bool }); ok {
		return a.Identical(topic)
	}
	return g.l.Mapping == configs.MappingIdentity
}

func (g ground) Behind(ctx context.Context, topics []string) ([]failover.Unmirrored, error) {
	tps, err := g.partitions(ctx, topics)
	if err != nil || len(tps) == 0 {
		return nil, err
	}
	primary := g.l.clusters[replicator.Primary]
	ends, err := primary.ListOffsets(ctx, kafka.Stable, tps)
	if err != nil {
		return nil, err
	}
	var all []failover.Unmirrored
	for _, tp := range tps {
		switch err := ends[tp].Err; {
		case errors.Is(err, kafka.ErrUnknownTopic):
			continue // deleted on the primary: what was copied is all there is
		case err != nil:
			return nil, err
		}
		from, err := g.copied(ctx, tp)
		if err != nil {
			return nil, err
		}
		end := ends[tp].Offset
		if from >= end {
			continue
		}
		from = max(from, 0)
		g.r.source.Want(tp.Topic, tp.Partition, end)
		if at, some, err := firstRecord(ctx, primary, tp, from, end); err != nil {
			return nil, err
		} else if some {
			all = append(all, failover.Unmirrored{Topic: tp.Topic, Partition: tp.Partition, From: at, To: end})
		}
	}
	slices.SortStableFunc(all, func(a, b failover.Unmirrored) int { return int(b.To - b.From - a.To + a.From) })
	return all, nil
}

// firstRecord finds the first record that a consumer would read from an offset on: markers and aborted ones are none.
func firstRecord(ctx context.Context, c *kafka.Cluster, tp kafka.TopicPartition, from, end int64) (at int64, some bool, err error) {
	for from < end {
		got, err := c.FetchCommitted(ctx, tp, from, 1<<20)
		if errors.Is(err, kafka.ErrOffsetOutOfRange) {
			return 0, false, nil // deleted since
		}
		if err != nil {
			return 0, false, err
		}
		got.Readable(true, func(b *kafka.Batch) {
			for i := range b.Records {
				if o := b.Records[i].Offset; !some && o >= from && o < end {
					at, some = o, true
				}
			}
		})
		if some || got.Next <= from {
			break
		}
		from = got.Next
	}
	return at, some, nil
}

func (g ground) Seen(ctx context.Context, topics []string) (failover.Seen, error) {
	s := failover.Seen{NeverMirrored: unknown}
	tps, err := g.partitions(ctx, topics)
	if err != nil {
		return s, err
	}
	for _, tp := range tps {
		end, at, ok := g.r.ends.of(tp)
		if !ok {
			continue
		}
		from, err := g.copied(ctx, tp)
		if err != nil {
			return s, err
		}
		s.Ends, s.NeverMirrored = at, max(0, s.NeverMirrored)
		// Offsets are records only where nothing else takes offsets: elsewhere "at least" would be too much.
		if from != unknown && from < end && g.plain(tp) {
			s.NeverMirrored += end - from
			s.Partitions = append(s.Partitions, failover.Unmirrored{Topic: tp.Topic, Partition: tp.Partition, From: from, To: end})
		}
	}
	slices.SortStableFunc(s.Partitions, func(a, b failover.Unmirrored) int { return int(b.To - b.From - a.To + a.From) })
	s.Partitions = s.Partitions[:min(len(s.Partitions), 100)]
	return s, nil
}

// plain says that every offset of a partition was a record so far, no markers and no holes, and that the index knows all that was
// copied: only leftoff's own mirror does. Another one may be far ahead of what was compared.
func (g ground) plain(tp kafka.TopicPartition) bool {
	pair, ok := g.l.index.Lookup(tp.Topic)
	if !ok || tp.Partition >= pair.Info().Partitions || pair.Info().Source != configs.MappingMirror {
		return false
	}
	last, plain, runs := int64(-1), true, 0
	pair.Partition(tp.Partition).Runs(func(r translate.Run) bool {
		plain = last < 0 || r.Primary == last
		last = r.PrimaryEnd()
		runs++
		return plain && runs < 10_000
	})
	return plain && runs > 0
}

func (g ground) Switch(ctx context.Context, topics []string) ([]failover.TopicReport, error) {
	source, fenced := g.r.source.(*mirror.Source)
	if fenced {
		g.r.memory.fence(topics, true)
		if err := source.Fence(ctx, topics); err != nil {
			return nil, err
		}
	}
	tps, err := g.partitions(ctx, topics)
	if err != nil {
		return nil, err
	}
	var there []kafka.TopicPartition
	for _, tp := range tps {
		to, _ := g.l.Rename(tp.Topic)
		there = append(there, kafka.TopicPartition{Topic: to, Partition: tp.Partition})
	}
	ends := map[kafka.TopicPartition]kafka.OffsetResult{}
	if len(there) > 0 {
		if ends, err = g.l.clusters[replicator.Secondary].ListOffsets(ctx, kafka.Latest, there); err != nil {
			return nil, err
		}
	}
	var all []failover.TopicReport
	for _, topic := range topics {
		to, _ := g.l.Rename(topic)
		t := failover.TopicReport{Topic: topic, There: to, Fenced: fenced}
		for _, tp := range tps {
			if tp.Topic != topic {
				continue
			}
			end := ends[kafka.TopicPartition{Topic: to, Partition: tp.Partition}]
			switch {
			case errors.Is(end.Err, kafka.ErrUnknownTopic):
				end.Offset = unknown // nothing was ever copied
			case end.Err != nil:
				return nil, end.Err
			}
			from, err := g.copied(ctx, tp)
			if err != nil {
				return nil, err
			}
			t.Marks = append(t.Marks, failover.Mark{Partition: tp.Partition, Primary: from, Secondary: end.Offset})
		}
		all = append(all, t)
	}
	return all, nil
}

func (g ground) SwitchBack(_ context.Context, topics []string) error {
	if source, ok := g.r.source.(*mirror.Source); ok {
		g.r.memory.fence(topics, false)
		source.Unfence(topics)
	}
	return nil
}

func (g ground) HandOver(ctx context.Context, groups []string, why string) (map[string]string, error) {
	all := map[string]string{}
	for _, group := range groups {
		v, err := g.r.loop.HandOver(ctx, group, why)
		switch {
		case errors.Is(err, replicator.ErrUnknownGroup), errors.Is(err, replicator.ErrFilteredGroup):
			v.Kind = replicator.VerdictHandedOver // gone since: the log says so to whoever sees it again
		case err != nil:
			return nil, err
		}
		all[group] = v.Kind.String()
	}
	return all, g.l.keeper.flush()
}

func (g ground) TakeBack(ctx context.Context, groups []string, why string) error {
	for _, group := range groups {
		if _, err := g.r.loop.Reclaim(ctx, group, why); err != nil {
			return err
		}
	}
	return g.l.keeper.flush()
}

// alarms: a mirror that is not leftoff's still writes a topic that changed hands.
func (l *link) alarms(r *running) (all []string) {
	r.memory.mu.Lock()
	roles, coming := maps.Clone(r.memory.roles), r.memory.state.ComingHome()
	r.memory.mu.Unlock()
	if coming {
		return nil // the primary has the secondary's records by now
	}
	for _, topic := range slices.Sorted(maps.Keys(roles)) {
		pair, ok := l.index.Lookup(topic)
		if !ok || roles[topic].Name != failover.Switched {
			continue
		}
		for _, m := range roles[topic].Marks {
			if m.Partition >= pair.Info().Partitions {
				continue
			}
			// A copy at or above S* is the proof: below it, a mapping may still learn what was copied before.
			last, _ := pair.Partition(m.Partition).Last()
			if f, ok := pair.Partition(m.Partition).Frontier(); ok && f.Primary > m.Primary && last.SecondaryEnd() > m.Secondary {
				all = append(all, fmt.Sprintf("%s/%d was switched to the secondary at %d, and a mirror still copies records of the primary there. Try: stop that mirror", topic, m.Partition, m.Secondary))
				break
			}
		}
	}
	return all
}
