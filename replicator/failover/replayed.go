package failover

import (
	"cmp"
	"context"
	"slices"

	"github.com/leftoff/leftoff/replicator/kafka"
)

// What a --replay produces to the secondary is on the primary already. So that the way home does not bring it there a second time, and knows
// which of the records are the same, the log says of every replay under which producer id it is about to produce what, before it does; and,
// when that is over, where each record is:
//
//	replay  producer 7 produces orders/0 10…16, the secondary ends at 40 there
//	        (killed here: the batches of producer 7 past 40 say how far it came)
//	replay  producer 7: 40…46 are 10…16
type Replayed struct {
	ID       string           `json:"id"` // of the way home
	Producer kafka.ProducerID `json:"producer"`
	Parts    []ReplayedPart   `json:"parts"`
	// Placed: it is over, and Of and Places are what it has produced. The rest was broken off.
	Placed bool `json:"placed,omitempty"`
}

// ReplayedPart is a partition of a replay.
type ReplayedPart struct {
	Topic     string     `json:"topic"`    // the primary's name
	TopicID   string     `json:"topic_id"` // of that topic, in hex
	Partition int32      `json:"partition"`
	There     string     `json:"there"` // the secondary's
	ThereID   string     `json:"there_id"`
	Of        [][2]int64 `json:"of"`    // from, to: the primary's offsets, in the order in which they are produced
	Since     int64      `json:"since"` // where the secondary ended before
	// Places are where the records are, in the order of both sides.
	Places []Place `json:"places,omitempty"`
}

// Place is of records that follow one another on both sides: offsets of the secondary and of the primary, and how many.
type Place [3]int64

func (p *ReplayedPart) found() (all []Unmirrored) {
	for _, of := range p.Of {
		all = append(all, Unmirrored{Topic: p.Topic, Partition: p.Partition, From: of[0], To: of[1]})
	}
	return all
}

// place notes where a record is.
func (p *ReplayedPart) place(secondary, primary int64) {
	if n := len(p.Places); n > 0 {
		last := &p.Places[n-1]
		if last[0]+last[2] == secondary && last[1]+last[2] == primary {
			last[2]++
			return
		}
	}
	p.Places = append(p.Places, Place{secondary, primary, 1})
}

// breakOff leaves of a part what was produced: it always is the first of it.
func (p *ReplayedPart) breakOff() {
	end := int64(-1)
	if n := len(p.Places); n > 0 {
		end = p.Places[n-1][1] + p.Places[n-1][2]
	}
	done := p.Of[:0:0]
	for _, of := range p.Of {
		if of[1] = min(of[1], end); of[0] < of[1] {
			done = append(done, of)
		}
	}
	p.Of = done
}

// ReplayChanged is the kind of the events that replays are kept in.
const ReplayChanged Kind = "replay"

// Replays are those of a way home, in order. Of two that would produce the same records the first counts, and of what is said of one's end.
func (k Known) Replays(id string) (all []Replayed) {
	for i := range k.Events {
		r := k.Events[i].Replayed
		if r == nil || r.ID != id {
			continue
		}
		at := slices.IndexFunc(all, func(was Replayed) bool { return was.Producer == r.Producer })
		switch {
		case at < 0 && !r.Placed && !r.overlaps(all):
			all = append(all, *r)
		case at >= 0 && r.Placed && !all[at].Placed:
			all[at] = *r
		}
	}
	return all
}

func (r *Replayed) overlaps(all []Replayed) bool {
	return slices.ContainsFunc(all, func(was Replayed) bool {
		return slices.ContainsFunc(was.found(), func(a Unmirrored) bool {
			return slices.ContainsFunc(r.found(), func(b Unmirrored) bool {
				return a.Topic == b.Topic && a.Partition == b.Partition && a.From < b.To && b.From < a.To
			})
		})
	})
}

func (r *Replayed) found() (all []Unmirrored) {
	for i := range r.Parts {
		all = append(all, r.Parts[i].found()...)
	}
	return all
}

// AllReplays are those of all ways home that were written down to their end.
func (k Known) AllReplays() (all []Replayed) {
	seen := map[string]bool{}
	for i := range k.Events {
		if r := k.Events[i].Replayed; r != nil && !seen[r.ID] {
			seen[r.ID] = true
			all = append(all, k.Replays(r.ID)...)
		}
	}
	return slices.DeleteFunc(all, func(r Replayed) bool { return !r.Placed })
}

// newReplay is a replay of what is found, partition by partition.
func newReplay(id string, producer kafka.ProducerID, found []Unmirrored, there func(string) string) *Replayed {
	r := &Replayed{ID: id, Producer: producer}
	found = slices.Clone(found)
	slices.SortStableFunc(found, func(a, b Unmirrored) int {
		return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition), cmp.Compare(a.From, b.From))
	})
	for _, d := range found {
		n := len(r.Parts)
		if n == 0 || r.Parts[n-1].Topic != d.Topic || r.Parts[n-1].Partition != d.Partition {
			r.Parts = append(r.Parts, ReplayedPart{Topic: d.Topic, Partition: d.Partition, There: there(d.Topic)})
			n++
		}
		r.Parts[n-1].Of = append(r.Parts[n-1].Of, [2]int64{d.From, d.To})
	}
	return r
}

func (s *Store) setReplayed(ctx context.Context, who, why string, r *Replayed) error {
	return s.append(ctx, Event{Kind: ReplayChanged, Who: who, Why: why, Replayed: r})
}
