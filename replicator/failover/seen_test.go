package failover

import (
	"strings"
	"testing"
	"time"
)

// What is not known is said: nothing reads as "nothing was lost" where that was not counted.
func TestSeenSaysWhatItDoesNotKnow(t *testing.T) {
	at := time.Date(2026, 11, 26, 3, 0, 0, 0, time.UTC)
	for what, c := range map[string]struct {
		seen Seen
		says string
		age  time.Duration
	}{
		"all is known": {Seen{At: at, LastCommit: at.Add(-1200 * time.Millisecond), Ends: at.Add(-95 * time.Second), NeverMirrored: 7},
			"the last commit seen is of 2026-11-26T02:59:58.8Z, 1.2s before this was written down; " +
				"at least 7 records were never mirrored, as of 2026-11-26T02:58:25Z, 1m35s before this was written down", 1200 * time.Millisecond},
		"some partitions are not": {Seen{At: at, Ends: at, NeverMirrored: 0, Uncounted: 3},
			"no commit was ever seen; at least 0 records were never mirrored, as of 2026-11-26T03:00:00Z, 0s before this was written down; of 3 more partitions it is not known", 0},
		"none is":         {Seen{At: at, Ends: at, NeverMirrored: -1, Uncounted: 3}, "no commit was ever seen; of none of the 3 partitions is it known how many records were never mirrored", 0},
		"never asked":     {Seen{At: at, NeverMirrored: -1, Uncounted: 3}, "no commit was ever seen; how many records were never mirrored is not known: the primary's ends were not asked for", 0},
		"of an older one": {Seen{LastCommit: at, NeverMirrored: -1}, "the last commit seen is of 2026-11-26T03:00:00Z; how many", 0},
		"clocks differ":   {Seen{At: at, LastCommit: at.Add(time.Second), NeverMirrored: -1}, "the last commit seen is of 2026-11-26T03:00:01Z, 0s before", 0},
	} {
		if got := c.seen.String(); !strings.HasPrefix(got, c.says) || c.seen.Age() != c.age {
			t.Errorf("%s: says %q, age %s", what, got, c.seen.Age())
		}
	}
}

// The age is as of the freeze, whoever reads the report later.
func TestFreezeNotesWhen(t *testing.T) {
	w := newWorld()
	w.noPrimary = true
	w.view.Groups[0].LastCommit = time.Now().Add(-time.Hour)
	before := time.Now()
	p, err := w.run(Order{Unplanned: true})
	if err != nil || p.State.Seen.At.Before(before.Add(-time.Second)) || p.State.Seen.Age() < time.Hour || p.State.Seen.Age() > 2*time.Hour {
		t.Errorf("%v %+v", err, p.State.Seen)
	}
}

// What is known to stand in the way of keeping the steps is found by a dry run, before anything is begun; problems of the link are said by
// the first step, and hold nothing up.
func TestTrialSaysWhatCantBeKept(t *testing.T) {
	for _, unplanned := range []bool{false, true} {
		w := newWorld()
		w.view.Unkept = []string{"the right WRITE on topic leftoff-state of the secondary is missing"}
		w.view.Problems = []string{"the index can't be written: full", "b"}
		try := func() []Trial {
			all, err := w.machine().Try(t.Context(), Order{Unplanned: unplanned})
			if err != nil {
				t.Fatal(err)
			}
			return all
		}
		for i, trial := range try() {
			if found := len(trial.Finds) == 1 && trial.Finds[0] == w.view.Unkept[0]; found != (i == 0) {
				t.Errorf("%s finds %q", trial.Step, trial.Finds)
			}
		}
		w.view.Unkept = nil
		if all := try(); len(all[0].Finds) > 0 || !unplanned && !strings.Contains(all[0].Says, "leftoff status names 2 problems, the first: the index can't be written: full") {
			t.Errorf("%+v", all[0])
		}
		w.values = [][]byte{[]byte("no json")}
		if all := try(); len(all[0].Finds) != 1 || !strings.HasPrefix(all[0].Finds[0], "what was kept of earlier ones can't be read: ") {
			t.Errorf("%+v", all[0])
		}
	}
}
