package mirror

import (
	"sync"

	"github.com/leftoff/leftoff/translate"
)

// view is what other goroutines may know of a partition: what Forward needs, and what status shows.
type view struct {
	mu      sync.RWMutex
	served  translate.Bounds // the secondary's
	known   bool             // served is set
	trusted bool             // the index was compared with the secondary
	settled bool             // and all of the secondary beyond it was explained: the frontier is the true one
	why     string           // why not
	lagging bool             // the secondary's stable offset is below its high watermark: acks do not move the readable end
	read    int64            // primary offset below which everything is copied or on its way
	state   State
}

// Phase is what a partition is doing.
type Phase string

const (
	Comparing Phase = "comparing" // looking at what stands on the secondary
	Copying   Phase = "copying"
	Suspended Phase = "suspended" // a person has to do something; Detail says what
)

// State is one partition, for status.
type State struct {
	Topic     string `json:"topic"`
	Secondary string `json:"secondary"`
	Partition int32  `json:"partition"`
	Phase     Phase  `json:"phase"`
	Detail    string `json:"detail,omitempty"`

	PrimaryEnd   int64 `json:"primary_end"`   // readable end of the primary, as last fetched
	Copied       int64 `json:"copied"`        // primary offset below which everything is copied
	SecondaryEnd int64 `json:"secondary_end"` // next offset of the secondary
	LagRecords   int64 `json:"lag_records"`   // at most: holes count

	Records    int64 `json:"records"` // since this process started
	Bytes      int64 `json:"bytes"`
	Duplicates int64 `json:"duplicates"` // records on the secondary more than once
	Foreign    int64 `json:"foreign"`    // records on the secondary that are nobody's copy, and that nobody accepted
	Lost       int64 `json:"lost"`       // offsets that the primary's log start passed before they were copied
	Truncated  int64 `json:"truncated"`  // times a side lost its end
	Surprises  int64 `json:"surprises"`  // acks and ends that were not as expected
}

// counters are the partition's own totals.
type counters struct {
	records, bytes, duplicates, vanished, lost, truncated, surprises int64
	prunedPrimary, prunedSecondary                                   int64
}

// bounds takes what the secondary serves. It reports whether the log start moved. quiet: nothing was acknowledged since it
// was asked; otherwise its end is older than what acks told.
func (v *view) bounds(e ends, quiet bool) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	moved := !v.known || e.start > v.served.LogStart
	v.known, v.lagging = true, e.stable < e.high
	end := e.stable
	if !quiet && !v.lagging {
		end = max(end, v.served.End)
	}
	v.served = translate.Bounds{LogStart: max(e.start, v.served.LogStart), End: end}
	return moved
}

// logStart takes the secondary's log start from an ack. It reports whether it moved.
func (v *view) logStart(start int64) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	if !v.known || start <= v.served.LogStart {
		return false
	}
	v.served.LogStart = start
	return true
}

// acked says that everything below copied is on the secondary, which goes on at end.
func (v *view) acked(end, copied int64) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.known && !v.lagging {
		v.served.End = max(v.served.End, end)
	}
	v.state.SecondaryEnd, v.state.Copied = end, copied
	v.state.Phase, v.state.Detail = Copying, ""
}

func (v *view) primary(stable int64) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.state.PrimaryEnd = stable
}

// distrust keeps Forward from answering until settle.
func (v *view) distrust(why string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.trusted, v.settled, v.why = false, false, why
}

// trust lets Forward answer. settled: nothing stands on the secondary beyond the frontier.
func (v *view) trust(settled bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.trusted, v.settled = true, v.settled || settled
}

// settle says that both sides agree and copying goes on.
func (v *view) settle() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.trusted, v.settled, v.why = true, true, ""
	v.state.Phase, v.state.Detail = Copying, ""
}

// trouble and suspend say why copying does not go on. They report whether that is news.
func (v *view) trouble(why string) bool { return v.detail(Comparing, why) }
func (v *view) suspend(why string) bool { return v.detail(Suspended, why) }

func (v *view) detail(phase Phase, why string) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.state.Phase == Suspended && phase == Comparing {
		return false // the reason of the suspension is the better one
	}
	news := v.state.Phase != phase || v.state.Detail != why
	v.state.Phase, v.state.Detail = phase, why
	return news
}

// count publishes the totals.
func (v *view) count(c *counters) {
	v.mu.Lock()
	defer v.mu.Unlock()
	s := &v.state
	s.Records, s.Bytes, s.Duplicates = c.records, c.bytes, c.duplicates
	s.Lost, s.Truncated, s.Surprises = c.lost, c.truncated, c.surprises
}

func (v *view) snapshot() State {
	v.mu.RLock()
	defer v.mu.RUnlock()
	s := v.state
	s.LagRecords = max(0, s.PrimaryEnd-s.Copied)
	return s
}

// stale says the frontier may be older than what stands on the secondary: a process died here, and what it wrote last is not
// explained yet. Positions at the frontier would go back for a moment.
func (v *view) stale() bool {
	v.mu.RLock()
	defer v.mu.RUnlock()
	return !v.settled
}

// answerable gives Forward the secondary's bounds, or why it must not answer.
func (v *view) answerable() (served translate.Bounds, known, trusted bool, why string) {
	v.mu.RLock()
	defer v.mu.RUnlock()
	switch {
	case !v.known:
		return served, false, false, "the secondary's partition has not been reached yet"
	case !v.trusted:
		return v.served, true, false, v.why
	}
	return v.served, true, true, ""
}
