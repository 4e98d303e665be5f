package drill

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/leftoff/leftoff/replicator/kafka"
)

// position is one being checked.
type position struct {
	Position
	key         Key
	here, there kafka.TopicPartition
	got         []kafka.Record // what the consumer read
	end         bool           // and there was no more
	appended    bool
}

// shadowed is one group being drilled.
type shadowed struct {
	Group
	positions []*position
}

// gather finds out who is to resume where. The secondary's offsets are read first: what is committed between the two questions then
// looks as if it were read again, never as if it were skipped.
func (r *run) gather(ctx context.Context) error {
	states, err := r.secondary.ListGroups(ctx)
	if err != nil {
		return fmt.Errorf("list the secondary's groups: %w", err)
	}
	asked := r.wanted(ctx, states)
	there, err := r.secondary.FetchOffsets(ctx, asked)
	if err != nil {
		return fmt.Errorf("read the secondary's offsets: %w", err)
	}
	here := map[string]map[kafka.TopicPartition]kafka.CommittedOffset{}
	if r.primaryUp {
		here, err = r.primary.FetchOffsets(ctx, asked)
		switch {
		case err != nil && len(here) == 0:
			r.without(err)
		case err != nil:
			r.problem("not all groups' offsets on the primary are known: %v", err)
		}
	}
	live := map[string]string{}
	for _, g := range states {
		if !strings.EqualFold(g.State, "Empty") && !strings.EqualFold(g.State, "Dead") && g.State != "" {
			live[g.Group] = "consumers run on the secondary"
		}
	}
	maps.Copy(live, r.plan.LetGo)
	for _, name := range slices.Sorted(maps.Keys(asked)) {
		if g := r.groupOf(name, here[name], there[name]); g != nil {
			if why := live[name]; why != "" {
				g.LeftOut, g.positions = why, nil
			}
			r.groups = append(r.groups, g)
		}
	}
	r.sample()
	return nil
}

// wanted are the groups that the primary knows; those that the secondary knows alone are nobody's to fail over, unless there is no primary
// to ask.
func (r *run) wanted(ctx context.Context, states []kafka.GroupInfo) map[string][]kafka.TopicPartition {
	groups := states
	if r.primaryUp {
		here, err := r.primary.ListGroups(ctx)
		switch {
		case err != nil && len(here) == 0:
			r.without(err)
		case err != nil:
			r.problem("not all groups of the primary are known: %v", err)
			groups = here
		default:
			groups = here
		}
	}
	asked := map[string][]kafka.TopicPartition{}
	for _, g := range groups {
		if r.o.follows(g.Group) && !strings.EqualFold(g.Type, "share") {
			asked[g.Group] = nil
		}
	}
	return asked
}

// groupOf makes the positions of a group: those with an offset on the primary or, without it, on the secondary. nil: none.
func (r *run) groupOf(name string, here, there map[kafka.TopicPartition]kafka.CommittedOffset) *shadowed {
	g := &shadowed{Group: Group{Group: name}}
	add := func(h, t kafka.TopicPartition) *position {
		p := &position{key: Key{name, h.Topic, h.Partition}, here: h, there: t}
		p.Topic, p.There, p.Partition, p.Verdict, p.Confidence = h.Topic, t.Topic, h.Partition, notCompared, "unknown"
		if known, ok := r.plan.Positions[p.key]; ok {
			p.Confidence, p.RereadBound = known.Confidence, known.Reread
		}
		if o, ok := there[t]; ok && o.Err == nil {
			p.Secondary = &o.Offset
		} else if ok {
			r.problem("%s, %s: the secondary does not tell the offset: %v", name, t, o.Err)
			return nil
		}
		g.positions = append(g.positions, p)
		return p
	}
	for tp, o := range here {
		topic, ok := r.o.there(tp.Topic)
		switch {
		case !ok:
		case o.Err != nil:
			r.problem("%s, %s: the primary does not tell the offset: %v", name, tp, o.Err)
		default:
			if p := add(tp, kafka.TopicPartition{Topic: topic, Partition: tp.Partition}); p != nil {
				p.Primary = &o.Offset
			}
		}
	}
	if !r.primaryUp {
		for tp := range there {
			if topic, ok := r.o.here(tp.Topic); ok {
				add(kafka.TopicPartition{Topic: topic, Partition: tp.Partition}, tp)
			}
		}
	}
	if len(g.positions) == 0 {
		return nil
	}
	slices.SortFunc(g.positions, func(a, b *position) int {
		return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition))
	})
	return g
}

// sample keeps some positions, taken at random, and the groups that have one.
func (r *run) sample() {
	var all []*position
	for _, g := range r.groups {
		all = append(all, g.positions...)
	}
	r.Summary.PositionsKnown = len(all)
	if r.o.Sample <= 0 || len(all) <= r.o.Sample {
		return
	}
	rand.New(rand.NewPCG(r.o.Seed, 0)).Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	kept := map[*position]bool{}
	for _, p := range all[:r.o.Sample] {
		kept[p] = true
	}
	for _, g := range r.groups {
		g.positions = slices.DeleteFunc(g.positions, func(p *position) bool { return !kept[p] })
	}
	r.groups = slices.DeleteFunc(r.groups, func(g *shadowed) bool { return len(g.positions) == 0 && g.LeftOut == "" })
}
