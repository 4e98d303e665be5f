package failover

import (
	"context"
	"fmt"
)

// drain waits for the mirror to reach the primary's end. Open transactions are asked for first: what one of them commits before the end is
// asked for lies below that, and after it there is none. What topics hold that the secondary does not have at all never comes: that is a person's to accept.
func (m *Machine) drain(ctx context.Context, s *State, v View, topics []string, o Order) (result, error) {
	open, err := m.ground.Open(ctx, topics)
	if err != nil {
		return result{}, err
	}
	behind, err := m.ground.Behind(ctx, topics)
	if err != nil {
		return result{}, err
	}
	behind, absent := split(behind, v.Absent)
	var coming []string
	if len(behind) > 0 {
		coming = append(coming, fmt.Sprintf("%s are not mirrored yet, most of all %s. Producers that still write there keep this waiting", counts(behind), part(behind[0])))
	}
	for _, u := range open[:min(len(open), few)] {
		coming = append(coming, fmt.Sprintf("a transaction is open on %s/%d, since offset %d: what it commits would stay on the primary. "+
			"Try: stop its producer; one that died without a word is ended by kafka-transactions.sh find-hanging, then abort", u.Topic, u.Partition, u.From))
	}
	if more := len(open) - few; more > 0 {
		coming = append(coming, fmt.Sprintf("transactions are open on %d more partitions", more))
	}
	said := "everything on the primary is on the secondary"
	if never := absences(absent); len(never) > 0 {
		if !s.accepts(o, never) {
			return result{waits: append(coming, never...), person: len(coming) == 0}, nil
		}
		said += fmt.Sprintf(", but for %s of topics that it does not have, most of all %s", counts(absent), part(absent[0]))
	}
	return result{waits: coming, said: said}, nil
}

// counts says how much of a list there is.
func counts(all []Unmirrored) string {
	left := int64(0)
	for _, u := range all {
		left += u.To - u.From
	}
	return fmt.Sprintf("%d offsets in %d partitions", left, len(all))
}

// part names a part of a partition, by its first and last offset.
func part(u Unmirrored) string {
	return fmt.Sprintf("%s/%d from %d to %d", u.Topic, u.Partition, u.From, u.To-1)
}

// leftOnPrimary are sentences on what the fence came too early for: producers that came back between the last look at the primary and
// the switch. Nothing is lost of it, as long as the primary is there: it waits for the way home.
func (m *Machine) leftOnPrimary(ctx context.Context, topics []string) (all []string) {
	if len(topics) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	open, err := m.ground.Open(ctx, topics)
	if err == nil && len(open) > 0 {
		all = append(all, fmt.Sprintf("a transaction was open on the primary when the topics were switched, on %s/%d since offset %d (%d partitions in all): what it commits is not on the secondary. "+
			"Try: leftoff failback, which says what it was, or rollback while no group has started", open[0].Topic, open[0].Partition, open[0].From, len(open)))
	}
	left, behind := m.ground.Behind(ctx, topics)
	switch {
	case err != nil, behind != nil:
		all = append(all, "whether producers wrote on the primary until the topics were switched is not known: it did not answer then. Try: leftoff failback, which says what the secondary never got")
	case len(left) > 0:
		all = append(all, fmt.Sprintf("%s were written on the primary while the topics were being switched, and are not on the secondary, most of all %s. Its producers still run, or came back. "+
			"Try: stop them; leftoff failback says what they wrote, or rollback while no group has started", counts(left), part(left[0])))
	}
	return all
}
