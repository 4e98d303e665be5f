package drill

import (
	"context"
	"fmt"

	"github.com/leftoff/leftoff/replicator/kafka"
	"github.com/leftoff/leftoff/replicator/verify"
)

const (
	skips   = string(verify.Skips)
	rereads = string(verify.Rereads)
)

func badVerdict(v string) bool { return verify.Verdict(v).Bad() }

// frozen is a cluster in which groups stand where they stood when the drill read their offsets, and no others are there.
type frozen struct {
	Cluster
	offsets map[string]map[kafka.TopicPartition]kafka.CommittedOffset
}

func freeze(c Cluster) frozen {
	return frozen{c, map[string]map[kafka.TopicPartition]kafka.CommittedOffset{}}
}

func (f frozen) put(group string, tp kafka.TopicPartition, offset *int64) {
	if f.offsets[group] == nil {
		f.offsets[group] = map[kafka.TopicPartition]kafka.CommittedOffset{}
	}
	if offset != nil {
		f.offsets[group][tp] = kafka.CommittedOffset{Offset: *offset, LeaderEpoch: -1}
	}
}

func (f frozen) ListGroups(context.Context) (all []kafka.GroupInfo, err error) {
	for g := range f.offsets {
		all = append(all, kafka.GroupInfo{Group: g})
	}
	return all, nil
}

func (f frozen) FetchOffsets(_ context.Context, groups map[string][]kafka.TopicPartition) (map[string]map[kafka.TopicPartition]kafka.CommittedOffset, error) {
	out := map[string]map[kafka.TopicPartition]kafka.CommittedOffset{}
	for g, tps := range groups {
		out[g] = map[kafka.TopicPartition]kafka.CommittedOffset{}
		for tp, o := range f.offsets[g] {
			if tps == nil {
				out[g][tp] = o
			}
		}
		for _, tp := range tps {
			if o, ok := f.offsets[g][tp]; ok {
				out[g][tp] = o
			}
		}
	}
	return out, nil
}

// verify has the records around all positions judged.
func (r *run) verify(ctx context.Context, all []*position) error {
	here, there := freeze(r.primary), freeze(r.secondary)
	for _, p := range all {
		here.put(p.key.Group, p.here, p.Primary)
		there.put(p.key.Group, p.there, p.Secondary)
	}
	rows, err := r.judge(ctx, here, there)
	if err != nil {
		return err
	}
	var bad []*position
	for _, p := range all {
		row, ok := rows[p.key]
		if !ok { // verify leaves out what is gone
			p.Why = "the primary does not have the partition any more"
			continue
		}
		p.Verdict, p.Records, p.AtLeast, p.Why = string(row.Verdict), row.Records, row.AtLeast, row.Why
		p.Notes = append(p.Notes, row.Notes...)
		switch {
		case row.Verdict == verify.Unreadable:
			r.problem("%s, %s: %s", p.key.Group, p.here, row.Why)
		case row.Verdict.Bad():
			bad = append(bad, p)
		}
	}
	return r.again(ctx, bad)
}

func (r *run) judge(ctx context.Context, here, there frozen) (map[Key]verify.Row, error) {
	found, err := verify.Check(ctx, here, there, verify.Options{Rename: r.o.there, Parallel: r.o.Parallel, Progress: func(done, total int) {
		r.o.Progress(fmt.Sprintf("%d of %d positions are compared", done, total))
	}})
	if err != nil {
		return nil, fmt.Errorf("compare records: %w", err)
	}
	for _, p := range found.Problems {
		r.problem("%s", p)
	}
	rows := map[Key]verify.Row{}
	for _, row := range found.Rows {
		rows[Key{row.Group, row.Topic, row.Partition}] = row
	}
	return rows, nil
}

// again looks once more at what is bad, where a group has committed meanwhile: if it went backwards between the two questions, it was not
// caught skipping. What is bad twice is bad.
func (r *run) again(ctx context.Context, bad []*position) error {
	if len(bad) == 0 {
		return nil
	}
	here, there, moved, err := r.now(ctx, bad)
	if err != nil || len(moved) == 0 {
		return err
	}
	rows, err := r.judge(ctx, here, there)
	if err != nil {
		return err
	}
	for _, p := range moved {
		if row, ok := rows[p.key]; !ok || row.Verdict.Bad() {
			continue
		}
		p.Notes = append(p.Notes, fmt.Sprintf("it looked like %s, but the group committed meanwhile, and then it did not", p.Verdict))
		p.Verdict, p.Records, p.AtLeast, p.Why = string(verify.Moving), 0, false, "an offset changed while it was looked at"
	}
	return nil
}

// now reads the offsets again, the secondary's first, and says which positions are other ones by now.
func (r *run) now(ctx context.Context, all []*position) (here, there frozen, moved []*position, err error) {
	groups := map[string][]kafka.TopicPartition{}
	for _, p := range all {
		groups[p.key.Group] = nil
	}
	here, there = freeze(r.primary), freeze(r.secondary)
	below, err := r.secondary.FetchOffsets(ctx, groups)
	if err != nil {
		return here, there, nil, fmt.Errorf("read the secondary's offsets again: %w", err)
	}
	above, err := r.primary.FetchOffsets(ctx, groups)
	if err != nil {
		return here, there, nil, fmt.Errorf("read the primary's offsets again: %w", err)
	}
	for _, p := range all {
		u, up := above[p.key.Group][p.here]
		d, down := below[p.key.Group][p.there]
		if !up || u.Err != nil || down && d.Err != nil || u.Offset == *p.Primary && down == (p.Secondary != nil) && (!down || d.Offset == *p.Secondary) {
			continue
		}
		moved = append(moved, p)
		here.put(p.key.Group, p.here, &u.Offset)
		if there.put(p.key.Group, p.there, nil); down {
			there.put(p.key.Group, p.there, &d.Offset)
		}
	}
	return here, there, moved, nil
}

// contradict lets what the consumer read have the last word.
func (p *position) contradict() {
	if p.Verdict == string(verify.SameRecord) && p.Resumed && p.Read.PrimaryFirst != nil && p.Read.Above > 0 && p.Read.AboveSame == 0 {
		p.Verdict, p.Why = string(verify.Different), "nothing that the consumer read is what the group would read next on the primary"
	}
}
