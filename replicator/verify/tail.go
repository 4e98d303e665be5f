package verify

import "context"

// relapse is a mirror that is copying an earlier stretch again and has not come to where it was before: a record of the primary
// that was copied, while the secondary's last record is a copy of an earlier one. Seen from a position within the new copies all is well, as
// far as a window reaches, and beyond their end lies a skip.
type relapse struct {
	here, there int64 // the record, and its first copy
}

const (
	someLast = 4 // of the secondary's last records are looked for: others may be foreign
	someNext = 8 // of the primary's records after that one: others may have been filtered
)

// relapsed looks at the secondary's end. Where timestamps say nothing, nothing is found.
func (l *looker) relapsed(ctx context.Context, p place) (*relapse, error) {
	few := size{someLast, nearBytes}
	a, b := &window{}, &window{}
	if err := b.down(ctx, l.secondary, p.there, p.thereIn.end, p.thereIn, few); err != nil {
		return nil, err
	}
	if err := a.down(ctx, l.primary, p.here, p.hereIn.end, p.hereIn, few); err != nil {
		return nil, err
	}
	l.bytes.Add(a.bytes + b.bytes)
	n, m := len(a.below), len(b.below)
	if n == 0 || m == 0 || b.appended || same(&a.below[n-1], &b.below[m-1]) {
		return nil, nil
	}
	for i := m - 1; i >= 0; i-- {
		at, found, err := l.locate(ctx, l.primary, p.here, p.hereIn, &b.below[i], false)
		if err != nil || found {
			return l.copiedBefore(ctx, p, at, err)
		}
	}
	return nil, nil
}

// copiedBefore looks for the first record after the given one that has a copy.
func (l *looker) copiedBefore(ctx context.Context, p place, after int64, err error) (*relapse, error) {
	next := &window{}
	if err == nil {
		err = next.up(ctx, l.primary, p.here, after+1, p.hereIn, size{someNext, nearBytes})
	}
	if err != nil {
		return nil, err
	}
	l.bytes.Add(next.bytes)
	for i := range next.above {
		r := &next.above[i]
		at, found, err := l.locate(ctx, l.secondary, p.there, p.thereIn, r, true)
		if err != nil {
			return nil, err
		}
		if !found {
			continue
		}
		first, _, err := l.locate(ctx, l.primary, p.here, p.hereIn, r, false)
		if err != nil || first != r.Offset {
			return nil, err // another one is like it: whose copy that is can't be told
		}
		return &relapse{here: r.Offset, there: at}, nil
	}
	return nil, nil
}

// overrun looks again, up to the secondary's end, at a place beyond where a mirror that fell back was before. Up to there nothing is
// missing: what follows was copied in order.
func (l *looker) overrun(ctx context.Context, p place, r *relapse) (f finding, yes bool, err error) {
	if r == nil || p.secondary <= r.there {
		return f, false, nil
	}
	far := size{10 * l.o.Deep, 10 * l.o.DeepBytes}
	all, err := l.around(ctx, p, far, far)
	switch {
	case err != nil:
		return f, false, err
	case all.b.end && !all.short || all.verdict == Skips:
		return all.finding, true, nil
	}
	return alikes("the mirror is copying an earlier stretch again, and its end is far away"), true, nil
}
