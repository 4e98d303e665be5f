package story

import (
	"context"
	"math"
	"time"
)

// Run plays the story. The error says that it could not be played to its end; whether the promise held is in the report.
// With Keep it returns when ctx ends, and that is no error.
func Run(ctx context.Context, o Options) (*Report, error) {
	if o.Size == (Size{}) {
		o.Size = DefaultSize
	}
	began := time.Now()
	ctx, cancel := context.WithCancel(ctx)
	s, err := openStage(o)
	if err != nil {
		cancel()
		return nil, err
	}
	defer s.close()
	defer cancel() // first: nobody is to wait for a region while it is taken down
	s.say("two regions are up: west %s, east %s (seed %d)", s.west.Bootstrap(), s.east.Bootstrap(), o.Seed)
	r, err := s.play(ctx)
	if err != nil {
		s.explain(ctx)
		return nil, err
	}
	r.Seconds = math.Round(time.Since(began).Seconds()*10) / 10
	r.conclude()
	if !r.Proven {
		s.explain(ctx)
	}
	if o.Show != nil {
		if err := o.Show(r); err != nil {
			return r, err
		}
	}
	if o.Keep {
		return r, s.keep(ctx)
	}
	return r, nil
}

func (s *stage) play(ctx context.Context) (*Report, error) {
	for _, act := range []func(context.Context) error{s.theDaysBefore, s.hireLeftoff, s.businessAsUsual, s.standStill} {
		if err := act(ctx); err != nil {
			return nil, err
		}
	}
	madeInWest := s.book.count()
	if s.Keep {
		return s.report(s.resumes(), madeInWest), nil
	}
	if err := s.westIsGone(ctx); err != nil {
		return nil, err
	}
	at := s.resumes() // before anybody commits in east
	problem, err := s.lifeGoesOn(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.history.SecondaryCaughtUp(ctx); err != nil {
		return nil, err
	}
	r := s.report(at, madeInWest)
	if problem != "" {
		r.Problems = append(r.Problems, problem)
	}
	return r, nil
}

// explain shows the end of the daemon's log when something went wrong.
func (s *stage) explain(ctx context.Context) {
	if ctx.Err() != nil {
		return
	}
	s.plain("\nThe end of leftoff's log:")
	for _, line := range s.logTail() {
		s.plain("  %s", line)
	}
}
