package story

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/leftoff/leftoff/configs"
	"github.com/leftoff/leftoff/internal/judge"
)

const patience = 20 * time.Second // for anything that takes well under a second; machines are busy at times

// theDaysBefore writes west's history, of which the idle group has read a part. Nobody thinks of east yet.
func (s *stage) theDaysBefore(ctx context.Context) error {
	created, err := s.admin[0].CreateTopics(ctx, partitions, 1, nil, paymentsTopic, settlementsTopic)
	if err == nil {
		err = created.Error()
	}
	if err != nil {
		return fmt.Errorf("create topics in west: %w", err)
	}
	t, err := openTill(brokers(s.west), "west", s.book, s.Seed)
	if err != nil {
		return err
	}
	defer t.close()
	if err := t.make(ctx, s.Size.History, 0, nil); err != nil {
		return err
	}
	for _, r := range cast() {
		if r.home {
			continue
		}
		w, err := s.hire(ctx, r, s.west, fromTheBeginning)
		if err != nil {
			return err
		}
		if err := s.until(ctx, patience, r.Group+" reads history", func() bool {
			return w.takings.count() >= s.Size.Archive && w.takings.everywhere()
		}); err != nil {
			return err
		}
		s.dismiss(time.Second)
		s.say("west has %s payments; group %s read %s of them and stopped", thousands(s.book.count()), r.Group, thousands(w.takings.count()))
	}
	return nil
}

// hireLeftoff starts the judge's watch, and then the daemon: the judge sees whatever leftoff ever writes.
func (s *stage) hireLeftoff(ctx context.Context) (err error) {
	s.history, err = judge.Watch(ctx, judge.At(brokers(s.west)...), judge.At(brokers(s.east)...))
	if err != nil {
		return err
	}
	s.later(s.history.Close)
	if err := s.history.CaughtUp(ctx); err != nil {
		return err
	}
	serve := s.Serve
	if s.cfg.HTTP == configs.NoHTTP {
		serve = nil
	}
	s.since = time.Now()
	if s.leftoff, err = startDaemon(ctx, s.cfg, serve, s.log); err != nil {
		return err
	}
	s.later(s.leftoff.close)
	why := ""
	err = s.until(ctx, patience, "leftoff reads both offsets topics", func() bool {
		ok, trouble := s.leftoff.writable(ctx)
		why = trouble
		return ok
	})
	if err != nil {
		return fmt.Errorf("%w %s", err, why)
	}
	s.say("leftoff runs: west → east, with its own mirror")
	return nil
}

// businessAsUsual lets payments come in and the groups work, while leftoff mirrors records and commits.
func (s *stage) businessAsUsual(ctx context.Context) error {
	for _, r := range cast() {
		if !r.home {
			continue
		}
		if _, err := s.hire(ctx, r, s.west, fromTheBeginning); err != nil {
			return err
		}
	}
	t, err := openTill(brokers(s.west), "west", s.book, s.Seed+1)
	if err != nil {
		return err
	}
	defer t.close()
	stop := s.narrate(func() string { return s.traffic(ctx) })
	defer stop()
	if err := t.make(ctx, s.Size.West, s.Size.Rate, nil); err != nil {
		return err
	}
	return s.until(ctx, patience, "the groups catch up", func() bool {
		for _, w := range s.workers {
			slow := w.role.pause > 0 // does not catch up: that is its part
			if !w.takings.everywhere() || !slow && w.takings.count() < s.book.count() {
				return false
			}
		}
		return true
	})
}

func (s *stage) traffic(ctx context.Context) string {
	var b strings.Builder
	if s.copies == nil {
		mirrored := s.mirrored(ctx)
		fmt.Fprintf(&b, "payments %s, in east %s", thousands(s.book.count()), thousands(mirrored))
	} else {
		fmt.Fprintf(&b, "payments %s", thousands(s.book.count()))
	}
	b.WriteString(" | taken by")
	for i, r := range cast() {
		if t := s.takings[r.Group]; t != nil {
			if i > 0 {
				b.WriteString(",")
			}
			fmt.Fprintf(&b, " %s %s", r.Group, thousands(t.count()))
		}
	}
	return b.String()
}

// mirrored is east's end of payments. The mirror writes no markers, so that these are records.
func (s *stage) mirrored(ctx context.Context) int64 {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	ends, err := s.admin[1].ListEndOffsets(ctx, paymentsTopic)
	if err != nil {
		return 0
	}
	sum := int64(0)
	for _, p := range ends[paymentsTopic] {
		sum += max(0, p.Offset)
	}
	return sum
}
