package failover

import (
	"strings"
	"testing"
	"time"
)

// What the mirror has read of a primary that is gone is waited for: it is not lost, and positions rise with it. A secondary that takes no records
// holds nobody up for ever, and what may yet come is not counted as lost.
func TestFreezeWaitsForWhatIsOnItsWay(t *testing.T) {
	w := newWorld()
	w.noPrimary, w.landing = true, 2
	m, o := w.machine(), Order{Unplanned: true, Accept: true}
	if _, err := m.Begin(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if p, err := m.Advance(t.Context(), o); err != nil || p.State.Step != Freeze || p.Needs || len(p.Waits) != 1 || !strings.HasPrefix(p.Waits[0], "5 offsets that leftoff's mirror has read are on their way") {
			t.Fatalf("%v %+v", err, p)
		}
	}
	p, err := m.Advance(t.Context(), o)
	if err != nil || p.State.Step != Sync || p.State.Seen.NeverMirrored != 7 {
		t.Fatalf("%v %+v", err, p.State)
	}

	w = newWorld()
	w.noPrimary, w.landing = true, 100
	m = w.machine()
	if _, err = m.Begin(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	m.now = func() time.Time { return time.Now().Add(landFor + time.Second) }
	p, err = m.Advance(t.Context(), o)
	if err != nil || p.State.Step != Sync || p.State.Seen.NeverMirrored != 2 || !strings.Contains(p.State.Past[0].Said, "5 offsets that leftoff's mirror has read did not get to the secondary within 1m0s") {
		t.Errorf("%v %+v", err, p.State)
	}
}
