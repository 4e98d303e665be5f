package judge

import (
	"cmp"
	"fmt"
	"slices"
	"sort"
	"time"
)

// Check holds everything ever written on the secondary against the rules, and returns what is wrong, in a stable order.
// Positions can only be judged for the topics of which Copies are given; the other rules are checked for all.
func (h *History) Check(r Rules, copies ...*Copies) []Violation {
	c := newChecker(r.withDefaults(), h.Primary, copies)
	var all []Violation
	for _, log := range []*Log{h.Primary, h.Secondary} {
		for _, b := range log.Broken() {
			all = append(all, Violation{Rule: Undecodable, Why: b})
		}
	}
	for _, w := range h.Secondary.Writes() {
		all = append(all, c.write(w)...)
	}
	return append(all, c.missing(h.Primary.Ledger(), h.Secondary.Ledger())...)
}

// checker walks the secondary's writes in order.
type checker struct {
	Rules
	copies   map[string]*Copies // by the secondary's topic
	renamed  map[string]string  // primary's topic → secondary's
	commits  map[Key][]commit   // by the secondary's key, in order
	last     map[Key]Write      // what the secondary held before
	touched  map[string]string  // group → why it is taken over
	previous map[Key]Write      // our last write, until something else came between
	written  map[string]bool    // groups that we wrote: first contact is over
}

// commit is a primary commit and the time from which it counted.
type commit struct {
	offset int64
	from   time.Time // when it was made
	until  time.Time // when it was superseded; zero: it was not
}

func newChecker(r Rules, primary *Log, copies []*Copies) *checker {
	c := &checker{Rules: r, copies: make(map[string]*Copies), renamed: make(map[string]string), commits: make(map[Key][]commit),
		last: make(map[Key]Write), touched: make(map[string]string), previous: make(map[Key]Write), written: make(map[string]bool)}
	for _, x := range copies {
		c.copies[x.Secondary] = x
		c.renamed[x.Primary] = x.Secondary
	}
	for _, w := range primary.Writes() {
		if w.Value == nil {
			continue // policy tombstones: keep. What was committed before goes on counting
		}
		k := c.secondaryKey(w.Key)
		list := c.commits[k]
		at := w.at()
		if n := len(list); n > 0 {
			list[n-1].until = at
		}
		c.commits[k] = append(list, commit{offset: w.Value.Offset, from: at})
	}
	return c
}

// at is when a write began to count, by its broker's clock.
func (w Write) at() time.Time {
	if w.Transactional || w.Value == nil {
		return w.At
	}
	return w.Value.Committed
}

func (c *checker) secondaryKey(k Key) Key {
	if t, ok := c.renamed[k.Topic]; ok {
		k.Topic = t
	}
	return k
}

func (c *checker) write(w Write) []Violation {
	var found []Violation
	before, held := c.last[w.Key]
	held = held && before.Value != nil
	if c.ours(w) {
		found = append(found, c.live(w)...)
		found = append(found, c.clobber(w, before, held)...)
		found = append(found, c.ahead(w)...)
		found = append(found, c.backwards(w)...)
		c.previous[w.Key], c.written[w.Group] = w, true
	} else {
		delete(c.previous, w.Key)
		if w.Value != nil && !c.leftoff(w) && c.strange(w) {
			c.touched[w.Group] = fmt.Sprintf("somebody else committed %d to %s/%d (record %d/%d)", w.Value.Offset, w.Topic, w.Partition, w.OffsetsPart, w.Record)
		}
	}
	c.last[w.Key] = w
	return found
}

// leftoff reports that any leftoff committed it: also another link's, and a value that was put back.
func (c *checker) leftoff(w Write) bool {
	_, _, ok := w.Value.Stamp()
	return ok || c.mark(w)
}

// strange values take a group over: those that first contact may not adopt.
func (c *checker) strange(w Write) bool {
	switch c.FirstContact {
	case Overwrite:
		return false
	case Keep:
		return true
	}
	return w.Known || w.Value.LeaderEpoch != -1 || c.written[w.Group]
}

func (c *checker) live(w Write) []Violation {
	switch {
	case w.Live > 0:
		return []Violation{violation(NeverLive, w, "the group has %d members", w.Live)}
	case c.Reclaimed[w.Group]:
		return nil
	case w.Joined:
		return []Violation{violation(NeverTakenOver, w, "the group has had members here and nobody reclaimed it")}
	case c.touched[w.Group] != "":
		return []Violation{violation(NeverTakenOver, w, "%s and nobody reclaimed the group", c.touched[w.Group])}
	}
	return nil
}

func (c *checker) clobber(w, before Write, held bool) []Violation {
	if !held || c.mark(before) || c.Reclaimed[w.Group] || c.FirstContact == Overwrite {
		return nil
	}
	v := *before.Value
	why := ""
	switch {
	case c.FirstContact == Keep:
		why = "the policy is keep"
	case before.Known:
		why = "the group was known here"
	case v.LeaderEpoch != -1:
		why = fmt.Sprintf("it has leader epoch %d: a consumer wrote it", v.LeaderEpoch)
	case c.written[w.Group]:
		why = "first contact was over"
	case v.Offset > w.Value.Offset:
		why = "it was ahead"
	default:
		return nil
	}
	return []Violation{violation(NeverClobber, w, "over %d, which no leftoff wrote (record %d): %s", v.Offset, before.Record, why)}
}

// sources returns the primary commits [begin, end) that a write may come from: the newest made before it, those superseded
// less than Slack before it, and those made so shortly after that the clocks may be the reason.
func (c *checker) sources(w Write) (begin, end int) {
	at := w.at()
	list := c.commits[w.Key]
	end = sort.Search(len(list), func(i int) bool { return list[i].from.After(at.Add(c.Skew)) })
	begin = max(0, end-1)
	for begin > 0 && !list[begin-1].until.Before(at.Add(-c.Slack)) {
		begin--
	}
	return begin, end
}

func (c *checker) ahead(w Write) []Violation {
	begin, end := c.sources(w)
	if begin == end {
		return []Violation{violation(NeverInvented, w, "the primary has no commit of this key before it")}
	}
	x := c.copies[w.Topic]
	if x == nil || x.partitions[w.Partition] == nil {
		return nil
	}
	best, of := int64(-1), int64(0)
	for _, s := range c.commits[w.Key][begin:end] {
		if t := x.T(w.Partition, s.offset); t > best {
			best, of = t, s.offset
		}
	}
	if w.Value.Offset <= best {
		return nil
	}
	return []Violation{violation(NeverAhead, w, "T(%d) is %d, and no other commit of its time allows more (%d looked at)", of, best, end-begin)}
}

func (c *checker) backwards(w Write) []Violation {
	before, ok := c.previous[w.Key]
	if !ok || w.Value.Offset >= before.Value.Offset || (c.Fell != nil && c.Fell(w.Key)) {
		return nil
	}
	if c.RewindNever {
		return []Violation{violation(NeverBackwards, w, "from %d, and the policy is rewind: never", before.Value.Offset)}
	}
	// It went back if a commit that this write may come from is lower than an earlier one that the last may come from.
	list := c.commits[w.Key]
	begin, end := c.sources(before)
	lowest, last := c.sources(w)
	for i := begin; i < end; i++ {
		for j := max(i+1, lowest); j < last; j++ {
			if list[j].offset < list[i].offset {
				return nil
			}
		}
	}
	return []Violation{violation(NeverBackwards, w, "from %d, and the primary's commits did not go back", before.Value.Offset)}
}

func (c *checker) missing(primary, secondary map[Key]Write) []Violation {
	var found []Violation
	for k, w := range primary {
		to := c.secondaryKey(k)
		x := c.copies[to.Topic]
		if w.Value == nil || !c.wants(k.Group) || x == nil || x.partitions[k.Partition] == nil || c.Holds[to] != "" {
			continue
		}
		if have, ok := secondary[to]; !ok || have.Value == nil {
			found = append(found, Violation{Rule: NeverMissing, Key: to, Why: fmt.Sprintf("the primary has %d, the secondary nothing, and no hold says why", w.Value.Offset)})
		}
	}
	slices.SortFunc(found, func(a, b Violation) int { return cmp.Compare(a.Key.String(), b.Key.String()) })
	return found
}
