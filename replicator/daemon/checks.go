package daemon

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/replicator/failover"
)

// checks are looks at the records of a failover, which may take longer than anybody waits for an answer: of a large cluster, many
// minutes. They go on whoever watches, for as long as they get anywhere.
type checks struct {
	jobs  chan *check
	ended chan struct{}

	mu  sync.Mutex
	all map[string]*check // by the failover's id
}

// check is one look.
type check struct {
	of   failover.Look
	look lookAt
	ctx  context.Context
	stop context.CancelCauseFunc
	done chan struct{}

	mu          sync.Mutex
	seen, total int

	// Set once done is closed.
	found failover.Checked
	err   error
	at    time.Time
	given bool // somebody was told; of checks
}

// lookAt compares records, and tells how many positions of how many are done.
type lookAt func(ctx context.Context, progress func(done, total int)) (failover.Checked, error)

const (
	answerSoon = time.Second      // so long an answer is waited for before it is said how far the look is
	answerDry  = 30 * time.Second // of a dry run, whose other steps are looked at anew each time
	stalled    = 5 * time.Minute  // a look that gets nowhere for so long is given up
	keptFor    = 10 * time.Minute // an answer, for a person who accepts what it says or had gone away
)

func newChecks() *checks {
	return &checks{jobs: make(chan *check), ended: make(chan struct{}), all: map[string]*check{}}
}

// run runs looks until ctx ends.
func (c *checks) run(ctx context.Context) error {
	var running sync.WaitGroup
	defer running.Wait()
	defer close(c.ended)
	for {
		select {
		case <-ctx.Done():
			return nil
		case j := <-c.jobs:
			running.Go(func() { j.run(ctx) })
		}
	}
}

// ask returns what a look found, or how far it is. It begins one where none is under way.
func (c *checks) ask(ctx context.Context, o failover.Look, look lookAt) (failover.Checked, []string, error) {
	if o.Peek {
		return c.peek(o)
	}
	j, begun := c.of(o, look)
	if begun {
		select {
		case c.jobs <- j:
		case <-c.ended:
			c.drop(j)
			return failover.Checked{}, nil, replicator.ErrEnded
		case <-ctx.Done():
			c.drop(j)
			return failover.Checked{}, nil, ctx.Err()
		}
	}
	soon := answerSoon
	if o.ID == failover.Dry {
		soon = answerDry
	}
	wait := time.NewTimer(soon)
	defer wait.Stop()
	select {
	case <-j.done:
		return c.give(j)
	case <-wait.C:
		return failover.Checked{}, []string{j.progress()}, nil
	case <-ctx.Done():
		return failover.Checked{}, nil, ctx.Err()
	}
}

// peek says what a look found, or how far it is, and leaves it to who will ask for it.
func (c *checks) peek(o failover.Look) (failover.Checked, []string, error) {
	o.Accept = true // what somebody was told a short while ago is still what is waited for
	c.mu.Lock()
	defer c.mu.Unlock()
	j, ok := c.all[o.ID]
	if !ok || !j.answers(o) {
		return failover.Checked{}, []string{"no records are being compared. Try: the same command again, which begins with it"}, nil
	}
	select {
	case <-j.done:
		return j.found, nil, j.err
	default:
		return failover.Checked{}, []string{j.progress()}, nil
	}
}

// of is the look that is under way, or was made a short while ago and may be told; else a new one, which takes the place of what
// belongs to another failover.
func (c *checks) of(o failover.Look, look lookAt) (j *check, begins bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if j, ok := c.all[o.ID]; ok && j.answers(o) {
		return j, false
	}
	for id, old := range c.all {
		if id == o.ID || id != failover.Dry && o.ID != failover.Dry {
			old.stop(errReplaced)
			delete(c.all, id)
		}
	}
	j = &check{of: o, look: look, done: make(chan struct{})}
	j.ctx, j.stop = context.WithCancelCause(context.Background())
	c.all[o.ID] = j
	return j, true
}

// answers says that a look answers an order, now or when it is done. An answer that was given counts once more where all was well, as the
// step that took it may not have come to write it down, and for who accepts what it says.
func (j *check) answers(o failover.Look) bool {
	if o.Alone != j.of.Alone || !slices.Equal(o.Scope.Groups, j.of.Scope.Groups) || !slices.Equal(o.Scope.Topics, j.of.Scope.Topics) {
		return false
	}
	select {
	case <-j.done:
		fine := j.err == nil && len(j.found.Bad) == 0 && o.ID != failover.Dry
		return time.Since(j.at) < keptFor && (!j.given || o.Accept || fine)
	default:
		return true
	}
}

// give tells what a look found. One that failed is forgotten: who asks again has it made again.
func (c *checks) give(j *check) (failover.Checked, []string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	j.given = true
	if j.err != nil && c.all[j.of.ID] == j {
		delete(c.all, j.of.ID)
	}
	return j.found, nil, j.err
}

// drop forgets a look that never began.
func (c *checks) drop(j *check) {
	c.mu.Lock()
	defer c.mu.Unlock()
	j.stop(errReplaced)
	if c.all[j.of.ID] == j {
		delete(c.all, j.of.ID)
	}
}

// cancel ends what is under way for failovers: they were turned round.
func (c *checks) cancel() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for id, j := range c.all {
		if id != failover.Dry {
			j.stop(errReplaced)
			delete(c.all, id)
		}
	}
}

var (
	errReplaced = errors.New("the check was given up: its failover is over, or another one began")
	errStalled  = fmt.Errorf("nothing could be compared for %s", stalled)
)

func (j *check) run(ctx context.Context) {
	defer close(j.done)
	leave := context.AfterFunc(ctx, func() { j.stop(ctx.Err()) })
	defer leave()
	watch := time.AfterFunc(stalled, func() { j.stop(errStalled) })
	defer watch.Stop()
	j.found, j.err = j.look(j.ctx, func(done, total int) {
		watch.Reset(stalled)
		j.mu.Lock()
		defer j.mu.Unlock()
		j.seen, j.total = done, total
	})
	if cause := context.Cause(j.ctx); j.err != nil && errors.Is(cause, errStalled) {
		j.err = fmt.Errorf("%w: %s. Try: leftoff status, which says whether both clusters answer; then the same command", errStalled, j.progress())
	} else if j.err != nil && errors.Is(cause, errReplaced) {
		j.err = errReplaced
	}
	j.at = time.Now()
	j.stop(nil)
}

// progress says how far a look is.
func (j *check) progress() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.total == 0 {
		return "the positions to compare are being listed"
	}
	return fmt.Sprintf("%d of %d positions are compared", j.seen, j.total)
}
