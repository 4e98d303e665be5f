package daemon

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/leftoff/leftoff/replicator/failover"
)

// tape is a log in memory.
type tape struct{ values [][]byte }

func (l *tape) Append(_ context.Context, values [][]byte) error {
	l.values = append(l.values, values...)
	return nil
}

func (l *tape) Read(_ context.Context, yield func(int64, []byte)) error {
	for i, v := range l.values {
		yield(int64(i), v)
	}
	return nil
}

// A way home that the link's own log knows is no doubt, and neither is one that was over when the topics were switched.
func TestForgottenWaysHome(t *testing.T) {
	at := func(minute int) time.Time { return time.Date(2026, 11, 26, 9, minute, 0, 0, time.UTC) }
	s := failover.NewStore(&tape{}, "a")
	k, err := s.Load(t.Context())
	if err == nil {
		k, err = s.Change(t.Context(), k, failover.State{ID: "known", Step: failover.Diverge, Home: &failover.Home{}})
	}
	if err != nil {
		t.Fatal(err)
	}
	switched := map[string]failover.Role{"orders": {Name: failover.Switched, At: at(10)}, "audit": {Name: failover.Switched, At: at(20)}}
	there := map[string]time.Time{"known": at(30), "before": at(9), "between": at(15), "after": at(30)}
	got := fmt.Sprint(forgotten(there, k, switched))
	for id, want := range map[string]bool{"known": false, "before": false, "between": true, "after": true} {
		if strings.Contains(got, "("+id+")") != want {
			t.Errorf("%s: %s", id, got)
		}
	}
}
