package mirror

import "github.com/leftoff/leftoff/translate"

// mark is what the aligner knows of a record.
type mark struct {
	offset int64
	print  uint64 // of timestamp, key, value and headers (fingerprint.go)
	key    uint64 // of the key; 0 where there is none
	own    bool   // on the secondary: written under one of our producer ids
}

// alignRules says what an alignment may conclude.
type alignRules struct {
	// behind and ahead bound the search, in records of the primary.
	behind, ahead int
	// ownKnown: every producer id we ever used here is known, so that a record under another one is no copy of ours
	// unless it is exactly the next one expected.
	ownKnown bool
	// compacted: either side compacts, so a record may have lost its counterpart to a later one of the same key.
	compacted bool
	// rebuild: nothing is known; what matches nothing and lies below every copy is former content, not foreign.
	rebuild bool
}

// alignment is what a stretch of the secondary turned out to be.
type alignment struct {
	runs    []translate.Run  // by secondary offset; Primary may go back (re-copies)
	foreign []translate.Span // nobody's copy
	// resume is the primary offset to copy from: the first record without a copy.
	resume int64

	copies, duplicates, former, foreigners int64
	vanished                               int64 // ours, but the original is no longer on the primary
	ambiguous                              int64 // equal to several records; left out of the runs
	missing                                int64 // primary records passed over: they are copied again
	open                                   bool  // what stands behind the last run is not known record by record
}

// aligner explains a stretch of the secondary, record by record in order, as copies of the primary's records.
//
//	primary    … old … | 0  1  2  3  4  5  6 …      indices, not offsets: holes do not count
//	                     └ window ┘  ^        ^
//	                              cursor    front = first never seen on the secondary
//
// Copies are in order up to re-copies, so the record expected next (at the cursor) is tried first, then the front, and
// only then the window is searched. Where several places fit, the one that yields the lower position wins: a wrong guess
// may cause a record to be copied or read again, never to be skipped.
type aligner struct {
	rules alignRules
	next  func() ([]mark, error) // the primary's records from the start of the alignment on; none at the end
	older func() ([]mark, error) // those before it, fetched only when a search needs them

	old    []mark
	window []mark
	copied []bool
	first  int // index of window[0]
	cursor int
	front  int
	ended  bool

	heads    map[uint64]int // print → its highest index; nil until the first search
	prev     map[int]int    // index → next lower one of the same print
	anchored bool           // something matched
	open     bool           // the gap before the next run is not proven
	start    int64          // primary offset where the alignment started

	unplaced   []unplaced
	unplacedBy map[uint64][]int // compacted: key → places in unplaced
	missing    map[int]mark
	missingBy  map[uint64][]int // compacted: key → indices missing
	out        alignment
}

type unplaced struct {
	offset int64
	key    uint64
	gone   bool // explained: a later record of its key was copied
}

func newAligner(rules alignRules, from int64, next, older func() ([]mark, error)) *aligner {
	return &aligner{rules: rules, next: next, older: older, start: from,
		unplacedBy: map[uint64][]int{}, missing: map[int]mark{}, missingBy: map[uint64][]int{}}
}

// add takes the secondary's next record.
func (a *aligner) add(q mark) error {
	k, found, err := a.place(q)
	switch {
	case err != nil:
		return err
	case found == one:
		a.match(q, k)
	case found == several:
		a.out.ambiguous++
		a.open = true
	case q.own && a.ended: // the primary was searched to its end: the original is not there any more, but its copy is
		a.out.vanished++
		a.open = true
	case a.rules.rebuild && !a.anchored:
		a.out.former++
		a.open = true // or copies of what the primary has deleted since
	default:
		a.leave(q)
	}
	return nil
}

func (a *aligner) leave(q mark) {
	if a.rules.compacted && q.key != 0 && !a.rules.ownKnown {
		a.open = true
		a.unplacedBy[q.key] = append(a.unplacedBy[q.key], len(a.unplaced))
	}
	a.unplaced = append(a.unplaced, unplaced{offset: q.offset, key: q.key})
}

type found uint8

const (
	none found = iota
	one
	several
)

func (a *aligner) place(q mark) (int, found, error) {
	for _, k := range [...]int{a.cursor, a.front} {
		m, ok, err := a.at(k)
		if err != nil {
			return 0, none, err
		}
		if ok && m.print == q.print {
			return k, one, nil
		}
	}
	if a.rules.ownKnown && !q.own {
		return 0, none, nil
	}
	return a.search(q)
}

// search looks for q in the window: ahead of the front first, because passing records over is mended by copying them
// again, while a copy of something ahead taken for a re-copy would let positions rise above it.
func (a *aligner) search(q mark) (int, found, error) {
	if err := a.lookAround(q); err != nil {
		return 0, none, err
	}
	ahead, behind, behinds := -1, 0, 0
	lowest := a.first - len(a.old)
	if a.first > 0 {
		lowest = a.first // old records were evicted from the start, too
	}
	k, ok := a.heads[q.print]
	for ok && k >= lowest {
		if k >= a.front {
			ahead = k
		} else {
			behind, behinds = k, behinds+1
		}
		k, ok = a.prevOf(k)
	}
	switch {
	case ahead >= 0:
		return ahead, one, nil
	case behinds == 1:
		return behind, one, nil
	case behinds > 1:
		return 0, several, nil
	}
	return 0, none, nil
}

func (a *aligner) prevOf(k int) (int, bool) { p, ok := a.prev[k]; return p, ok }

// lookAround widens the window: the older records once, and ahead as far as the rules let; to the end of the primary for
// a record that is certainly ours.
func (a *aligner) lookAround(q mark) error {
	if a.heads == nil {
		if err := a.index(); err != nil {
			return err
		}
	}
	for !a.ended && a.first+len(a.window)-a.front < a.rules.ahead {
		if err := a.pull(); err != nil {
			return err
		}
	}
	for q.own && !a.ended && len(a.window) < maxWindow {
		if _, ok := a.heads[q.print]; ok {
			break
		}
		if err := a.pull(); err != nil {
			return err
		}
	}
	return nil
}

// maxWindow bounds what an alignment keeps in memory (about 100 bytes a record once it searches).
const maxWindow = 2 << 20

func (a *aligner) index() error {
	a.heads, a.prev = map[uint64]int{}, map[int]int{}
	if a.older != nil && a.first == 0 {
		old, err := a.older()
		if err != nil {
			return err
		}
		a.old = old
		for i, m := range a.old {
			a.enter(i-len(a.old), m.print)
		}
	}
	for i, m := range a.window {
		a.enter(a.first+i, m.print)
	}
	return nil
}

func (a *aligner) enter(k int, print uint64) {
	if p, ok := a.heads[print]; ok {
		a.prev[k] = p
	}
	a.heads[print] = k
}

// at returns the primary's record of index k, reading on when needed.
func (a *aligner) at(k int) (mark, bool, error) {
	for k >= a.first+len(a.window) && !a.ended {
		if err := a.pull(); err != nil {
			return mark{}, false, err
		}
	}
	switch {
	case k >= a.first && k < a.first+len(a.window):
		return a.window[k-a.first], true, nil
	case k < 0 && -k <= len(a.old) && a.first == 0:
		return a.old[len(a.old)+k], true, nil
	}
	return mark{}, false, nil
}

func (a *aligner) pull() error {
	more, err := a.next()
	if err != nil {
		return err
	}
	if len(more) == 0 {
		a.ended = true
		return nil
	}
	for _, m := range more {
		if a.heads != nil {
			a.enter(a.first+len(a.window), m.print)
		}
		a.window, a.copied = append(a.window, m), append(a.copied, false)
	}
	a.evict()
	return nil
}

// evict forgets what lies further behind the front than the rules ask for.
func (a *aligner) evict() {
	n := a.front - a.first - a.rules.behind
	if n < a.rules.behind || n <= 0 {
		return
	}
	for i := range a.window[:n] {
		k := a.first + i
		if a.heads != nil {
			if a.heads[a.window[i].print] == k {
				delete(a.heads, a.window[i].print)
			}
			delete(a.prev, k)
		}
	}
	a.window = append([]mark(nil), a.window[n:]...)
	a.copied = append([]bool(nil), a.copied[n:]...)
	a.first += n
	a.old = nil
}

// match records that q is a copy of the primary's record k.
func (a *aligner) match(q mark, k int) {
	m, _, _ := a.at(k)
	if k < a.front && (k < a.first || a.copied[k-a.first]) {
		a.out.duplicates++
	}
	if k >= a.front {
		a.passOver(k)
		a.front = k + 1
	}
	delete(a.missing, k)
	if k >= a.first {
		a.copied[k-a.first] = true
	}
	a.cursor, a.anchored = k+1, true
	a.out.copies++
	if a.rules.compacted {
		a.explain(m.key, k)
	}
	a.extend(m.offset, q.offset)
}

// passOver notes the records between the front and k as missing: no copy of them was seen so far.
func (a *aligner) passOver(k int) {
	for i := a.front; i < k; i++ {
		m := a.window[i-a.first]
		a.missing[i] = m
		if a.rules.compacted && m.key != 0 {
			a.missingBy[m.key] = append(a.missingBy[m.key], i)
		}
	}
}

// explain drops what compaction removed on one side only: an older record of a key whose later record, k, was copied.
func (a *aligner) explain(key uint64, k int) {
	if key == 0 {
		return
	}
	newer := a.missingBy[key][:0:0]
	for _, m := range a.missingBy[key] {
		if m < k {
			delete(a.missing, m)
		} else {
			newer = append(newer, m)
		}
	}
	a.missingBy[key] = newer
	if k+1 < a.front {
		return // a re-copy says nothing of what stands before it
	}
	for _, i := range a.unplacedBy[key] {
		a.unplaced[i].gone = true
	}
	delete(a.unplacedBy, key)
}

// extend adds a copy to the runs. A gap is closed although records were passed over in it: the stretch was enumerated, so they
// are not mirrored yet, and when they are, it is above.
func (a *aligner) extend(primary, secondary int64) {
	open := a.open
	a.open = false
	if n := len(a.out.runs); n > 0 && !open {
		last := &a.out.runs[n-1]
		if last.PrimaryEnd() == primary && last.SecondaryEnd() == secondary {
			last.Length++
			return
		}
	}
	a.out.runs = append(a.out.runs, translate.Run{Primary: primary, Secondary: secondary, Length: 1, Closed: !open})
}

// superseded finds copies of what the primary's cleaner removed because of a record that is still to be copied.
func (a *aligner) superseded() {
	for i := max(0, a.front-a.first); i < len(a.window) && len(a.unplacedBy) > 0; i++ {
		for _, u := range a.unplacedBy[a.window[i].key] {
			a.unplaced[u].gone = true
		}
	}
}

// finish returns what was learnt. The record at the front is the next to copy, unless one before it is missing.
func (a *aligner) finish() alignment {
	out := &a.out
	a.superseded()
	out.open = a.open
	out.resume = a.end()
	for _, m := range a.missing {
		out.missing++
		out.resume = min(out.resume, m.offset)
	}
	for _, u := range a.unplaced {
		if u.gone {
			out.vanished++
			continue
		}
		out.foreigners++
		if n := len(out.foreign); n > 0 && out.foreign[n-1].To == u.offset {
			out.foreign[n-1].To++
			continue
		}
		out.foreign = append(out.foreign, translate.Span{From: u.offset, To: u.offset + 1})
	}
	return *out
}
