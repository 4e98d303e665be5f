package story

import (
	"context"
	"fmt"
	"time"
)

// westIsGone kills the region under everybody: brokers, connections, coordinators. leftoff runs on and keeps trying.
func (s *stage) westIsGone(ctx context.Context) error {
	if s.meddle != nil {
		if err := s.meddle(ctx, s); err != nil {
			return err
		}
	}
	s.west.Kill()
	s.dismiss(0)
	s.say("WEST IS GONE")
	return s.history.SecondaryCaughtUp(ctx)
}

// lifeGoesOn restarts all groups in east, under their own names and with auto.offset.reset=none, and lets payments come in
// there. It returns what is against the promise, and an error only where the story can't go on.
func (s *stage) lifeGoesOn(ctx context.Context) (problem string, err error) {
	s.inEast = true
	for _, r := range cast() {
		r.pause, r.batch = 0, max(r.batch, 250) // they have to catch up
		if _, err := s.hire(ctx, r, s.east, whereItLeftOff); err != nil {
			return "", err
		}
	}
	s.say("the groups start in east under the same names, auto.offset.reset=none")
	t, err := openTill(brokers(s.east), "east", s.book, s.Seed+2)
	if err != nil {
		return "", err
	}
	defer t.close()
	stop := s.narrate(func() string { return s.traffic(ctx) })
	defer stop()
	if err := t.make(ctx, s.Size.East, s.Size.Rate, nil); err != nil {
		return "", err
	}
	if err := s.untilQuiet(ctx); err != nil {
		return "", err
	}
	for _, w := range s.workers {
		w.halt()
	}
	if !s.allTaken() {
		problem = fmt.Sprintf("a group waits for payments that did not come within %v", quiet)
	}
	return problem, nil
}

const quiet = 5 * time.Second

// untilQuiet waits until everything is taken, or nothing has been for a while.
func (s *stage) untilQuiet(ctx context.Context) error {
	last, at := 0, time.Now()
	return s.until(ctx, time.Minute, "the groups take what there is", func() bool {
		sum := 0
		for _, w := range s.workers {
			sum += w.takings.count()
		}
		if sum != last {
			last, at = sum, time.Now()
		}
		return s.allTaken() || time.Since(at) > quiet
	})
}

// allTaken says that every group that can go on has taken everything. One that can't is the story's answer, not its failure.
func (s *stage) allTaken() bool {
	made := s.book.count()
	for _, w := range s.workers {
		if w.failed() == nil && w.takings.count() < made {
			return false
		}
	}
	return true
}
