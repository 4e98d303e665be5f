package verify

import "github.com/leftoff/leftoff/replicator/kafka"

// seen is a finding with the windows it was found in.
type seen struct {
	finding
	a, b     *window
	times    bool // timestamps were compared
	distinct bool // and are not all the same
	lagging  bool // the secondary ends within the window, and the primary's does not
	short    bool // what the secondary has above may go on beyond the primary's window
}

// judge gives the records of two windows their kinds and compares them.
func judge(a, b *window) seen {
	s := seen{a: a, b: b, times: !b.appended}
	k := newKinds(s.times)
	all := func(records []kafka.Record, kind func(*kafka.Record) int) (kinds []int) {
		for i := range records {
			kinds = append(kinds, kind(&records[i]))
		}
		return kinds
	}
	belowA, aboveA, aborted := all(a.below, k.original), all(a.above, k.original), all(a.aborted, k.original)
	belowB, aboveB := all(b.below, k.copied), all(b.above, k.copied)
	x, y := newSide(a, belowA, aboveA, len(k.headers)), newSide(b, belowB, aboveB, len(k.headers))
	s.finding = compare(x, y)
	s.distinct = distinct(a.below, a.above)
	for _, kind := range aboveA {
		s.lagging = s.lagging || y.end && y.inAbove[kind] == 0
	}
	for _, kind := range aboveA[max(0, len(aboveA)-someNext):] {
		s.short = s.short || !a.end && y.inAbove[kind] > 0
	}
	s.note(k)
	for _, kind := range aborted {
		if y.has(kind) > 0 && x.has(kind) == 0 {
			s.notes = append(s.notes, "the secondary shows records that were aborted on the primary")
			break
		}
	}
	return s
}

func (s *seen) note(k *kinds) {
	if !s.times {
		s.notes = append(s.notes, "timestamps are not compared: the secondary's are its broker's (LogAppendTime)")
	}
	if k.added {
		s.notes = append(s.notes, "the mirror adds headers")
	}
	if k.lacking && !s.verdict.Fine() {
		s.notes = append(s.notes, "some records are the same but for their headers")
	}
}

// distinct: there are timestamps, and not one for all.
func distinct(parts ...[]kafka.Record) bool {
	var first *kafka.Record
	for _, part := range parts {
		for i := range part {
			if first == nil {
				first = &part[i]
			}
			if part[i].Timestamp != first.Timestamp {
				return true
			}
		}
	}
	return false
}

// settled: it need not be looked at any further. Few records prove a position only where they can be told from others by their
// timestamps, and where the secondary does not end among them: it may have begun to copy an earlier stretch again.
func (s *seen) settled() bool {
	if !s.near || !s.verdict.Fine() {
		return false
	}
	return s.times && s.distinct && !s.lagging
}
