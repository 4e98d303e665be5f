package drill

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
)

// scheduled is a Schedule whose drills take ten minutes and end as they are told, in fake time.
type scheduled struct {
	*Schedule
	began []time.Duration // since the test began
	ended int             // that were ended before their time

	mu            sync.Mutex
	result        Result
	err           error
	held, unready string
}

func newScheduled(t *testing.T, dir string) *scheduled {
	s := &scheduled{result: Passed}
	start := time.Now()
	s.Schedule = &Schedule{
		Every: 24 * time.Hour, Shelf: Shelf{Dir: dir, Keep: 3}, Logger: zap.NewNop(),
		Held: func() (why string) { s.set(func() { why = s.held }); return why }, Ready: func() (why string) { s.set(func() { why = s.unready }); return why },
		Run: func(ctx context.Context) (Report, error) {
			r, err := Report{Schema: 1, ID: newID(time.Now()), Began: time.Now().UTC()}, error(nil)
			s.set(func() { r.Result, err = s.result, s.err })
			s.began = append(s.began, time.Since(start))
			if err := sleep(ctx, 10*time.Minute); err != nil {
				s.ended++
				return r, err
			}
			r.Ended = time.Now().UTC()
			r.Summary.Verdicts, r.Summary.RTO.MaxSeconds = map[string]int{"same_record": 7}, 1.5
			if r.Result != Passed {
				r.Findings = []string{"something is wrong"}
			}
			r.Checksum = checksum(&r)
			return r, err
		},
	}
	return s
}

func (s *scheduled) set(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

// running starts the loop, and ends it with the test.
func (s *scheduled) running(t *testing.T) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); s.Loop(ctx) }()
	return func() { cancel(); <-done }
}

func (s *scheduled) want(t *testing.T, began ...time.Duration) {
	t.Helper()
	synctest.Wait()
	if !slices.Equal(s.began, began) {
		t.Fatalf("drills began after %v, want %v", s.began, began)
	}
}

const day = 24 * time.Hour

// Every day, counted from the beginning of the one before, also over a restart; results come back with it.
func TestScheduleDrillsEveryDay(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := newScheduled(t, dir)
		stop := s.running(t)
		time.Sleep(2*day + time.Hour)
		s.want(t, 0, day, 2*day)
		passed := s.State()
		if passed.Result != "passed" || passed.Success.IsZero() || passed.Positions["same_record"] != 7 || passed.RTO != 1500*time.Millisecond || passed.Running {
			t.Fatalf("%+v", passed)
		}
		s.set(func() { s.result = Failed })
		time.Sleep(day)
		s.want(t, 0, day, 2*day, 3*day)
		stop()

		again := newScheduled(t, dir)
		defer again.running(t)()
		time.Sleep(10 * time.Hour)
		again.want(t)
		st := again.State()
		if st.Result != "failed" || st.Said != "something is wrong" || !st.Success.Equal(passed.Success) || st.Positions["same_record"] != 7 || st.Report == "" {
			t.Fatalf("after a restart: %+v, want the success of %v", st, passed.Success)
		}
		time.Sleep(14 * time.Hour) // the first process ran three days and an hour
		again.want(t, 23*time.Hour)
	})
}

// While a failover is under way none begins, and one that runs is ended; afterwards it takes place at once.
func TestScheduleHeldByAFailover(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := newScheduled(t, dir)
		const why = "a failover is under way"
		s.held = why
		defer s.running(t)()
		time.Sleep(time.Hour + time.Second)
		s.want(t)
		if st := s.State(); st.Held != why || st.Result != "" {
			t.Fatalf("%+v", st)
		}
		s.set(func() { s.held, s.unready = "", "both sides are still being read" })
		time.Sleep(time.Hour)
		s.want(t)
		s.set(func() { s.unready = "" })
		time.Sleep(lookAgain)
		s.want(t, 2*time.Hour+lookAgain)

		time.Sleep(time.Minute)
		s.set(func() { s.held = why })
		time.Sleep(2 * watchEvery)
		synctest.Wait()
		if st := s.State(); s.ended != 1 || st.Running || st.Held != why || st.Error != "" {
			t.Fatalf("ended %d: %+v", s.ended, st)
		}
		time.Sleep(time.Hour)
		s.set(func() { s.held = "" })
		time.Sleep(lookAgain)
		synctest.Wait()
		if len(s.began) != 2 || !s.State().Running || s.State().Held != "" {
			t.Fatalf("%v: %+v", s.began, s.State())
		}
	})
}

// One that can't be done is tried again soon, and says why; what was known stays.
func TestScheduleTriesAgain(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := newScheduled(t, dir)
		defer s.running(t)()
		time.Sleep(time.Hour)
		failed := errors.New("join a group on the secondary: it does not answer")
		s.set(func() { s.err = failed })
		time.Sleep(day)
		const each = 10*time.Minute + tryAgain
		s.want(t, 0, day, day+each, day+2*each)
		if st := s.State(); st.Error != failed.Error() || st.Result != "passed" || !st.Success.Equal(st.Last) {
			t.Fatalf("%+v", st)
		}
		s.set(func() { s.err = nil })
		time.Sleep(2 * each)
		synctest.Wait()
		if st := s.State(); st.Error != "" {
			t.Fatalf("%+v", st)
		}
	})
}

// One that never ends is ended when half the time to the next is over.
func TestScheduleEndsWhatHangs(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := newScheduled(t, dir)
		s.Run = func(ctx context.Context) (Report, error) { <-ctx.Done(); return Report{}, ctx.Err() }
		defer s.running(t)()
		time.Sleep(12*time.Hour + time.Second)
		synctest.Wait()
		if st := s.State(); st.Error != context.DeadlineExceeded.Error() || st.Running {
			t.Fatalf("%+v", st)
		}
	})
}

// The shelf keeps the newest, drops the oldest, and believes nothing that was changed.
func TestShelf(t *testing.T) {
	s := Shelf{Dir: filepath.Join(t.TempDir(), "drills", "west-east"), Keep: 3}
	if newest, passed, _, err := s.Last(); newest != nil || passed != nil || err != nil {
		t.Fatal(newest, passed, err)
	}
	var paths []string
	for i, result := range []Result{Passed, Passed, Failed, Passed, Incomplete} {
		r := Report{Schema: 1, ID: newID(then.Add(time.Duration(i) * time.Hour)), Result: result, Link: fmt.Sprint(i)}
		r.Checksum = checksum(&r)
		path, err := s.Put(r)
		if err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	entries, err := os.ReadDir(s.Dir)
	if err != nil || len(entries) != 6 {
		t.Fatalf("%v %v, want three reports and their pages", entries, err)
	}
	newest, passed, path, err := s.Last()
	if err != nil || newest.Link != "4" || passed.Link != "3" || path != paths[4] {
		t.Fatalf("%+v %+v %s %v", newest, passed, path, err)
	}
	text, err := os.ReadFile(paths[4])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(paths[4], slices.Replace(text, len(text)/2, len(text)/2+1, '#'), 0o640); err != nil {
		t.Fatal(err)
	}
	if newest, _, _, err = s.Last(); err == nil || newest.Link != "3" {
		t.Fatalf("a changed report counts: %+v %v", newest, err)
	}
}
