package replicator

import "github.com/leftoff/leftoff/translate"

// Row is both sides of a key as the planner sees them: the argument of Decide.
type Row struct {
	Commit Commit // the primary's
	// Held is the secondary's value, HasHeld whether there is one.
	Held    int64
	HasHeld bool
	// HeldMetadata is compared unless IgnoreMetadata (the secondary refused it).
	HeldMetadata   string
	IgnoreMetadata bool
	// Ours: this link wrote Held. Simple: Held has leader epoch −1 and the secondary knows no group record.
	Ours, Simple bool
	// Other: another replicator wrote Held (MirrorMaker 2 with sync.group.offsets.enabled).
	Other bool
	// Reclaimed: a person gave the group back after Held was written.
	Reclaimed bool
	// Stamped: Held carries the stamp, or this secondary drops it.
	Stamped bool
	// Basis is the primary offset that Held was written from, where known. Void: the mapping was corrected since.
	Basis          int64
	HasBasis, Void bool
	// Refresh: Held must be written again, or it expires.
	Refresh bool
	// Failed is why the secondary refused the last write, while it is too early to try again.
	Failed Reason
	// Group: what is known of the group on the secondary.
	Live, Share, Filtered bool
	Verdict               VerdictKind
	// CatchingUp: not both tails have reached the ends recorded at start.
	CatchingUp bool
}

// Decide says what the secondary should hold for a key and whether it is to be written now. It is a pure function.
//
// Why a written position is never above T(u): the mapping's answer never is (package translate), and every branch that
// writes writes that answer, or the secondary's log start, which no available record lies below. What keeps an older
// value instead is either our own value from a commit at or below u (T is monotone, so T(basis) <= T(u)), or a hold
// with its reason.
func Decide(r Row, m Mapping, p Policy) Entry {
	e := Entry{Commit: r.Commit, Topic: m.Topic, Position: m.Position, Written: r.Held, HasWritten: r.HasHeld, Ours: r.Ours, Detail: m.Detail, Pending: m.Pending}
	if m.Position.Confidence == translate.Floor {
		e.Floor = m.Detail
	}
	if e.Reason = ownership(r); e.Reason != NoReason {
		if e.Floor != "" {
			e.Detail = "" // what a floor lacks says nothing of who has the group, or of a write that failed
		}
		return e
	}
	if m.Reason != NoReason && m.Reason != Unmapped {
		e.Reason = m.Reason
		return e
	}
	if m.Reason == Unmapped || m.Position.Confidence == translate.Unmapped {
		return decideUnmapped(e, r, m, p)
	}
	if r.HasHeld && !r.Ours {
		return decideForeign(e, r, p)
	}
	return decideOwn(e, r, p)
}

// ownership answers the holds that do not depend on the mapping.
func ownership(r Row) Reason {
	switch {
	case r.Filtered:
		return Filtered
	case r.Share:
		return ShareGroupID
	case r.Live:
		return GroupLive
	case r.Verdict == VerdictTakenOver:
		return TakenOver
	case r.Verdict == VerdictHandedOver:
		return HandedOver
	case r.CatchingUp:
		return CatchingUp
	case r.Other && !r.Reclaimed:
		return OtherReplicator
	}
	return r.Failed
}

// decideUnmapped applies the policy `unmapped`. A value of ours stays: it was proven when it was written.
func decideUnmapped(e Entry, r Row, m Mapping, p Policy) Entry {
	e.Reason = Unmapped
	if p.Unmapped != "start" || m.Topic == "" {
		return e
	}
	rewound := r.HasBasis && r.Commit.Offset < r.Basis
	if r.HasHeld && !rewound {
		return e
	}
	if r.HasHeld && !r.Ours {
		return e
	}
	e.Reason = NoReason
	e.Position = translate.Position{Offset: m.Secondary.LogStart, Confidence: translate.Unmapped, Reread: -1}
	e.Write = !r.HasHeld || r.Held != e.Position.Offset
	return e
}

// decideForeign is first contact: a value that this link did not write, in a group that nobody took over.
func decideForeign(e Entry, r Row, p Policy) Entry {
	switch {
	case r.Reclaimed || p.FirstContact == "overwrite":
		e.Write = true
	case p.FirstContact == "keep" || !r.Simple:
		e.Reason = ForeignValue
	case r.Held > e.Position.Offset:
		e.Reason = AheadOnSecondary
	default:
		e.Write = true
	}
	return e
}

// decideOwn plans for a key that holds nothing, or a value of this link.
func decideOwn(e Entry, r Row, p Policy) Entry {
	target := e.Position.Offset
	switch {
	case !r.HasHeld:
		e.Write = true
	case target > r.Held:
		e.Write = true
	case target < r.Held && keeps(r, e.Position.Confidence):
		e.Position.Offset = r.Held
	case target < r.Held && e.Pending && e.Position.Confidence != translate.Exact:
		e.Reason = CatchingUp // for seconds: then the answer is here, and counts, whichever it is
	case target < r.Held && p.Rewind == "never" && rewound(r):
		e.Reason = RewindNever
	case target < r.Held:
		e.Write = true
	}
	if e.Reason == NoReason && !e.Write {
		e.Write = r.Refresh || !r.Stamped || (!r.IgnoreMetadata && r.HeldMetadata != r.Commit.Metadata)
	}
	return e
}

// keeps says that our higher value is still proven although the mapping now only knows a lower bound of T(u).
func keeps(r Row, c translate.Confidence) bool {
	return c != translate.Exact && r.HasBasis && !r.Void && r.Commit.Offset >= r.Basis
}

// rewound says the primary's own commit went back, as far as this process can know: without a basis it must assume so.
func rewound(r Row) bool { return !r.HasBasis || r.Commit.Offset < r.Basis }
