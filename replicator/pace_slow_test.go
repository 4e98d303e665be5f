package replicator

import (
	"context"
	"fmt"
	"testing"
	"time"
)

// slow is a secondary that carries out one request after the other, each in the same time. It carries out those, too, whose sender
// has given up meanwhile, and its log shows them.
type slow struct {
	*bench
	each   time.Duration
	line   []flight
	free   time.Time // when the next one is done
	doubly int       // carried out although the group holds the value
	gaveUp int
}

// run lets the secondary work until nothing is left to be done, and returns how long that took.
func (s *slow) run(limit time.Duration) time.Duration {
	began := s.now
	for s.now.Sub(began) < limit {
		s.line, s.flying = append(s.line, s.flying...), nil
		if len(s.line) == 0 && s.l.queue.len()+s.l.troubled.len()+len(s.l.retry) == 0 {
			return s.now.Sub(began)
		}
		s.now = s.now.Add(10 * time.Millisecond)
		s.expire()
		for len(s.line) > 0 && !s.free.After(s.now) {
			s.carryOut()
		}
		s.l.retryDue()
		s.l.flow(context.Background())
	}
	return limit
}

func (s *slow) expire() {
	for i, f := range s.line {
		if f.g != nil && s.now.After(f.a.Deadline()) {
			s.gaveUp++
			s.line[i].g = nil
			s.l.answered(sent{f.g, f.a, Result{Err: fmt.Errorf("late")}})
		}
	}
}

func (s *slow) carryOut() {
	f := s.line[0]
	s.line = s.line[1:]
	s.free = s.now.Add(s.each)
	o := f.a.Offsets()[0]
	if r := s.l.known(o.Key); r.held.state == present && r.held.offset == o.Offset {
		s.doubly++
	}
	s.put(Secondary, Change{Commit: Commit{Key: o.Key, Offset: o.Offset, LeaderEpoch: -1, Retention: f.a.Retention().Milliseconds()}})
	if f.g != nil {
		s.l.answered(sent{f.g, f.a, Result{Outcomes: []Outcome{Written}}})
	}
}

// A slow secondary is kept busy, and with little that it has done before. One that does less than leastRoom while the gate's answer
// counts does a part of it twice, and gets there, too.
func TestSlowSecondaryIsNotOverrun(t *testing.T) {
	const groups = 1000
	for each, most := range map[time.Duration]time.Duration{
		10 * time.Millisecond: 11 * time.Second, 30 * time.Millisecond: 36 * time.Second, 100 * time.Millisecond: 300 * time.Second,
	} {
		s := &slow{bench: newBench(t, nil), each: each}
		s.put(Secondary)
		var all []Change
		for i := range groups {
			all = append(all, commitOf(fmt.Sprint("g", i), 1))
		}
		s.put(Primary, all...)
		if took := s.run(time.Hour); took > most {
			t.Errorf("%v each: took %v, want at most %v; %d given up, %d done twice", each, took, most, s.gaveUp, s.doubly)
		}
		for _, g := range s.l.table.groups {
			g.each(func(r *row) {
				if r.held.offset != 1 || r.reason != NoReason {
					t.Errorf("%v each: %s holds %d (%v)", each, g.name, r.held.offset, r.reason)
				}
			})
		}
	}
}
