package verify

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/leftoff/leftoff/replicator/kafka"
)

// Check looks at every (group, topic, partition) with an offset on the primary. The error says that a cluster could not be asked at all, or that
// the context ended; what could not be read otherwise is in the Report. It only reads.
func Check(ctx context.Context, primary, secondary Cluster, o Options) (Report, error) {
	o.setDefaults()
	c := &check{looker: looker{primary: primary, secondary: secondary, o: o}}
	work, err := c.list(ctx)
	if err != nil {
		return Report{}, err
	}
	var g errgroup.Group
	g.SetLimit(o.Parallel)
	for _, p := range work {
		g.Go(func() error {
			if ctx.Err() == nil {
				c.partition(ctx, p)
			}
			return nil
		})
	}
	g.Wait()
	if err := ctx.Err(); err != nil {
		return Report{}, err
	}
	c.report.Bytes = c.bytes.Load()
	c.report.finish()
	return c.report, nil
}

type check struct {
	looker
	mu          sync.Mutex
	report      Report
	done, total int
}

func (c *check) add(row Row) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.report.Rows = append(c.report.Rows, row)
	c.done++
	c.o.Progress(c.done, c.total)
}

func (c *check) problem(err error) {
	c.report.Problems = append(c.report.Problems, err.Error())
}

// part is a partition with the offsets to check in it.
type part struct {
	place
	rows  []Row
	known map[[2]int64]finding
	back  *relapse
	asked bool
}

// list finds out what there is to check. Offsets of the secondary are read before those of the primary: the other way
// round a group that goes on meanwhile would look as if it skipped.
func (c *check) list(ctx context.Context) ([]*part, error) {
	groups, err := c.groups(ctx)
	if err != nil {
		return nil, err
	}
	there, err := c.secondary.FetchOffsets(ctx, groups)
	if err != nil && len(there) == 0 && len(groups) > 0 {
		return nil, fmt.Errorf("secondary: %w", err)
	}
	if err != nil {
		c.problem(fmt.Errorf("secondary: %w", err))
	}
	here, err := c.primary.FetchOffsets(ctx, groups)
	if err != nil && len(here) == 0 && len(groups) > 0 {
		return nil, fmt.Errorf("primary: %w", err)
	}
	if err != nil {
		c.problem(fmt.Errorf("primary: %w", err))
	}
	rows := c.rows(here, there)
	topicsHere, err := c.primary.Topics(ctx, nil)
	if err != nil {
		return nil, fmt.Errorf("list the primary's topics: %w", err)
	}
	topicsThere, err := c.secondary.Topics(ctx, nil)
	if err != nil {
		return nil, fmt.Errorf("list the secondary's topics: %w", err)
	}
	parts := c.parts(rows, topicsHere, topicsThere)
	return c.bounded(ctx, parts), ctx.Err()
}

// groups that are asked about. Share groups have no offsets of this kind.
func (c *check) groups(ctx context.Context) (map[string][]kafka.TopicPartition, error) {
	all, err := c.primary.ListGroups(ctx)
	if err != nil && len(all) == 0 {
		return nil, fmt.Errorf("list the primary's groups: %w", err)
	}
	if err != nil {
		c.problem(fmt.Errorf("list the primary's groups: %w", err))
	}
	groups := map[string][]kafka.TopicPartition{}
	for _, g := range all {
		if g.Type != "share" && (c.o.Group == "" || g.Group == c.o.Group) && c.o.Groups(g.Group) {
			groups[g.Group] = nil
		}
	}
	return groups, nil
}

// rows are the offsets to check, with what the secondary holds. A group that the secondary did not answer for is a problem already.
func (c *check) rows(here, there map[string]map[kafka.TopicPartition]kafka.CommittedOffset) (rows []Row) {
	for group, offsets := range here {
		held, answered := there[group]
		for tp, o := range offsets {
			name, ok := c.o.wants(tp)
			if !ok || !answered {
				continue
			}
			row := Row{Group: group, Topic: tp.Topic, There: name, Partition: tp.Partition, Primary: o.Offset}
			s, has := held[kafka.TopicPartition{Topic: name, Partition: tp.Partition}]
			switch {
			case o.Err != nil:
				row.fail(fmt.Errorf("primary: %w", o.Err))
			case has && s.Err != nil:
				row.fail(fmt.Errorf("secondary: %w", s.Err))
			case has && s.Offset >= 0:
				row.Secondary = &s.Offset
			}
			rows = append(rows, row)
		}
	}
	return rows
}

func (r *Row) fail(err error) { r.Verdict, r.Why = Unreadable, err.Error() }

// parts sorts rows by partition, and says of those that have nothing to compare with why.
func (c *check) parts(rows []Row, here, there map[string]kafka.TopicInfo) []*part {
	by := map[kafka.TopicPartition]*part{}
	var parts []*part
	for _, row := range rows {
		tp := kafka.TopicPartition{Topic: row.Topic, Partition: row.Partition}
		if info, ok := here[row.Topic]; !ok || info.Err == nil && int(row.Partition) >= len(info.Partitions) {
			c.report.Gone++
			continue
		}
		c.total++
		if row.Verdict == "" {
			row.missing(there)
		}
		p := by[tp]
		if p == nil {
			p = &part{place: place{here: tp, there: kafka.TopicPartition{Topic: row.There, Partition: row.Partition}}, known: map[[2]int64]finding{}}
			by[tp], parts = p, append(parts, p)
		}
		p.rows = append(p.rows, row)
	}
	slices.SortFunc(parts, func(a, b *part) int { return strings.Compare(a.here.String(), b.here.String()) })
	for _, p := range parts {
		slices.SortFunc(p.rows, func(a, b Row) int { return strings.Compare(a.Group, b.Group) })
	}
	return parts
}

func (r *Row) missing(there map[string]kafka.TopicInfo) {
	info, ok := there[r.There]
	switch {
	case ok && info.Err != nil:
		r.fail(fmt.Errorf("secondary: %w", info.Err))
	case !ok:
		r.Verdict, r.Why = TopicMissing, "the secondary has no topic "+r.There
	case int(r.Partition) >= len(info.Partitions):
		r.Verdict, r.Why = TopicMissing, fmt.Sprintf("topic %s has %d partitions on the secondary", r.There, len(info.Partitions))
	}
}

// open: some row has no verdict yet.
func (p *part) open() bool {
	return slices.ContainsFunc(p.rows, func(r Row) bool { return r.Verdict == "" })
}

func (p *part) fail(err error) {
	for i := range p.rows {
		if p.rows[i].Verdict == "" {
			p.rows[i].fail(err)
		}
	}
}
