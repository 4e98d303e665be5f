package daemon

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/leftoff/leftoff/replicator/failover"
)

// A drill never takes place beside a failover, whichever way it goes, nor when there is nothing left to rehearse.
func TestDrillsAreHeldByAFailover(t *testing.T) {
	some := failover.Scope{Groups: []string{"payments"}}
	for _, c := range []struct {
		name  string
		state *failover.State
		held  string
	}{
		{"none yet", nil, ""},
		{"draining", &failover.State{Step: failover.Drain}, "a failover is under way, at drain"},
		{"handing over some", &failover.State{Step: failover.HandOver, Scope: some}, "a failover is under way, at hand over"},
		{"going back", &failover.State{Step: failover.TakeBack}, "a failover is under way, at take back"},
		{"failed over", &failover.State{Step: failover.Done}, "the link has failed over"},
		{"some groups failed over", &failover.State{Step: failover.Done, Scope: some}, ""},
		{"rolled back", &failover.State{Step: failover.RolledBack}, ""},
		{"home again", &failover.State{Step: failover.AtHome}, ""},
	} {
		m := newPaperMemory(&paper{})
		m.hear(failover.Known{State: c.state})
		if got := m.failover(); got != c.held {
			t.Errorf("%s: held by %q, want %q", c.name, got, c.held)
		}
	}
}

// A key that can't be used ends the daemon at its start, not the drill in the night.
func TestDrillKeyIsLookedAtFirst(t *testing.T) {
	key := filepath.Join(t.TempDir(), "drill.key")
	if err := os.WriteFile(key, []byte("not a key"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{key, filepath.Join(t.TempDir(), "nowhere")} {
		d := New(Options{Logger: zap.NewNop(), Links: []Link{{
			Name: "l", IndexPath: filepath.Join(t.TempDir(), "l.db"), Drill: Drill{Every: time.Hour, SignKey: path},
		}}})
		if err := d.Run(context.Background()); !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), "drill.sign_key: "+path) {
			t.Errorf("%v", err)
		}
	}
}
