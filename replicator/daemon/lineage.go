package daemon

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/leftoff/leftoff/replicator/failover"
)

// lineage is the state topic as one link reads it: what is kept under the name that a link had before counts as kept under the one it has now.
// One record says that a link was given another name. The log's order decides whose it is, for every reader alike:
//
//	role     west-east     orders: switched
//	group    west-east     billing: taken_over
//	note     pacific       renamed_from west-east      from here on all of it is pacific's, what was written before and what is late
//	group    pacific       billing: reclaimed
//
// What was written under a name belongs to one link at any time, and whoever still reads under a name that was given up is refused. Nothing is
// copied: offsets in the log, by which the steps of a failover know each other, stay as they are.
type lineage struct {
	failover.Log
	self string // LinkID

	mu       sync.Mutex
	records  []heirloom // as read last
	owners   owners     // as read last
	adopting bool       // the link may be one that is about to get its old name back
	pretend  string     // what self would have taken over, where nothing may be written
}

// heirloom is a record, decoded once: the log only grows, and is read every few seconds.
type heirloom struct {
	offset int64
	value  []byte
	mark
	owner string // whose it was when it was read last
	as    []byte // the value as that one's
}

// mark is what says in a record that a link was given another name.
type mark struct {
	Link string `json:"link"`
	From string `json:"renamed_from"` // LinkID; empty: says nothing of that
}

// Read implements failover.Log.
func (l *lineage) Read(ctx context.Context, yield func(offset int64, value []byte)) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []heirloom
	err := l.Log.Read(ctx, func(offset int64, value []byte) {
		if n := len(all); n < len(l.records) && l.records[n].offset == offset && bytes.Equal(l.records[n].value, value) {
			all = append(all, l.records[n])
			return
		}
		h := heirloom{offset: offset, value: value}
		_ = json.Unmarshal(value, &h.mark) // a record that can't be read is the reader's to complain of
		all = append(all, h)
	})
	if err != nil {
		return err
	}
	l.records, l.owners = all, owners{}
	for i := range all {
		l.owners.renamed(all[i].From, all[i].Link)
	}
	if l.pretend != "" {
		l.owners.renamed(l.pretend, l.self)
	}
	if owner := l.owners.of(l.self); owner != l.self && !l.adopting {
		return fmt.Errorf("%w: %s says that link %s is called %s now, and nothing goes on under its old name. Try: name it %s here, too, or stop this leftoff "+
			"(docs/failover.md, A link gets another name)", ErrRefused, failover.Topic, nameOf(l.self), nameOf(owner), nameOf(owner))
	}
	for i := range all {
		yield(all[i].offset, all[i].of(l.owners.of(all[i].Link)))
	}
	return nil
}

// of is the record as its owner's.
func (h *heirloom) of(owner string) []byte {
	if owner == h.Link {
		return h.value
	}
	if h.owner != owner {
		h.owner, h.as = owner, relinked(h.value, owner)
	}
	return h.as
}

// relinked is a record of another link, and otherwise the same.
func relinked(value []byte, link string) []byte {
	fields := map[string]json.RawMessage{}
	if err := json.Unmarshal(value, &fields); err != nil {
		return value // its link would not have been known
	}
	fields["link"], _ = json.Marshal(link) // a string
	as, err := json.Marshal(fields)
	if err != nil {
		return value
	}
	return as
}

// mine says whether what is kept under a LinkID is this link's, and else whose it is, as read last.
func (l *lineage) mine(id string) (mine bool, owner string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	owner = l.owners.of(id)
	return owner == l.self, owner
}

// could says whether taking over would count, as read last.
func (l *lineage) could(from string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return !l.owners.done[[2]string{from, l.self}] && l.owners.may(from, l.self)
}

// allow lets a link whose name was given up read the log while it may be about to get that back.
func (l *lineage) allow(adopting bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.adopting = adopting
}

// suppose has the link read what it would take over as its own, without a word of it in the log.
func (l *lineage) suppose(from string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pretend = from
}

// take makes what is kept under a former name this link's: for everybody from the moment on that this is in the log, or not at all.
func (l *lineage) take(ctx context.Context, from string) error {
	value, err := json.Marshal(struct {
		failover.Event
		From string `json:"renamed_from"`
	}{failover.Event{Kind: failover.Noted, Link: l.self, At: time.Now().UTC(), Who: "leftoff",
		Why: fmt.Sprintf("link %s is called %s now: renamed_from in its configuration", nameOf(from), nameOf(l.self))}, from})
	if err != nil {
		return err
	}
	if err := l.Append(ctx, [][]byte{value}); err != nil {
		return fmt.Errorf("write %s on the secondary: %w", failover.Topic, err)
	}
	return nil
}
