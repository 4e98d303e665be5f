package verify

import (
	"context"
	"fmt"

	"github.com/leftoff/leftoff/replicator/kafka"
)

// partition checks the rows of one. Groups at the same place share an answer.
func (c *check) partition(ctx context.Context, p *part) {
	for _, row := range p.rows {
		if row.Verdict == "" {
			row = c.row(ctx, p, row)
		}
		if ctx.Err() != nil {
			return
		}
		c.add(row)
	}
}

// row checks one, and once more where it does not look good and an offset has changed meanwhile.
func (c *check) row(ctx context.Context, p *part, row Row) Row {
	row = c.answer(ctx, p, row)
	if row.Verdict.Fine() || row.Verdict == Unreadable {
		return row
	}
	now, changed, err := c.again(ctx, p, row)
	switch {
	case err != nil:
		row.fail(err)
		return row
	case !changed:
		return row
	}
	if now = c.answer(ctx, p, now); now.Verdict.Fine() || now.Verdict == Unreadable {
		return now
	}
	if _, changed, err = c.again(ctx, p, now); err != nil {
		now.fail(err)
	} else if changed {
		now.Notes = append(now.Notes, fmt.Sprintf("seen last: %s, %s", now.Verdict, now.Why))
		now.Verdict, now.Records, now.AtLeast, now.Why = Moving, 0, false, "the group's offsets changed each time it was looked at"
	}
	return now
}

func (c *check) answer(ctx context.Context, p *part, row Row) Row {
	if row.Secondary == nil {
		row.Verdict, row.Why = NoOffset, "the group has no offset on the secondary: it would be reset"
		return row
	}
	at := [2]int64{row.Primary, *row.Secondary}
	f, known := p.known[at]
	if !known {
		where := p.place
		where.primary, where.secondary = at[0], at[1]
		var err error
		if f, err = c.judged(ctx, p, where); err != nil {
			row.fail(err)
			return row
		}
		p.known[at] = f
	}
	row.Verdict, row.Records, row.AtLeast, row.Why, row.Notes = f.verdict, f.records, f.atLeast, f.why, append([]string(nil), f.notes...)
	return row
}

// judged is what the windows show, unless the mirror has fallen back behind what it had copied.
func (c *check) judged(ctx context.Context, p *part, where place) (finding, error) {
	f, err := c.look(ctx, where)
	if err != nil || f.verdict.Bad() || f.verdict == AtEnd {
		return f, err
	}
	if !p.asked {
		if p.back, err = c.relapsed(ctx, p.place); err != nil {
			return f, err
		}
		p.asked = true
	}
	if over, yes, err := c.overrun(ctx, where, p.back); yes || err != nil {
		return over, err
	}
	return f, nil
}

// again reads both offsets and the bounds once more. Bounds that moved forget what was known.
func (c *check) again(ctx context.Context, p *part, row Row) (now Row, changed bool, err error) {
	now = row
	now.Secondary, now.Notes = nil, nil
	read := func(side Cluster, tp kafka.TopicPartition) (o kafka.CommittedOffset, has bool, err error) {
		got, err := side.FetchOffsets(ctx, map[string][]kafka.TopicPartition{row.Group: {tp}})
		if err != nil {
			return o, false, err
		}
		o, has = got[row.Group][tp]
		return o, has && o.Offset >= 0, o.Err
	}
	s, has, err := read(c.secondary, p.there)
	if err != nil {
		return now, false, fmt.Errorf("secondary: %w", err)
	}
	if has {
		now.Secondary = &s.Offset
	}
	u, still, err := read(c.primary, p.here)
	if err != nil {
		return now, false, fmt.Errorf("primary: %w", err)
	}
	if now.Primary = u.Offset; !still {
		return row, false, nil // the primary's is gone: what was seen stands
	}
	same := now.Primary == row.Primary && (now.Secondary == nil) == (row.Secondary == nil) && (now.Secondary == nil || *now.Secondary == *row.Secondary)
	if same {
		return row, false, nil
	}
	return now, true, c.refresh(ctx, p)
}

func (c *check) refresh(ctx context.Context, p *part) error {
	var at [4]int64
	for i, ask := range c.bounds([]kafka.TopicPartition{p.here}, []kafka.TopicPartition{p.there}) {
		var err error
		if at[i], err = one(ctx, ask.of, ask.when, ask.tps[0]); err != nil {
			return err
		}
	}
	p.hereIn, p.thereIn = bounds{at[0], at[1]}, bounds{at[2], at[3]}
	clear(p.known)
	p.asked = false
	return nil
}
