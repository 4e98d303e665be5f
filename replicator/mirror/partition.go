package mirror

import (
	"context"
	"fmt"
	"math"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/replicator/kafka"
	"github.com/leftoff/leftoff/translate"
)

// partition copies one partition. Its loop (actor.go) feeds it events and calls step; only that goroutine touches what is
// not in inbox or view.
//
// There is one way out of every doubt: stop sending, wait until nothing is on the wire, compare the index with what really
// stands on the secondary (realign.go), and go on from there under the next producer epoch. A start is such a doubt.
//
//	         doubt                     realign done
//	copying ───────▶ draining ─▶ aligning ─────────▶ copying
//	                    ▲            │ error: again after a pause
//	                    └────────────┘
type partition struct {
	topic     string // the primary's name
	number    int32
	log       *zap.Logger
	options   rules
	primary   log
	secondary log
	feed      feed
	target    target
	link      link
	index     index
	now       func() time.Time

	inbox inbox
	view  view

	doubt   string // why the secondary has to be looked at; empty while copying
	notOurs bool   // the producer id in use is spent
	retryAt time.Time
	backoff time.Duration
	limit   int // bytes a batch
	topics  settings

	cursor   cursor
	queue    queue
	window   window
	sequence int32 // of the next record
	expected int64 // the secondary's offset of the next record

	streamEpoch int32    // of the primary's last batch in this session, -1 unknown
	newestEpoch int32    // of the primary's batches, ever
	notedEpoch  int32    // in the index
	leaders     [2]int32 // leader epochs by side, from before both sides were compared; -1 unknown
	paused      bool
	generation  int          // of the last seek
	cut         int64        // the secondary was seen to end here, below the frontier
	openGap     bool         // the next run's gap is not proven
	resumes     []int64      // where this process started copying: a late batch of another one is from there
	resending   bool         // failed flights wait for retryAt
	sends       atomic.Int64 // batches handed to the target
	landed      atomic.Int64 // sends, when nothing was on the wire last
	counters    counters
}

// rules are the options a partition needs.
type rules struct {
	committed bool // read committed
	created   bool // this process created the secondary's topic: nobody was there before
	former    bool // what the secondary holds when nothing is known yet belongs to an earlier incarnation
	prefetch  func() int
	classify  func(error) (outcome, string)
}

const (
	starting     = "start"
	minBackoff   = 50 * time.Millisecond
	maxBackoff   = 5 * time.Second
	askAgain     = 5 * time.Second // after a refusal that a person has to mend
	smallBatch   = 64 << 10
	eagerFlights = 2
)

func newPartition(topic string, number int32) *partition {
	return &partition{topic: topic, number: number, doubt: starting, now: time.Now, streamEpoch: -1, newestEpoch: -1, notedEpoch: -1, leaders: [2]int32{-1, -1}, cut: math.MaxInt64}
}

// step handles what has arrived and does what is possible now. It returns when to call it again even if nothing arrives;
// zero: not before something does.
func (p *partition) step(ctx context.Context) time.Time {
	in := p.inbox.take()
	for _, a := range in.answers {
		p.answered(a)
	}
	for i := range in.fetched {
		p.take(&in.fetched[i])
	}
	if in.looked != nil {
		p.looked(*in.looked)
	}
	p.settleWindow()
	if p.now().Before(p.retryAt) {
		return p.retryAt
	}
	if p.doubt != "" && p.window.quiet() {
		p.align(ctx)
	}
	if p.doubt == "" {
		p.resend()
		p.fill()
		p.settleHoles()
	}
	if p.window.empty() {
		p.landed.Store(p.sends.Load())
	}
	p.throttle()
	p.view.count(&p.counters)
	if p.now().Before(p.retryAt) {
		return p.retryAt
	}
	return time.Time{}
}

// align looks at the secondary and starts a session, or arranges to try again.
func (p *partition) align(ctx context.Context) {
	err := p.realign(ctx)
	if err == nil {
		p.backoff, p.doubt = 0, ""
		p.view.settle()
		p.link.Notify(true)
		return
	}
	if ctx.Err() != nil {
		return
	}
	p.pause()
	if p.view.trouble(fmt.Sprintf("comparing both sides: %v", err)) {
		p.log.Warn("cannot compare both sides yet, trying again", zap.String("why", p.doubt), zap.Error(err))
	}
}

func (p *partition) pause() {
	p.backoff = min(maxBackoff, max(minBackoff, 2*p.backoff))
	p.retryAt = p.now().Add(p.backoff)
}

// suspect starts a realignment. unsafe: positions answered so far may be too high until it is done.
func (p *partition) suspect(why string, unsafe bool) {
	if unsafe {
		p.view.distrust(why)
	}
	if p.doubt != "" {
		return
	}
	p.doubt, p.resending = why, false
	p.queue = queue{}
	p.feed.Stop()
	p.log.Info("looking at the secondary again", zap.String("why", why))
}

// take accepts a fetch of the primary.
func (p *partition) take(f *delivery) {
	if p.doubt != "" || f.generation != p.generation {
		return
	}
	if f.Err != nil {
		p.suspect(fmt.Sprintf("fetching: %v", f.Err), false)
		return
	}
	for i := range f.Batches {
		if !p.sameLeader(&f.Batches[i]) {
			return
		}
	}
	readable(&f.Fetched, p.options.committed, p.queue.put)
	p.queue.next = max(p.queue.next, f.Next)
	p.view.primary(f.LastStable)
}

// sameLeader notes the leader epochs of the primary's batches. A leader that is new since both sides were compared may have
// replaced records that were copied already, so the last one is compared again before going on. Epochs never fall along a log.
func (p *partition) sameLeader(b *kafka.Batch) bool {
	switch {
	case b.LeaderEpoch < 0 || b.LeaderEpoch == p.streamEpoch:
		return true
	case b.LeaderEpoch < p.streamEpoch:
		p.suspect(fmt.Sprintf("the primary's leader epoch fell from %d to %d at offset %d", p.streamEpoch, b.LeaderEpoch, b.BaseOffset), true)
		return false
	case p.newestEpoch >= 0 && b.LeaderEpoch > p.newestEpoch:
		p.suspect(fmt.Sprintf("the primary has a new leader, epoch %d after %d", b.LeaderEpoch, p.newestEpoch), false)
		p.newestEpoch = b.LeaderEpoch
		return false
	}
	p.streamEpoch, p.newestEpoch = b.LeaderEpoch, max(p.newestEpoch, b.LeaderEpoch)
	p.noteEpoch(b.LeaderEpoch, b.BaseOffset)
	return true
}

// fill sends what is queued. No timer: a batch leaves at once when little is on the wire, and grows while much is.
func (p *partition) fill() {
	for !p.queue.empty() && !p.window.full() && !p.window.failures() {
		if len(p.window.flights) >= eagerFlights && p.queue.bytes < smallBatch {
			return
		}
		l := p.queue.cut(p.limit)
		if p.sequence > math.MaxInt32-int32(len(l.records)) {
			p.suspect("the sequence numbers of this producer epoch are used up", false)
			return
		}
		f := &flight{load: l, sequence: p.sequence, expected: p.expected}
		p.window.push(f)
		p.sequence += int32(len(l.records))
		p.expected += int64(len(l.records))
		p.send(f)
	}
}

func (p *partition) send(f *flight) {
	id := p.cursor.current()
	f.state, f.err = sent, nil
	p.sends.Add(1)
	p.target.Send(kafka.ProduceBatch{ProducerID: id, FirstSequence: f.sequence, Codec: f.codec, Records: f.records},
		func(base, logStart int64, err error) { p.inbox.answer(answer{f, base, logStart, err}) })
}

// answered notes a response; settleWindow draws the conclusions in order.
func (p *partition) answered(a answer) {
	a.flight.base, a.flight.err, a.flight.state = a.base, a.err, acked
	if a.err != nil {
		a.flight.state = failed
		return
	}
	p.ended(a.base)
	if p.view.logStart(a.logStart) {
		p.link.Notify(true)
	}
}

// settleWindow indexes acknowledged batches, oldest first, and stops at the first that is not as expected.
func (p *partition) settleWindow() {
	moved := false
	for p.doubt == "" && !p.window.empty() && p.window.flights[0].state == acked {
		f := p.window.flights[0]
		if f.base != f.expected {
			p.unexpected(f)
			break
		}
		if err := p.indexed(f); err != nil {
			p.suspect(fmt.Sprintf("index: %v", err), false)
			break
		}
		p.window.pop()
		p.backoff = 0
		moved = true
	}
	if moved {
		p.link.Notify(false)
	}
	if p.doubt == "" && !p.resending && p.window.failures() && p.window.quiet() {
		p.failedFlights()
	}
}

// unexpected: the secondary gave a batch another offset than the next one.
func (p *partition) unexpected(f *flight) {
	p.counters.surprises++
	p.suspect(fmt.Sprintf("the secondary put a batch at %d where %d was next", f.base, f.expected), f.base < f.expected)
}

// ended notes that the secondary ended at an offset once: what was accounted for above it is gone, whatever stands there now.
func (p *partition) ended(at int64) {
	if front, ok := p.index.Frontier(); ok && at < front.Secondary {
		p.cut = min(p.cut, at)
	}
}

func (p *partition) indexed(f *flight) error {
	end := f.base + int64(len(f.records))
	err := p.index.Together(func() error {
		for _, r := range f.runs(f.base) {
			r.Closed = r.Closed && !p.openGap
			p.openGap = false
			if err := p.index.Append(r); err != nil {
				return err
			}
		}
		return p.index.Advance(translate.Frontier{Primary: f.through, Secondary: end})
	})
	if err != nil {
		return err
	}
	p.counters.records += int64(len(f.records))
	p.counters.bytes += int64(f.bytes)
	p.view.acked(end, f.through)
	return nil
}

// failedFlights decides what the errors of a quiet window mean.
func (p *partition) failedFlights() {
	for _, f := range p.window.flights {
		if f.state != failed {
			continue
		}
		switch what, sentence := p.options.classify(f.err); what {
		case again:
			p.resending = true
			p.pause()
			p.view.trouble(sentence)
		case fenced:
			p.notOurs = true
			p.pause()
			p.suspect("another process wrote under our producer id: "+sentence, false)
		case smaller:
			p.tooLarge(f, sentence)
		case refused:
			p.refuse(sentence)
		default:
			p.pause()
			p.suspect(sentence, false)
		}
		return
	}
}

// tooLarge halves the batches; a single record that does not fit is a person's business, never skipped.
func (p *partition) tooLarge(f *flight, sentence string) {
	if len(f.records) > 1 {
		p.limit = max(1, f.bytes/2)
		p.suspect(fmt.Sprintf("a batch of %d bytes is too large for the secondary", f.bytes), false)
		return
	}
	p.refuse(fmt.Sprintf("the record at %d of the primary (%d bytes) is too large for the secondary's topic: %s. Try: raise max.message.bytes there",
		f.records[0].Offset, f.bytes, sentence))
}

func (p *partition) refuse(sentence string) {
	if p.view.suspend(sentence) {
		p.log.Error("copying is suspended", zap.String("why", sentence))
	}
	p.suspect(sentence, false)
	p.retryAt = p.now().Add(askAgain)
}

// resend repeats what failed, in order and with the same sequences: the broker recognises what it has.
func (p *partition) resend() {
	if !p.resending {
		return
	}
	p.resending = false
	for _, f := range p.window.flights {
		if f.state == failed {
			p.send(f)
		}
	}
}

// settleHoles moves the frontier over markers, aborted batches and compacted records at the end of what was fetched.
func (p *partition) settleHoles() {
	if !p.window.empty() || !p.queue.empty() {
		return
	}
	f, ok := p.index.Frontier()
	if ok && f.Primary >= p.queue.next && f.Secondary >= p.expected {
		return
	}
	if err := p.index.Advance(translate.Frontier{Primary: p.queue.next, Secondary: p.expected}); err != nil {
		p.suspect(fmt.Sprintf("index: %v", err), false)
		return
	}
	p.view.acked(p.expected, p.queue.next)
	p.link.Notify(false)
}

// throttle bounds what is held in memory: the feed rests while the secondary is slower than the primary.
func (p *partition) throttle() {
	held, share := p.queue.bytes+p.window.bytes, p.options.prefetch()
	switch {
	case !p.paused && held >= share:
		p.paused = true
		p.feed.Pause()
	case p.paused && held < share/2:
		p.paused = false
		p.feed.Resume()
	}
}

// looked takes what the once-a-second look at both clusters found.
func (p *partition) looked(l looked) {
	if l.err != nil {
		return
	}
	if p.view.bounds(l.secondary, l.sends == p.sends.Load()) {
		p.link.Notify(true)
	}
	p.prune(l)
	p.sameLeaders(l)
	if p.doubt != "" || !p.window.empty() || l.sends != p.sends.Load() {
		return
	}
	if l.secondary.high != p.expected {
		p.counters.surprises++
		p.ended(l.secondary.high)
		p.suspect(fmt.Sprintf("the secondary ends at %d where we left it at %d", l.secondary.high, p.expected), l.secondary.high < p.expected)
	}
}

// sameLeaders: a new leader on either side may have lost what was there. The last record is compared again.
func (p *partition) sameLeaders(l looked) {
	for side, now := range [...]int32{l.primary.epoch, l.secondary.epoch} {
		if was := p.leaders[side]; now > was && p.doubt == "" {
			p.suspect(fmt.Sprintf("the %s has a new leader, epoch %d after %d", replicator.Side(side), now, was), was >= 0)
		}
	}
}

func (p *partition) prune(l looked) {
	if l.primary.start > p.counters.prunedPrimary || l.secondary.start > p.counters.prunedSecondary {
		p.counters.prunedPrimary, p.counters.prunedSecondary = l.primary.start, l.secondary.start
		p.index.Prune(l.primary.start, l.secondary.start)
	}
}

// quietSends is what a look at the ends carries to show that nothing was sent meanwhile; −1 while something is on the wire.
func (p *partition) quietSends() int64 {
	n := p.sends.Load()
	if p.landed.Load() != n {
		return -1
	}
	return n
}

// session starts a new producer epoch, durable before anything is sent under it.
func (p *partition) session(ctx context.Context, resume, expected int64) error {
	if p.notOurs || !p.cursor.bump() {
		spent := int64(-1)
		if len(p.cursor.ids) > 0 {
			spent = p.cursor.current().ID
		}
		id, err := p.link.NewID(ctx, spent)
		if err != nil {
			return fmt.Errorf("producer id: %w", err)
		}
		p.cursor.use(id)
		p.notOurs = false
	}
	p.index.SetCursor(p.cursor.encode())
	if err := p.link.Flush(); err != nil {
		return fmt.Errorf("index: %w", err)
	}
	p.sequence, p.expected = 0, expected
	p.window.reset()
	p.queue, p.streamEpoch = queue{next: resume}, -1
	p.paused = false
	p.resumes = append(p.resumes, resume)
	if len(p.resumes) > 64 {
		p.resumes = p.resumes[len(p.resumes)-64:]
	}
	p.view.acked(expected, resume)
	p.generation++
	p.feed.Start(resume, p.generation)
	return nil
}
