package translate

import (
	"errors"
	"math"
)

var (
	// ErrOrder: a run or frontier lies below what was said before.
	ErrOrder = errors.New("lies below what was said before")
	// ErrOverlap: an offset of the secondary was called a copy and foreign, too.
	ErrOverlap = errors.New("an offset cannot be both a copy and foreign")
	// ErrRange: a negative offset, or an empty range.
	ErrRange = errors.New("negative offset or empty range")
)

// None is what Low and Mark hold when there is nothing to say.
const None = math.MaxInt64

// Copies is everything known about one partition's copies. The zero value, with Low and Mark None, knows nothing; New makes one.
// Not safe for concurrent use; Forward, Reverse and the other lookups may run side by side.
//
// Invariants (Check proves them, the property tests hold them against a model that keeps every single copy):
//
//   - no two runs share a secondary offset; no two runs of Main and Pending share a primary offset: together they hold
//     exactly the last copy of every mirrored record
//   - Main is sorted by primary and by secondary offset at once. A last copy is in Main if and only if no later primary
//     record has its last copy below it. So T(u) is the first point of Main at or after u
//   - each run in Pending has a run of Main after it on the primary and below it on the secondary
//   - the greatest mirrored primary record is in Main
//   - a run of Main is Closed only when every primary offset between its predecessor and it is known: unmirrored,
//     or copied in Pending. Where knowledge is merged, it is merged by "and"
type Copies struct {
	// Main is the end of the main line; everything before Main[0] is with Older.
	Main []Run
	// Pending holds last copies that a later record's last copy undercuts, by primary offset.
	Pending []Run
	// Dead holds copies that were made again later, by secondary offset.
	Dead []Run

	Frontier    Frontier
	HasFrontier bool
	// Tip is the secondary offset past everything appended: no later copy lands below it.
	Tip int64
	// Past is what is left of pruned runs.
	Past Past
	// Veils are what open gaps left behind.
	Veils []Veil
	// Foreign are the unaccepted spans, sorted and apart; Accepted is the offset below which they were accepted.
	Foreign  []Span
	Accepted int64
	// NextOpen says that the gap after the last run is open: a truncation cut something off that nobody had looked at.
	NextOpen bool

	// Older holds the runs before Main[0]; nil when there are none.
	Older Older
	// Mark voids every older run with a lower primary offset: pruned, but not dropped from disk yet.
	Mark int64
	// Low is the least primary offset at which Main was changed since it was last set to None.
	Low int64

	lowest int64 // see lowestPending
}

// Past remembers what pruning took away. Primary and Secondary: the ends of the pruned part of the main line. Runs are
// pruned when either log start has passed them; a copy that the other side still has makes the answers below it a floor
// until that log start has passed it, too: LostCopies is the secondary end of such copies, LostHome the primary end.
// Forgotten is the primary end of records whose first copies may be unknown: dead ones that were pruned, and those that a
// later copy showed to lie in an open gap.
type Past struct {
	Primary, Secondary   int64
	LostCopies, LostHome int64
	Forgotten            int64
}

// New knows nothing.
func New() *Copies { return &Copies{Mark: None, Low: None} }

// Advance moves the frontier. It asserts that every copy of a record below f.Primary has been appended or lies in an open
// gap before a run that has: positions past the last run rest on it. Going back is ErrOrder.
func (c *Copies) Advance(f Frontier) error {
	switch {
	case f.Primary < 0 || f.Secondary < 0:
		return ErrRange
	case c.HasFrontier && (f.Primary < c.Frontier.Primary || f.Secondary < c.Frontier.Secondary):
		return ErrOrder
	}
	if !c.HasFrontier && c.virgin() {
		// A source that starts here has not seen what is below: copies of older records may lie below f.Secondary.
		c.Past = Past{Primary: f.Primary, Secondary: f.Secondary, LostCopies: f.Secondary, LostHome: f.Primary}
	}
	c.Frontier, c.HasFrontier = f, true
	return nil
}

// virgin says that nothing was ever appended.
func (c *Copies) virgin() bool {
	return len(c.Main) == 0 && len(c.Pending) == 0 && len(c.Dead) == 0 && c.Past == Past{}
}

// tip is the lowest secondary offset a later copy may have.
func (c *Copies) tip() int64 { return max(c.Tip, c.Frontier.Secondary) }

// End is the primary offset past the greatest mirrored record.
func (c *Copies) End() (int64, bool) {
	if n := len(c.Main); n > 0 {
		return c.Main[n-1].PrimaryEnd(), true
	}
	return 0, false
}

// Last is the run whose copies end highest on the secondary, unless it was made dead.
func (c *Copies) Last() (Run, bool) {
	var last Run
	if n := len(c.Main); n > 0 {
		last = c.Main[n-1]
	}
	for _, r := range c.Pending {
		if r.SecondaryEnd() > last.SecondaryEnd() {
			last = r
		}
	}
	return last, last.Length > 0
}

// touch remembers that Main is about to change from a primary offset on.
func (c *Copies) touch(primary int64) { c.Low = min(c.Low, primary) }
