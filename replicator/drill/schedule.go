package drill

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/leftoff/leftoff/replicator"
)

// Schedule drills again and again.
type Schedule struct {
	Every time.Duration
	Run   func(ctx context.Context) (Report, error)
	// Ready says why a drill can't begin right now, and Held why none may run at all: one that runs then is ended, and cleans up. Empty: nothing
	// is in its way.
	Ready, Held func() string
	Shelf       Shelf
	Logger      *zap.Logger

	mu    sync.Mutex
	state replicator.DrillState
}

const (
	// lookAgain is how often a drill that is due and held asks whether it still is.
	lookAgain = 5 * time.Second
	// watchEvery is how often it is asked whether a drill that runs has to end.
	watchEvery = time.Second
	// tryAgain is how long after a drill that could not be done the next one is tried, at the most.
	tryAgain = 15 * time.Minute
)

// Loop drills until ctx ends. What was kept of earlier drills says when the next one is due: starting again makes none early, and none late.
func (s *Schedule) Loop(ctx context.Context) {
	next := s.recall()
	for {
		s.note(func(d *replicator.DrillState) { d.Next = next })
		if sleep(ctx, time.Until(next)) != nil {
			return
		}
		if why := s.inTheWay(); why != "" {
			s.note(func(d *replicator.DrillState) { d.Held = why })
			next = time.Now().Add(lookAgain)
			continue
		}
		next = s.once(ctx)
	}
}

func (s *Schedule) inTheWay() string {
	if why := s.Held(); why != "" {
		return why
	}
	return s.Ready()
}

// recall takes what is on the shelf, and returns when the next drill is due.
func (s *Schedule) recall() time.Time {
	newest, passed, path, err := s.Shelf.Last()
	if err != nil {
		s.Logger.Warn("reports of earlier drills", zap.Error(err))
	}
	s.note(func(d *replicator.DrillState) { d.Every = s.Every })
	if newest == nil {
		return time.Now()
	}
	s.took(*newest, path)
	if passed != nil {
		s.note(func(d *replicator.DrillState) { d.Success = passed.Ended })
	}
	if now := time.Now(); newest.Began.After(now) { // a clock was wrong: no reason to wait for that day
		return now.Add(s.Every)
	}
	return newest.Began.Add(s.Every)
}

// once drills, and returns when the next one is due.
func (s *Schedule) once(ctx context.Context) (next time.Time) {
	began := time.Now()
	s.note(func(d *replicator.DrillState) { d.Running, d.Held = true, "" })
	r, err := s.watched(ctx)
	s.note(func(d *replicator.DrillState) { d.Running = false })
	var ended held
	switch {
	case ctx.Err() != nil:
		return began
	case errors.As(err, &ended):
		s.note(func(d *replicator.DrillState) { d.Held = string(ended) })
		s.Logger.Info("a drill was ended", zap.String("why", string(ended)))
		return time.Now().Add(lookAgain)
	case err != nil:
		return s.failed(err)
	}
	path, err := s.Shelf.Put(r)
	s.took(r, path)
	if err != nil {
		return s.failed(fmt.Errorf("keep the report: %w", err))
	}
	s.note(func(d *replicator.DrillState) { d.Error = "" })
	s.Logger.Info("drilled", zap.String("result", string(r.Result)), zap.Int("positions", r.Summary.Positions), zap.String("report", path))
	return began.Add(s.Every)
}

// failed notes that a drill could not be done.
func (s *Schedule) failed(err error) time.Time {
	s.note(func(d *replicator.DrillState) { d.Error = err.Error() })
	s.Logger.Warn("drill", zap.Error(err))
	return time.Now().Add(min(s.Every, tryAgain))
}

// held is why a drill was ended.
type held string

func (h held) Error() string { return "held: " + string(h) }

// watched drills until something is in the way, or half the time to the next one is over.
func (s *Schedule) watched(ctx context.Context) (Report, error) {
	limited, cancel := context.WithTimeout(ctx, s.Every/2)
	defer cancel()
	watched, end := context.WithCancelCause(limited)
	defer end(nil)
	done := make(chan struct{})
	var watching sync.WaitGroup
	watching.Go(func() {
		tick := time.NewTicker(watchEvery)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				if why := s.Held(); why != "" {
					end(held(why))
					return
				}
			}
		}
	})
	r, err := s.Run(watched)
	close(done)
	watching.Wait()
	var why held
	if err != nil && errors.As(context.Cause(watched), &why) {
		return r, errors.Join(why, err)
	}
	return r, err
}

// took takes a report into the state.
func (s *Schedule) took(r Report, path string) {
	said := ""
	for _, all := range [][]string{r.Problems, r.Findings} {
		if len(all) > 0 {
			said = all[0]
		}
	}
	s.note(func(d *replicator.DrillState) {
		d.Last, d.Result, d.Said, d.Report = r.Ended, string(r.Result), said, path
		d.Positions = map[string]int{}
		maps.Copy(d.Positions, r.Summary.Verdicts)
		d.RPOKnown, d.RPO, d.RTO = r.Summary.RPO.Known, lasting(r.Summary.RPO.Seconds), lasting(r.Summary.RTO.MaxSeconds)
		if r.Result == Passed {
			d.Success = r.Ended
		}
	})
}

func lasting(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

func (s *Schedule) note(change func(*replicator.DrillState)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.state)
}

// State is what is known now.
func (s *Schedule) State() replicator.DrillState {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.state
	d.Positions = maps.Clone(d.Positions)
	return d
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(max(d, 0))
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
