package failover

import (
	"encoding/json"
	"fmt"
	"time"
)

// Kind of an event.
type Kind string

const (
	StateChanged Kind = "failover" // a step of a failover, with all of its state
	RoleChanged  Kind = "role"     // who writes a topic on the secondary
	GroupChanged Kind = "group"    // who a group belongs to
	Listed       Kind = "mirrored" // topics that the link has copies of on the secondary
	Noted        Kind = "note"     // something that a person should be able to read later
)

// Event is one record of the state topic.
type Event struct {
	Kind Kind      `json:"kind"`
	Link string    `json:"link"` // see LinkID
	At   time.Time `json:"at"`
	Who  string    `json:"who,omitempty"`
	Why  string    `json:"why,omitempty"`

	// After is the offset of the newest StateChanged event of the link that the writer knew, −1 for none. An event that is not
	// after the one before it lost a race, and counts for nothing.
	After int64  `json:"after,omitempty"`
	Nonce string `json:"nonce,omitempty"`
	// Under is the offset of the StateChanged event that a step wrote this under. Where another one followed first, the step had lost
	// the failover, and this counts for nothing. Nil: no step wrote it.
	Under *int64 `json:"under,omitempty"`
	State *State `json:"state,omitempty"`

	Topic string `json:"topic,omitempty"` // the primary's name
	Role  *Role  `json:"role,omitempty"`

	Topics []string `json:"topics,omitempty"` // of a Listed, by the primary's names

	Group   string `json:"group,omitempty"`
	Verdict string `json:"verdict,omitempty"` // taken_over, handed_over, reclaimed

	Replayed *Replayed `json:"replayed,omitempty"` // of a replay

	Offset int64 `json:"-"` // in the log
}

// LinkID is how a link is known in the log: by its name, because several may join the same clusters, and by both clusters' ids.
func LinkID(name, primaryID, secondaryID string) string {
	return name + colon + primaryID + arrow + secondaryID
}

const colon, arrow = ": ", " → "

func (e Event) encode() ([]byte, error) { return json.Marshal(e) }

func decode(offset int64, value []byte) (Event, error) {
	var e Event
	if err := json.Unmarshal(value, &e); err != nil {
		return e, fmt.Errorf("%s, offset %d: %w", Topic, offset, err)
	}
	e.Offset = offset
	return e, nil
}

// Known is what the log says of a link.
type Known struct {
	State  *State // of the newest failover, nil where there was none
	last   int64  // offset of its event
	Roles  map[string]Role
	Groups map[string]Event // the newest of each group
	// Mirrored are the topics that ever had a copy on the secondary, by the primary's names.
	Mirrored map[string]bool
	Events   []Event // all that count, oldest first
}

// fold reads the log of one link.
func fold(link string, all []Event) Known {
	k := Known{last: none, Roles: map[string]Role{}, Groups: map[string]Event{}, Mirrored: map[string]bool{}}
	start := int64(0) // of the log: what a person deleted before it is not missed, or nothing after it would count
	if len(all) > 0 {
		start = all[0].Offset
	}
	for _, e := range all {
		if e.Link != link || e.Under != nil && *e.Under != k.last && *e.Under >= start {
			continue
		}
		switch e.Kind {
		case StateChanged:
			first := k.last == none && e.After < start
			if e.After != k.last && !first || e.State == nil {
				continue
			}
			k.State, k.last = e.State, e.Offset
		case RoleChanged:
			if e.Role != nil {
				k.Roles[e.Topic] = *e.Role
			}
		case GroupChanged:
			k.Groups[e.Group] = e
		case Listed:
			for _, topic := range e.Topics {
				k.Mirrored[topic] = true
			}
		}
		k.Events = append(k.Events, e)
	}
	return k
}

const none = -1
