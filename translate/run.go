package translate

// Run is Length consecutive records mirrored one for one: the record at primary offset Primary+i has a copy at secondary
// offset Secondary+i, for 0 <= i < Length. Offsets are Kafka offsets, Length counts records.
type Run struct {
	Primary   int64
	Secondary int64
	Length    int64
	// Closed says the gap before this run is proven: nothing in it was mirrored elsewhere, nothing foreign lies in it.
	Closed bool
}

// PrimaryEnd is the first primary offset past the run.
func (r Run) PrimaryEnd() int64 { return r.Primary + r.Length }

// SecondaryEnd is the first secondary offset past the run.
func (r Run) SecondaryEnd() int64 { return r.Secondary + r.Length }

// Frontier says how far a mirror has come: every primary record below Primary is copied or never will be, and every
// later copy lands at Secondary or above. An empty partition has one, too.
type Frontier struct {
	Primary   int64
	Secondary int64
}

// Bounds is what one side serves of a partition: records at LogStart <= offset < End. End is the readable end (the last
// stable offset), not the high watermark.
type Bounds struct {
	LogStart int64
	End      int64
}

// Span is the half-open range of offsets [From, To).
type Span struct {
	From, To int64
}
