package daemon_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/leftoff/leftoff/checkpoint"
	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/replicator/daemon"
	"github.com/leftoff/leftoff/replicator/kafka"
)

// TestOnceEndsWithItsContext: nobody answers, and the deadline is the answer, however the ends of everything fall together.
func TestOnceEndsWithItsContext(t *testing.T) {
	path := filepath.Join(t.TempDir(), "index.db")
	x, err := checkpoint.Open(path, checkpoint.Options{Link: checkpoint.Link{Name: "west-east"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
	nobody := kafka.Config{Brokers: []string{"127.0.0.1:1"}}
	links := []daemon.Link{{
		Name: "west-east", Primary: nobody, Secondary: nobody, Mapping: "mirror", IndexPath: path, Policy: replicator.DefaultPolicy(),
		Rename: func(topic string) (string, bool) { return topic, true }, SelectGroup: func(string) bool { return true },
	}}
	for range 20 {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		done := make(chan error, 1)
		go func() {
			_, err := daemon.Once(ctx, links, zap.NewNop(), nil)
			done <- err
		}()
		select {
		case err := <-done:
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Fatalf("ended with %v", err)
			}
		case <-time.After(20 * time.Second):
			t.Fatal("still there after 20 s")
		}
		cancel()
	}
}
