package mirror

import (
	"context"
	"fmt"
	"math"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

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
	theirs    log // the secondary without what others wrote there and aborted; nil: it can't be read so
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
	limit   int  // bytes a batch
	halved  bool // limit was lowered for the secondary's sake, for the next session
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
	slots     chan struct{}          // bounds how many partitions align at once
	leftOut   func() spans           // of the primary, never to be copied
	aside     func() spans           // of the secondary, no copies and no obstacle
	skip      func() spans           // of the primary, there already
	known     func() []translate.Run // copies of a replay
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
	p.view.reached(p.reached())
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
	p.cursor.leaders = p.leaders
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
