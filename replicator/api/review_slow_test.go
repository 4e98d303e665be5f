package api

import (
	"context"
	"testing"
	"time"

	"github.com/leftoff/leftoff/replicator/failover"
)

// slowly is a daemon whose failover takes longer than other answers, and less than failoverWithin.
type slowly struct {
	Source
	takes time.Duration
}

func (s slowly) Failover(ctx context.Context, _ FailoverOrder) (FailoverAnswer, error) {
	select {
	case <-time.After(s.takes):
	case <-ctx.Done():
		return FailoverAnswer{}, ctx.Err()
	}
	return FailoverAnswer{Progress: failover.Progress{Waits: []string{"said"}}}, nil
}

// A failover's answer may take failoverWithin, whatever bounds other answers. Here those have a second.
func TestReviewSlowFailoverIsAnswered(t *testing.T) {
	t.Parallel()
	s, err := Listen("127.0.0.1:0", Options{Source: slowly{takes: 12 * time.Second}, Timeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = s.Serve(t.Context()) }()
	a, err := NewClient(s.Addr()).Failover(t.Context(), FailoverOrder{Verb: FailoverTry})
	if err != nil || len(a.Waits) != 1 {
		t.Fatalf("%v %+v", err, a)
	}
}
