package match

import (
	"fmt"
	"sync"
	"time"

	"github.com/leftoff/leftoff/checkpoint"
	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/replicator/kafka"
	"github.com/leftoff/leftoff/translate"
)

// partition is one partition on both sides.
type partition struct {
	topic *topic
	id    int32
	on    [2]kafka.TopicPartition
	index *checkpoint.Partition

	// working is held by whoever looks at the partition's records; what follows is theirs.
	working  sync.Mutex
	shape    shape
	tip      tip
	window   int64    // records within which order is checked
	density  [2]int64 // bytes an offset takes, by side
	looked   bool     // the shape is known
	weakest  level    // down to which records are recognised
	flat     bool     // timestamps of the primary tell records apart no better than nothing
	surveyed bool     // the primary was read for what repeats, as far as that goes
	complete bool     // and that was all of it
	kept     float64  // part of the primary's records that has copies
	memory   memory
	wary     bool // much repeats: what was proven before that was seen is dropped
	quarrels int  // contradictions and disorder seen, since it was given up last
	blind    bool // the first records of the secondary can not be told apart
	alike    bool // records that can't be told apart were seen
	met      time.Time
	grew     time.Time // when the secondary was seen to grow last
	tipLost  time.Time // when nothing at the end was recognised last
	done     int64     // where the last session began that was taken note of as finished
	checked  [2]int32  // leader epochs under which the top of the index was compared
	pruned   int64     // the secondary's log start up to which the index was pruned

	// mu guards what Forward and the scheduler see.
	mu        sync.Mutex
	bounds    translate.Bounds // of the secondary
	primary   translate.Bounds // of the primary: log start and high watermark
	known     bool             // both are
	epochs    [2]int32         // leader epochs by side, −1 until known
	sessions  []session        // of the shape
	blurred   int64            // records at the end of the secondary whose source is not known
	wants     wants
	settled   map[int64]verdict
	ready     bool // looked, and not in doubt as a whole
	problem   hold // why nothing can be said of the whole partition
	retryAt   time.Time
	sides     uint8     // 1: primary is known, 2: bounds are
	fresh     bool      // bounds.End is from reading the log, after the last time it was asked for
	cut       int64     // where the secondary was cut; none when it was not
	reset     bool      // the primary was cut
	anew      time.Time // when what was known was last dropped
	err       error     // of the last look
	queued    bool
	waitsTip  time.Time // when somebody last waited for the tip
	level     level
	probes    int64
	conflicts int64
}

// verdict is why no exact position was found for an offset, and when.
type verdict struct {
	detail string
	at     time.Time
}

// hold is a reason with its sentence.
type hold struct {
	reason replicator.Reason
	detail string
}

// settledFor is how long a verdict stands before the records are looked at again; maxSettled bounds them.
const (
	settledFor = 30 * time.Second
	maxSettled = 4096
)

// anewFor is how long a verdict waits, after all was dropped, for what the other offsets that are wanted will show.
const anewFor = 10 * time.Second

// early: all was dropped a moment ago, and other offsets are still looked for, so that a verdict may be bettered in passing. Call
// with p.mu held.
func (p *partition) early() bool { return !p.wants.empty() && time.Since(p.anew) < anewFor }

func (p *partition) settle(u int64, v verdict) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.settled) >= maxSettled {
		clear(p.settled)
	}
	p.settled[u] = v
}

func (p *partition) String() string { return fmt.Sprintf("%s/%d", p.topic.name, p.id) }

// serves are the bounds of both sides as last asked for.
func (p *partition) serves() (primary, secondary translate.Bounds) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.primary, p.bounds
}

// publish lets Forward see the sessions.
func (p *partition) publish() {
	all, blurred := p.shape.sessions(), p.tip.blurred()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sessions, p.blurred = all, blurred
}

// forget drops all that was learnt of the records: they may be other ones now.
func (p *partition) forget() error {
	p.shape = shape{window: p.window, flight: p.shape.flight}
	p.tip, p.looked, p.done = tip{}, false, 0
	p.mu.Lock()
	clear(p.settled)
	p.sessions, p.ready, p.problem, p.anew = nil, false, hold{}, time.Now()
	p.mu.Unlock()
	return p.index.Drop(translate.Span{From: 0, To: translate.None})
}

// widen learns how long the mirror's batches are, and how far records are out of order, and so the window to look at.
func (s *Source) widen(p *partition, q *stretch) {
	flight := min(s.opt.MaxWindow, max(s.opt.MinWindow, q.batch*int64(s.opt.InFlight)))
	p.shape.flight = max(p.shape.flight, flight)
	if w := min(s.opt.MaxWindow, max(flight, 8*p.shape.jitter)); w > p.window {
		p.window, p.shape.window = w, w
	}
}

// needs is how many records of the primary make a window of copies.
func (p *partition) needs() int { return int(float64(p.window) / p.kept) }

// lead is how many records before an offset are looked at, too, so that a print that occurs twice is seen to.
func (p *partition) lead() int {
	if p.weak() {
		return int(p.window)
	}
	return int(p.window / 4)
}

// weak: time does not tell records apart, and others may be alike.
func (p *partition) weak() bool {
	return p.flat && (p.memory.repeated > 0 || p.memory.uniform()) || p.weakest > bare
}

// memory remembers records of the primary across stretches: what occurs twice, however far apart, identifies nothing. Where
// much occurs twice, nothing does: the records may come round again and again.
type memory struct {
	seen     map[uint64]int64
	repeated int
	whole    bool // the primary is being surveyed

	noted            int   // records, some of them more than once
	earliest, latest int64 // their times
}

// maxMemory bounds it; where only key and value tell records apart it matters most.
const (
	maxMemory = 1 << 14
	maxSurvey = 1 << 17
)

// note takes what was read of the primary.
func (m *memory) note(p *stretch, weakest level) {
	if m.seen == nil {
		m.seen = map[uint64]int64{}
	}
	limit := maxMemory
	if m.whole {
		limit = maxSurvey
	}
	for i := range p.recs {
		r := &p.recs[i]
		if m.noted == 0 {
			m.earliest, m.latest = r.time, r.time
		}
		m.noted, m.earliest, m.latest = m.noted+1, min(m.earliest, r.time), max(m.latest, r.time)
		m.noteOne(r.prints[bare], r.offset, limit)
		if weakest > bare {
			m.noteOne(r.prints[weakest], r.offset, limit)
		}
	}
}

func (m *memory) noteOne(print uint64, offset int64, limit int) {
	at, ok := m.seen[print]
	switch {
	case print == 0:
	case !ok && len(m.seen) < limit:
		m.seen[print] = offset
	case ok && at != offset && at != twice:
		m.seen[print] = twice
		m.repeated++
	}
}

const twice = -1

// uniform: all that was seen has one time, so that others of that time may lie anywhere.
func (m *memory) uniform() bool { return m.noted >= 64 && m.earliest == m.latest }

// periodic: a good part of what was seen was seen twice.
func (m *memory) periodic() bool { return m.repeated >= 16 && 10*m.repeated >= len(m.seen) }

// where is the primary offset of the copy at the end of a stretch of the secondary, by a record that was seen once.
func (m *memory) where(q *stretch, weakest level) (int64, bool) {
	end := q.recs[len(q.recs)-1].offset
	for j := len(q.recs) - 1; j >= 0; j-- {
		for l := bare; l <= weakest; l++ {
			if q.stamped && l != timeless {
				continue
			}
			if at, ok := m.seen[q.recs[j].prints[l]]; ok && at != twice && q.recs[j].prints[l] != 0 {
				return at + end - q.recs[j].offset, true
			}
		}
	}
	return 0, false
}

func (m *memory) repeats(l level, r *rec) bool {
	return m.seen[r.prints[max(l, bare)]] == twice || m.periodic() && l == timeless
}
