package translate

// Forward is where a group with committed offset u on the primary goes on, on the secondary. b is what the secondary serves.
//
//	u inside a run, or in a closed gap       exact: the first point of the main line at or after u
//	u in an open gap                         floor: the end of the proven run before it, else the log start
//	u past the main line, u <= frontier      exact: where every later copy lands
//	u past the frontier                      behind: there, too, and higher when the frontier moves
//	nothing known                            unmapped
//
// Then three clamps: up to the secondary's log start (what lies below is gone, so the answer is still what it was), down to the first
// unaccepted foreign record (floor), down to the readable end (behind). An error is that of Older; the position is then unmapped.
func (c *Copies) Forward(u int64, b Bounds) (Position, error) {
	// Copies of records between u and Past.Primary were pruned while the secondary still has them: anywhere above its log start.
	lost := u < c.Past.Primary && c.Past.LostCopies > b.LogStart
	if u = max(u, 0); lost {
		u = c.Past.Primary
	}
	at, err := c.at(u)
	if err != nil {
		return unmapped(), err
	}
	pos := c.place(u, at, b.LogStart)
	if pos.Confidence != Unmapped && pos.Offset < b.LogStart {
		pos, err = c.raise(u, pos, b.LogStart)
	}
	if err != nil || pos.Confidence == Unmapped {
		return unmapped(), err
	}
	if lost {
		pos = lower(pos, b.LogStart, Floor)
	}
	pos = c.cap(c.behindVeil(u, pos, b.LogStart), b.LogStart)
	return clampEnd(pos, b.End), nil
}

func exact(offset int64) Position { return Position{Offset: offset, Confidence: Exact} }
func unmapped() Position          { return Position{Confidence: Unmapped, Reread: -1} }

// between is the answer when T(u) is known to lie in [low, high].
func between(low, high int64) Position {
	if low >= high {
		return exact(high)
	}
	return Position{Offset: low, Confidence: Floor, Reread: high - low}
}

// place is T(u) by the place of u on the main line, over all copies, also those below the log start.
func (c *Copies) place(u int64, at Place, logStart int64) Position {
	switch {
	case !at.HasNext:
		return c.beyond(u, at, logStart)
	case u >= at.Next.Primary:
		return exact(at.Next.Secondary + u - at.Next.Primary)
	case at.Next.Closed:
		return exact(at.Next.Secondary)
	case at.HasPrev:
		return between(at.Prev.SecondaryEnd(), at.Next.Secondary)
	}
	return between(logStart, at.Next.Secondary)
}

// beyond answers for u at or past the end of the main line, where no record is known to be mirrored. Copies of later
// ones land at the tip or above.
func (c *Copies) beyond(u int64, at Place, logStart int64) Position {
	switch {
	case !at.HasPrev && !c.HasFrontier:
		return unmapped()
	case c.NextOpen && !c.HasFrontier && at.HasPrev: // nor is it known what was copied past the last run
		return Position{Offset: at.Prev.SecondaryEnd(), Confidence: Floor, Reread: -1}
	case c.NextOpen && at.HasPrev:
		return between(at.Prev.SecondaryEnd(), c.tip())
	case c.NextOpen:
		return between(logStart, c.tip())
	case !c.HasFrontier:
		return Position{Offset: c.tip(), Confidence: Behind, Reread: -1}
	case u <= c.Frontier.Primary:
		return exact(c.tip())
	}
	return Position{Offset: c.tip(), Confidence: Behind, Reread: u - c.Frontier.Primary}
}

// raise answers when T(u) lies below the log start. The copies there are gone: T over those that are left is the first
// point of the main line above the log start, or a pending copy that was undercut only by what is gone.
func (c *Copies) raise(u int64, pos Position, logStart int64) (Position, error) {
	at, err := c.atSecondary(logStart)
	if err != nil {
		return unmapped(), err
	}
	low := max(c.tip(), logStart)
	high := low
	if at.HasNext {
		low, high = max(at.Next.Secondary, logStart), max(at.Next.Secondary, logStart)
		if !at.Next.Closed {
			low = logStart
		}
	}
	for _, p := range c.Pending {
		if p.SecondaryEnd() <= logStart || p.PrimaryEnd() <= u {
			continue
		}
		left := max(p.Secondary+max(0, u-p.Primary), logStart)
		low, high = min(low, left), min(high, left)
	}
	for _, v := range c.Veils { // covered or not: an earlier record's unseen last copy may be left there
		if logStart < v.In.To {
			low = min(low, max(v.In.From, logStart))
		}
	}
	if pos.Confidence == Behind {
		return Position{Offset: low, Confidence: Behind, Reread: pos.Reread}, nil
	}
	return between(low, high), nil
}

// cap keeps a position from passing the first foreign record that nobody accepted.
func (c *Copies) cap(pos Position, logStart int64) Position {
	for _, f := range c.Foreign {
		if f.To <= logStart {
			continue
		}
		return lower(pos, max(f.From, logStart), Floor)
	}
	return pos
}

// clampEnd keeps a position at what can be read: a copy past the end will be there, or was lost and is copied again.
func clampEnd(pos Position, end int64) Position { return lower(pos, end, Behind) }

// lower brings a position down to a limit; what lies between may be read again.
func lower(pos Position, limit int64, c Confidence) Position {
	if pos.Offset <= limit {
		return pos
	}
	if pos.Reread >= 0 {
		pos.Reread += pos.Offset - limit
	}
	pos.Offset, pos.Confidence = limit, c
	return pos
}
