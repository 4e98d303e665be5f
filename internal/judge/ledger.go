package judge

import (
	"maps"
	"slices"
)

// Writes returns everything that ever counted, in the order in which it did within each group.
func (l *Log) Writes() []Write {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.writes)
}

// Ledger returns what counts now by key. A Write without a Value is a tombstone.
func (l *Log) Ledger() map[Key]Write {
	l.mu.Lock()
	defer l.mu.Unlock()
	return maps.Clone(l.ledger)
}

// Value returns the committed offset of a key.
func (l *Log) Value(k Key) (Value, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	w, ok := l.ledger[k]
	if !ok || w.Value == nil {
		return Value{}, false
	}
	return *w.Value, true
}

// Members returns how many members a group has, by the log.
func (l *Log) Members(group string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	if g := l.groups[group]; g != nil {
		return g.live()
	}
	return 0
}

// Memberships returns how a group's members changed.
func (l *Log) Memberships(group string) []Membership {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.history[group])
}

// Pending returns how many commits wait for a transaction's end, and how many were aborted so far.
func (l *Log) Pending() (open, aborted int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, writes := range l.pending {
		open += len(writes)
	}
	return open, l.aborted
}

// Broken returns the records that could not be decoded, and Skipped how many there were of each type that the judge has no
// use for.
func (l *Log) Broken() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.broken)
}

// Skipped counts the records of types that say nothing about commits or members.
func (l *Log) Skipped() map[int16]int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return maps.Clone(l.skipped)
}
