package failover

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// silent is a primary that takes requests and never answers.
type silent struct{ *world }

func (silent) Members(ctx context.Context, _ []string) (map[string][]string, error) {
	<-ctx.Done()
	return nil, errors.New("west describe groups: unreachable. Try: is the broker up?")
}

// A primary that dies under a planned failover is said within seconds, with the way out; nothing waits behind a request to it.
func TestPrimaryDiesWhilePlanned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.members["till"] = []string{"till-1"}
		if p, err := w.run(Order{}); err != nil || len(p.Waits) == 0 || p.State.Step != Stop {
			t.Fatalf("%+v, %v", p, err)
		}
		m, began := w.machine(), time.Now()
		m.ground = silent{w}
		p, err := m.Advance(context.Background(), Order{})
		if err != nil || len(p.Waits) != 1 || !strings.Contains(p.Waits[0], "rollback, and then leftoff failover --unplanned") {
			t.Errorf("%+v, %v", p, err)
		}
		if took := time.Since(began); took > whereWithin {
			t.Errorf("took %s", took)
		}
		w.view.Error[0] = "west: unreachable. Try: is the broker up?"
		all, err := m.Try(context.Background(), Order{})
		if err != nil || len(all) == 0 || strings.Contains(all[0].Finds[0], "rollback") || !strings.HasSuffix(all[0].Finds[0], "leftoff failover --unplanned") {
			t.Errorf("%+v, %v", all, err)
		}
	})
}
