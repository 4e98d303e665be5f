package failover

import (
	"context"
	"slices"
	"testing"
)

// Records that take long to compare are waited for, and nobody is asked to do anything.
func TestVerifyGoesOn(t *testing.T) {
	o, ctx := Order{Who: "me"}, context.Background()
	w := newWorld()
	w.looks = 3
	p, err := w.run(o)
	for _, says := range []string{"2 positions to go", "1 positions to go", "0 positions to go"} {
		if err != nil || p.State.Step != Verify || p.Needs || !slices.Equal(p.Waits, []string{says}) {
			t.Fatalf("%v, at %s, waits for %q, needs a person: %v", err, p.State.Step, p.Waits, p.Needs)
		}
		p, err = w.machine().Advance(ctx, o)
	}
	if err != nil || p.State.Step != Switch || p.State.Checked.Verdicts["same_record"] != 4 {
		t.Fatalf("%v %+v", err, p.State)
	}
}

// A dry run says that it is not done, and finds nothing wrong with that.
func TestTrialGoesOn(t *testing.T) {
	w := newWorld()
	w.looks = 1
	try := func() Trial {
		all, err := w.machine().Try(context.Background(), Order{})
		if err != nil {
			t.Fatal(err)
		}
		return all[slices.IndexFunc(all, func(t Trial) bool { return t.Step == Verify })]
	}
	if got := try(); !got.Going || got.Says != "0 positions to go" || len(got.Finds) > 0 {
		t.Errorf("%+v", got)
	}
	if got := try(); got.Going || got.Says != "4 positions looked at, 0 of them bad" {
		t.Errorf("%+v", got)
	}
}
