package failover

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// Topic is the log on the secondary.
const Topic = "leftoff-state"

// Log is the state topic.
type Log interface {
	// Append is durable when it returns. One that failed may have been written all the same.
	Append(ctx context.Context, values [][]byte) error
	// Read yields everything, oldest first. A topic that is not there is empty.
	Read(ctx context.Context, yield func(offset int64, value []byte)) error
}

// Store is what the log says of one link.
type Store struct {
	log  Log
	link string
	now  func() time.Time

	mu    sync.Mutex
	read  []record // what was read last
	known Known    // and what it says
}

// record is one of the log, decoded once: the log only grows, and is read every few seconds.
type record struct {
	offset int64
	value  []byte
	event  Event
}

// NewStore returns the store of a link.
func NewStore(log Log, link string) *Store {
	return &Store{log: log, link: link, now: time.Now, known: fold(link, nil)}
}

// Load reads the log. A record that can't be read is an error: it may be what must not be forgotten.
// Nobody changes a Known.
func (s *Store) Load(ctx context.Context) (Known, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []record
	var bad error
	same := true // as last time, so far
	err := s.log.Read(ctx, func(offset int64, value []byte) {
		if n := len(all); n < len(s.read) && s.read[n].offset == offset && bytes.Equal(s.read[n].value, value) {
			all = append(all, s.read[n])
			return
		}
		e, err := decode(offset, value)
		if err != nil && bad == nil {
			bad = err
		}
		same, all = false, append(all, record{offset, bytes.Clone(value), e})
	})
	if err = errors.Join(err, bad); err != nil {
		return Known{}, fmt.Errorf("read %s: %w", Topic, err)
	}
	if same && len(all) == len(s.read) {
		return s.known, nil
	}
	events := make([]Event, len(all))
	for i := range all {
		events[i] = all[i].event
	}
	s.read, s.known = all, fold(s.link, events)
	return s.known, nil
}

// Primaries lists the cluster ids of the primaries that a log knows for a link, the one that was written of last at the end; others are the names of links that it knows to the same
// secondary.
func Primaries(ctx context.Context, log Log, name, secondaryID string) (primaries, others []string, err error) {
	err = log.Read(ctx, func(offset int64, value []byte) {
		e, err := decode(offset, value)
		rest, ok := strings.CutSuffix(e.Link, arrow+secondaryID)
		at := strings.LastIndex(rest, colon)
		if err != nil || !ok || at < 0 {
			return
		}
		switch of, primary := rest[:at], rest[at+len(colon):]; {
		case of != name && !slices.Contains(others, of) && !wayHome.MatchString(of):
			others = append(others, of)
		case of == name:
			primaries = append(slices.DeleteFunc(primaries, func(p string) bool { return p == primary }), primary)
		}
	})
	return primaries, others, err
}

// Others is what the log says of links with other names between the same clusters, by name. Ways home are none.
func (s *Store) Others(ctx context.Context) (map[string]Known, error) {
	if _, err := s.Load(ctx); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	pair := s.link[strings.LastIndex(s.link, colon):]
	ids := map[string]string{}
	events := make([]Event, len(s.read))
	for i := range s.read {
		e := s.read[i].event
		events[i] = e
		if name, ok := strings.CutSuffix(e.Link, pair); ok && e.Link != s.link && !wayHome.MatchString(name) {
			ids[name] = e.Link
		}
	}
	all := make(map[string]Known, len(ids))
	for name, id := range ids {
		all[name] = fold(id, events)
	}
	return all, nil
}

// wayHome is what a way home is called: after its link, and the id of its failback.
var wayHome = regexp.MustCompile(`-home-\d{8}-\d{6}-[0-9a-f]{4}$`)

// goesHome: it is the store of a way home.
func (s *Store) goesHome() bool {
	at := strings.LastIndex(s.link, colon)
	return at >= 0 && wayHome.MatchString(s.link[:at])
}

// WaysHome are the ways home of a link that a log knows, by id, and when each was last heard of. They are kept on the cluster they lead to, the link's
// primary: ids are those of the link itself.
func WaysHome(ctx context.Context, log Log, name, primaryID, secondaryID string) (map[string]time.Time, error) {
	all := map[string]time.Time{}
	err := log.Read(ctx, func(offset int64, value []byte) {
		e, err := decode(offset, value)
		way, ok := strings.CutSuffix(e.Link, LinkID("", secondaryID, primaryID))
		suffix := wayHome.FindString(way)
		if err != nil || !ok || suffix == "" || way != name+suffix {
			return
		}
		if id := strings.TrimPrefix(suffix, "-home-"); e.At.After(all[id]) {
			all[id] = e.At
		}
	})
	return all, err
}

// ErrOvertaken: somebody else changed the failover first.
var ErrOvertaken = errors.New("somebody else is at this failover")

// Change writes the next state of a failover. It is the one that follows k, or ErrOvertaken.
func (s *Store) Change(ctx context.Context, k Known, next State) (Known, error) {
	e := Event{Kind: StateChanged, After: k.last, State: &next, Who: next.Who, Why: next.lastWhy(), Nonce: nonce()}
	if err := s.append(ctx, e); err != nil {
		return k, err
	}
	after, err := s.Load(ctx)
	if err != nil {
		return k, err
	}
	for _, other := range after.Events {
		if other.Nonce == e.Nonce {
			return after, nil
		}
	}
	if after.State != nil {
		return after, fmt.Errorf("%w: %s is at step %s since %s", ErrOvertaken, after.State.Who, after.State.Step, after.State.Changed.UTC().Format(time.RFC3339))
	}
	return after, ErrOvertaken
}

// SetRoles makes roles of topics durable.
func (s *Store) SetRoles(ctx context.Context, who, why string, roles map[string]Role) error {
	return s.setRoles(ctx, nil, who, why, roles)
}

func (s *Store) setRoles(ctx context.Context, under *int64, who, why string, roles map[string]Role) error {
	var all []Event
	for topic, r := range roles {
		all = append(all, Event{Kind: RoleChanged, Topic: topic, Role: &r, Who: who, Why: why, Under: under})
	}
	return s.append(ctx, all...)
}

// SetGroups makes it durable who groups belong to.
func (s *Store) SetGroups(ctx context.Context, who string, groups []Group) error {
	return s.setGroups(ctx, nil, who, groups)
}

func (s *Store) setGroups(ctx context.Context, under *int64, who string, groups []Group) error {
	var all []Event
	for _, g := range groups {
		all = append(all, Event{Kind: GroupChanged, Group: g.Name, Verdict: g.Verdict, Who: cmp.Or(g.Who, who), Why: g.Why, Under: under})
	}
	return s.append(ctx, all...)
}

// manyTopics is how many topics one event lists at most.
const manyTopics = 1_000

// SetMirrored makes it durable that topics have copies on the secondary: on the day when the primary and leftoff's machine are both gone
// nothing else tells of those that no group reads.
func (s *Store) SetMirrored(ctx context.Context, who string, topics []string) error {
	var all []Event
	for some := range slices.Chunk(topics, manyTopics) {
		all = append(all, Event{Kind: Listed, Topics: some, Who: who})
	}
	return s.append(ctx, all...)
}

// Group is a group with its verdict. Who: the person who said so, where that is somebody else than who writes it down.
type Group struct{ Name, Verdict, Why, Who string }

// Note writes something for whoever reads the audit.
func (s *Store) Note(ctx context.Context, who, what string) error {
	return s.append(ctx, Event{Kind: Noted, Who: who, Why: what})
}

func (s *Store) append(ctx context.Context, all ...Event) error {
	if len(all) == 0 {
		return nil
	}
	values := make([][]byte, len(all))
	for i, e := range all {
		e.Link, e.At = s.link, s.now().UTC()
		var err error
		if values[i], err = e.encode(); err != nil {
			return err
		}
	}
	if err := s.log.Append(ctx, values); err != nil {
		return fmt.Errorf("write %s on the secondary: %w", Topic, err)
	}
	return nil
}

func nonce() string {
	b := make([]byte, 8)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}
