package story

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/leftoff/leftoff/internal/judge"
)

// standStill stops everybody right after a commit, waits until east has what there is, and compares both sides record by
// record while both exist. What does not arrive is left to the judge to count: no error.
func (s *stage) standStill(ctx context.Context) error {
	for _, w := range s.workers {
		w.halt()
	}
	if err := s.trouble(); err != nil {
		return err
	}
	s.say("everybody stands still for a moment, right after a commit; both regions are read and compared")
	if err := s.compareUntilMirrored(ctx); err != nil {
		return err
	}
	if err := s.history.CaughtUp(ctx); err != nil {
		return err
	}
	err := s.until(ctx, patience, "all positions are in east", func() bool { return inPlace(s.history.Resumes(s.copies)) })
	if err != nil && !errors.Is(err, errLate) {
		return err
	}
	total := s.copies.Total()
	s.say("payments in west %s, in east %s: %s are the same record, at other offsets; never mirrored %s",
		thousands(total.Primary), thousands(total.Secondary), thousands(total.Mirrored), thousands(unmirrored(total)))
	return nil
}

// compareUntilMirrored compares until nothing is on its way any more.
func (s *stage) compareUntilMirrored(ctx context.Context) error {
	deadline := time.Now().Add(patience)
	for {
		copies, err := judge.Compare(ctx, judge.At(brokers(s.west)...), judge.At(brokers(s.east)...), paymentsTopic, paymentsTopic, judge.Options{})
		if err != nil {
			return fmt.Errorf("compare %s: %w", paymentsTopic, err)
		}
		s.copies = copies
		if unmirrored(copies.Total()) == 0 || time.Now().After(deadline) {
			return s.trouble()
		}
	}
}

func unmirrored(t judge.Summary) int64 { return t.Waiting + t.Missing }

func inPlace(all []judge.Resume) bool {
	for _, r := range all {
		if !r.Exact {
			return false
		}
	}
	return len(all) == len(cast())*partitions
}
