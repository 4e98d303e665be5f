package replicator

import (
	"context"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/leftoff/leftoff/translate"
)

// Options of a Loop. Mapper, Sender, the two selectors and the cluster ids are required.
type Options struct {
	Link               string
	PrimaryID, OtherID string // cluster ids: primary, secondary
	Mapper             Mapper
	Sender             Sender
	Policy             Policy
	SelectGroup        func(group string) bool
	SelectTopic        func(topic string) bool
	PrimaryTopic       func(secondary string) (primary string, ok bool) // the primary's name of a topic on the secondary; nil: the same
	Owner              func(group string) bool                          // whether this process may write the group; nil: always
	Other              func(group string) bool                          // whether another replicator copies the group's offsets, too; nil: none. Cheap
	Remember           func(group string, v Verdict)                    // hands a verdict to the keeper; must not block
	Verdicts           map[string]Verdict                               // as remembered
	Intents            map[Key]int64                                    // as remembered, where the secondary drops the stamp
	Writer             uint16                                           // this process's number in the stamp
	NoStamp            bool                                             // do not stamp (tests, and brokers that refuse it)
	RefreshAfter       time.Duration                                    // write an idle offset again when it is this old; 0: 30 days stamped, 6 h otherwise
	Outputs            Outputs                                          // policy `after`; nil: no commit waits for anything
	Closed             bool                                             // gate closed: plan only
	MaxInFlight        int                                              // groups with a request in flight, at most; 0: 1,024
	Logger             *zap.Logger
	Now                func() time.Time
	StampDropped       func() // told once, when the self-test fails
	Settled            func() // told once, when what was due after catching up is under way; must not block
}

// Loop owns the table and the set of groups to plan, and never blocks on a sender. Everything reaches it as an event:
// batches of both tails, advances of the mapping source, answers of the secondary, ticks, questions.
type Loop struct {
	opt   Options
	table *table

	stamp        Stamp
	oppositeMark uint16
	stampState   stampState
	intents      map[Key]int64
	repairs      map[*row]lostValue
	unmarked     unmarked

	caughtUp  [2]bool
	sides     [2]SideState
	queue     queue
	troubled  queue // groups whose requests keep going unanswered
	inFlight  int
	inTrouble int // troubled ones among those in flight
	pace      pace
	retry     []*row
	filtered  int
	counters  Counters
	sweep     sweep
	began     time.Time
	outputs   outputs
	removals  map[*row]struct{} // to be removed on the secondary (policy tombstones: delete)
	leaving   removalLine       // their groups, but for those that are owed one
	settled   settling

	batches  chan Batch
	results  chan sent
	asks     chan func()
	ended    chan struct{} // closed when Run has returned
	advances advances
	senders  sync.WaitGroup
	launch   func(context.Context, *group, Admitted) // sendAside, but in tests
}

// NewLoop returns a loop that has read nothing yet.
func NewLoop(o Options) *Loop {
	if o.Owner == nil {
		o.Owner = func(string) bool { return true }
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = zap.NewNop()
	}
	if o.MaxInFlight == 0 {
		o.MaxInFlight = 1024
	}
	l := &Loop{
		opt: o, table: newTable(), pace: newPace(o.MaxInFlight), intents: o.Intents, repairs: map[*row]lostValue{}, unmarked: unmarked{},
		stamp:        Stamp{Link: LinkMark(o.PrimaryID, o.OtherID), Writer: o.Writer % returnedWriter},
		oppositeMark: LinkMark(o.OtherID, o.PrimaryID),
		batches:      make(chan Batch), results: make(chan sent, o.MaxInFlight), asks: make(chan func()), ended: make(chan struct{}),
	}
	l.launch, l.began = l.sendAside, l.now()
	l.advances.signal = make(chan struct{}, 1)
	if o.NoStamp {
		l.stampState = stampDropped
	}
	l.sides[Primary].ClusterID, l.sides[Secondary].ClusterID = o.PrimaryID, o.OtherID
	for name, v := range o.Verdicts {
		l.group(name).verdict = v
	}
	return l
}

func (l *Loop) now() time.Time { return l.opt.Now() }

// Put hands a batch of a tail to the loop and blocks until it was taken: that is the tail's back-pressure.
func (l *Loop) Put(ctx context.Context, b Batch) error {
	select {
	case l.batches <- b:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Run handles events until ctx ends, then waits for the requests in flight. It is called once.
func (l *Loop) Run(ctx context.Context) error {
	defer close(l.ended)
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	defer l.senders.Wait()
	fast := time.NewTicker(100 * time.Millisecond)
	defer fast.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case b := <-l.batches:
			l.takeBatch(b)
		case s := <-l.results:
			if s.admitted.removal {
				l.removed(s)
			} else {
				l.answered(s)
			}
		case <-l.advances.signal:
			l.takeAdvances()
		case f := <-l.asks:
			f()
		case <-fast.C:
			l.retryDue()
		case <-tick.C:
			l.takeTick()
			l.settle()
		}
		l.flow(ctx)
		l.remove(ctx)
	}
}

func (l *Loop) takeBatch(b Batch) {
	for i := range b.Changes {
		if b.Side == Primary {
			l.applyPrimary(&b.Changes[i])
		} else {
			l.applySecondary(&b.Changes[i])
		}
	}
	if b.CaughtUp == l.caughtUp[b.Side] {
		return
	}
	l.caughtUp[b.Side] = b.CaughtUp
	if l.caughtUp[Secondary] {
		l.unforgiving()
	}
	if l.ready() {
		l.opt.Logger.Info("caught up with both sides", linkField(l.opt.Link),
			zap.Int("primary_offsets", l.table.pairs[Primary]), zap.Int("secondary_offsets", l.table.pairs[Secondary]))
		for _, g := range l.table.groups {
			if g.hasTurn() {
				l.enqueue(g)
			}
		}
	}
}

// planRow decides for one row and keeps the answer for status. Rows past the frontier wait for it.
func (l *Loop) planRow(r *row) Entry {
	if r.primary.state != present {
		r.unwait()
		l.stopWaiting(r)
		r.reason = NoReason
		if r.failed == NoReason {
			r.setDetail("")
		}
		l.noticeDeleted(r)
		return Entry{}
	}
	if r.failed != NoReason && r.retryAt() <= l.now().UnixMilli() {
		r.failed = NoReason
	}
	m := l.mapping(r)
	e := Decide(l.view(r), m, l.opt.Policy)
	if r.failed == NoReason || e.Reason != r.failed {
		r.setDetail(e.Detail)
	}
	e = l.afterOutputs(r, e)
	r.reason = e.Reason
	if m.Pending || m.Improves || m.Reason == NoReason && m.Position.Confidence == translate.Behind {
		r.wait()
		l.opt.Mapper.Want(r.topic().name, r.partition(), r.primary.offset)
	} else {
		r.unwait()
	}
	return e
}

func (l *Loop) mapping(r *row) Mapping {
	if !r.topic().selected {
		return Mapping{Reason: Filtered}
	}
	return l.opt.Mapper.Forward(r.topic().name, r.id(), r.partition(), r.primary.offset)
}

// view is the planner's picture of a row.
func (l *Loop) view(r *row) Row {
	g := r.group
	return Row{
		Commit: r.commit(), Held: r.held.offset, HasHeld: r.held.state == present, HeldMetadata: r.metadata(Secondary),
		IgnoreMetadata: r.has(rowNoMetadata), Ours: r.ours(), Simple: r.held.epoch < 0 && !g.hasRecord,
		Reclaimed: g.verdict.Kind == VerdictReclaimed && !g.verdict.Order.Less(r.held.order()), Other: l.others(r),
		Stamped: r.stamped() || l.stampState == stampDropped, Basis: r.basis, HasBasis: r.has(rowBasis), Void: r.has(rowVoid), Refresh: r.has(rowRefresh),
		Failed: r.failed, Live: g.live(), Share: g.shared(), Filtered: g.filtered, Verdict: g.verdict.Kind,
		CatchingUp: !l.ready(),
	}
}

// others says that another replicator wrote what the secondary holds: from outside the group, which no consumer has joined.
func (l *Loop) others(r *row) bool {
	return l.opt.Other != nil && r.held.state == present && !r.ours() && r.held.epoch < 0 && !r.group.hasRecord && l.opt.Other(r.group.name)
}

func (r *row) commit() Commit {
	return Commit{
		Key: r.key(), Offset: r.primary.offset, Metadata: r.metadata(Primary),
		LeaderEpoch: r.primary.epoch, TopicID: r.id(), CommittedAt: r.primary.at(), Order: r.primary.order(),
	}
}

// defers says a position behind the frontier, or one that is still looked for, need not be written at once: a value of ours is
// there, and safe; it is raised once a second, or when the mirror or the answer arrives.
func (l *Loop) defers(r *row, e Entry) bool {
	return (e.Pending || e.Position.Confidence == translate.Behind) && r.held.state == present && r.ours() && e.Position.Offset > r.held.offset &&
		l.sentWithin(r, behindEvery)
}

const behindEvery = time.Second
