package drill

import (
	"testing"
	"testing/synctest"
	"time"
)

// A report from the future, of a clock that was wrong once, does not keep drills away until then.
func TestReportFromTheFuture(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		r := Report{Schema: 1, ID: newID(time.Now().Add(1000 * day)), Began: time.Now().Add(1000 * day).UTC(), Result: Passed}
		r.Checksum = checksum(&r)
		if _, err := (Shelf{Dir: dir, Keep: 3}).Put(r); err != nil {
			t.Fatal(err)
		}
		s := newScheduled(t, dir)
		defer s.running(t)()
		time.Sleep(day + time.Hour)
		s.want(t, day)
	})
}

// A drill that can't be kept, as on a full disk, is tried again without end and harms nobody.
func TestReportThatCannotBeKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScheduled(t, "/dev/null/drills")
		defer s.running(t)()
		time.Sleep(time.Hour)
		s.want(t, 0, 25*time.Minute, 50*time.Minute)
		if st := s.State(); st.Error == "" || st.Result != "passed" || st.Report != "" {
			t.Fatalf("%+v", st)
		}
	})
}
