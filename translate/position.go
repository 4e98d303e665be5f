package translate

// Confidence says what is known about a position. The zero value is Unmapped.
type Confidence uint8

const (
	// Unmapped: nothing provable.
	Unmapped Confidence = iota
	// Floor: safe, with a re-read bound.
	Floor
	// Behind: the committed offset is past the frontier; the position is the frontier's and rises with it.
	Behind
	// Exact: no record skipped, none read again.
	Exact
)

var confidenceNames = [...]string{"unmapped", "floor", "behind", "exact"}

func (c Confidence) String() string { return confidenceNames[c] }

// Position is a translated offset with its confidence.
type Position struct {
	// Offset is never above T(u) (docs/architecture.md), the next record to read on the other side.
	Offset     int64
	Confidence Confidence
	// Reread is an upper bound of the records read again from here: 0 when Exact, -1 where no bound is known.
	Reread int64
}
