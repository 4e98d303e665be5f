package daemon

import (
	"cmp"
	"encoding/hex"
	"fmt"
	"slices"

	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/replicator/failover"
	"github.com/leftoff/leftoff/replicator/kafka"
	"github.com/leftoff/leftoff/translate"
)

// replays are what --replay has produced to the secondary, now or on earlier ways home, by partition of the secondary. Each record of it is on the
// primary already, so that the way home does not copy it, and below everything that comes home:
//
//	primary    ─── copied ───┤P* replayed ├── comes home ──▶
//	secondary  ─── copied ───┤S* produced there │ replayed │ produced there ──▶
//	                                            ^ who stands here, or before, has not read the replayed records: it goes on where they are on
//	                                              the primary, and reads again what it read from S* on. Past them it is as without them
type replays map[kafka.TopicPartition]*replayedPart

type replayedPart struct {
	topicID string           // of the secondary's topic, in hex
	places  []failover.Place // by offset of the secondary
	least   []int64          // the least offset of the primary from each place on
	mark    failover.Mark    // of the switch
}

// replaysOf are those of a log that still mean something where these topics are switched.
func (g ground) replaysOf(k failover.Known, switched map[string]failover.Role) replays {
	all := replays{}
	for _, r := range k.AllReplays() {
		for _, p := range r.Parts {
			if _, ok := switched[p.Topic]; !ok || len(p.Places) == 0 {
				continue
			}
			tp := kafka.TopicPartition{Topic: p.There, Partition: p.Partition}
			if all[tp] == nil || all[tp].topicID != p.ThereID { // made anew since: what is newer counts
				all[tp] = &replayedPart{topicID: p.ThereID, mark: markOf(switched[p.Topic], p.Partition)}
			}
			all[tp].places = append(all[tp].places, p.Places...)
		}
	}
	for _, p := range all {
		slices.SortFunc(p.places, func(a, b failover.Place) int { return cmp.Compare(a[0], b[0]) })
		p.least = make([]int64, len(p.places))
		for i := len(p.places) - 1; i >= 0; i-- {
			p.least[i] = p.places[i][1]
			if i+1 < len(p.places) {
				p.least[i] = min(p.least[i], p.least[i+1])
			}
		}
	}
	return all
}

func markOf(role failover.Role, n int32) failover.Mark {
	for _, m := range role.Marks {
		if m.Partition == n {
			return m
		}
	}
	return failover.Mark{Partition: n, Primary: unknown}
}

// unended is an error where a replay of a way home was broken off: what it produced would be copied home, and be there twice.
func unended(all []failover.Replayed) error {
	for _, r := range all {
		if !r.Placed {
			return fmt.Errorf("a --replay was broken off, and what it has produced to the secondary is not written down. Try: leftoff failback --replay, which ends it")
		}
	}
	return nil
}

// from is the least offset of the primary of the records that were replayed at an offset of the secondary or past it.
func (p *replayedPart) from(offset int64) (at int64, some bool) {
	i, _ := slices.BinarySearchFunc(p.places, offset, func(of failover.Place, offset int64) int {
		if of[0]+of[2] <= offset {
			return -1
		}
		return 1
	})
	if i == len(p.places) {
		return 0, false
	}
	of := p.places[i]
	at = of[1] + max(0, offset-of[0])
	if i+1 < len(p.places) {
		at = min(at, p.least[i+1])
	}
	return at, true
}

// end is past the last of them on the primary.
func (p *replayedPart) end() (end int64) {
	for _, of := range p.places {
		end = max(end, of[1]+of[2])
	}
	return end
}

// spans are the offsets of the secondary's topic with an id.
func (r replays) spans(id [16]byte, partition int32) (all []translate.Span) {
	for tp, p := range r {
		if tp.Partition != partition || p.topicID != hex.EncodeToString(id[:]) {
			continue
		}
		for _, of := range p.places {
			all = append(all, translate.Span{From: of[0], To: of[0] + of[2]})
		}
	}
	return all
}

// skipping is spans, worked out once.
func (r replays) skipping() func(id [16]byte, partition int32) []translate.Span {
	if len(r) == 0 {
		return nil
	}
	type key struct {
		id        string
		partition int32
	}
	known := map[key][]translate.Span{}
	for tp, p := range r {
		var id [16]byte
		if n, err := hex.Decode(id[:], []byte(p.topicID)); err == nil && n == len(id) {
			known[key{p.topicID, tp.Partition}] = r.spans(id, tp.Partition)
		}
	}
	return func(id [16]byte, partition int32) []translate.Span {
		return known[key{hex.EncodeToString(id[:]), partition}]
	}
}

// besideReplays is the source of a way home with what was replayed.
type besideReplays struct {
	source
	of replays
}

// rereads is what a person should know of a position that is lower for the sake of replayed records.
const rereads = "who has not read what --replay produced to the secondary goes on where that is on the primary, and reads again what comes home after it. " +
	"Try: let such a group read to the end on the secondary first; or --accept"

// Forward lowers a position to the records that were replayed and that the group has not read.
func (b besideReplays) Forward(topic string, topicID [16]byte, partition int32, offset int64) replicator.Mapping {
	m := b.source.Forward(topic, topicID, partition, offset)
	p := b.of[kafka.TopicPartition{Topic: topic, Partition: partition}]
	if p == nil || m.Reason != replicator.NoReason || m.Position.Confidence == translate.Unmapped {
		return m
	}
	at, some := p.from(offset)
	if !some || p.end() <= m.Secondary.LogStart {
		return m // read, or gone
	}
	if at = max(at, m.Secondary.LogStart); at >= m.Position.Offset {
		return m
	}
	again, known := b.again(p, topic, topicID, partition, at, m.Position.Offset)
	switch pos := &m.Position; {
	case pos.Confidence == translate.Behind:
	case !known || pos.Reread < 0:
		pos.Confidence, pos.Reread, m.Detail = translate.Floor, -1, rereads
	case again > 0:
		pos.Confidence, pos.Reread, m.Detail = translate.Floor, pos.Reread+again, rereads
	}
	m.Position.Offset = at
	return m
}

// again bounds what is read again from at on by a group that has read what came home below would, and not what was replayed: what was copied above
// at, and what came home below.
func (b besideReplays) again(p *replayedPart, topic string, topicID [16]byte, partition int32, at, would int64) (n int64, known bool) {
	first := b.source.Forward(topic, topicID, partition, max(0, p.mark.Secondary))
	if first.Reason != replicator.NoReason || first.Position.Confidence != translate.Exact || p.mark.Primary < 0 {
		return 0, false
	}
	return max(0, would-first.Position.Offset) + max(0, min(p.mark.Primary, would)-at), true
}

// places are copies that replays made, of a pair of topics.
func (m *memory) places(primary, secondary [16]byte, partition int32) (all []translate.Run) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, r := range m.placed {
		for _, p := range r.Parts {
			if p.Partition != partition || p.TopicID != hex.EncodeToString(primary[:]) || p.ThereID != hex.EncodeToString(secondary[:]) {
				continue
			}
			for _, of := range p.Places {
				all = append(all, translate.Run{Primary: of[1], Secondary: of[0], Length: of[2]})
			}
		}
	}
	return all
}

// learned are runs for the link's own index of what was replayed since the switch, past what that knows already.
func (p *replayedPart) learned(tip int64) (all []translate.Run) {
	if p == nil {
		return nil
	}
	for _, of := range p.places {
		if of[0] >= max(tip, p.mark.Secondary) {
			all = append(all, translate.Run{Primary: of[1], Secondary: of[0], Length: of[2], Closed: true})
		}
	}
	return all
}
