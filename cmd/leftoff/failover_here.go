package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/leftoff/leftoff/replicator/api"
	"github.com/leftoff/leftoff/replicator/daemon"
)

// runHere runs a daemon in this process while f has something to do.
func runHere(ctx context.Context, links []daemon.Link, log *zap.Logger, patience time.Duration, f func(context.Context, failingOver) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	d := daemon.New(daemon.Options{Links: links, Logger: log})
	ended, refused := make(chan struct{}), error(nil)
	go func() {
		defer close(ended)
		refused = d.Run(ctx)
	}()
	err := awaitHere(ctx, d, ended, patience)
	if err == nil {
		err = f(ctx, d)
	}
	cancel()
	<-ended
	return cmp.Or(refused, err)
}

// awaitHere waits until the secondary of every link was read: without it nothing can be said of a failover.
func awaitHere(ctx context.Context, d *daemon.Daemon, ended <-chan struct{}, patience time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	why := "the clusters are being read"
	for {
		all, err := d.Snapshots(ctx, false)
		ready := err == nil
		for _, s := range all {
			if side := s.Sides[1]; !side.CaughtUp {
				ready = false
				why = fmt.Sprintf("link %s, secondary: %s", s.Link, cmp.Or(side.Error, "its offsets are being read"))
			}
		}
		if ready {
			return nil
		}
		select {
		case <-ended:
			return nil // refused says why
		case <-ctx.Done():
			if errors.Is(ctx.Err(), context.DeadlineExceeded) {
				return fmt.Errorf("gave up after %s: %s. Try: --timeout with more", patience, why)
			}
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

var _ failingOver = (*api.Client)(nil)

// readLine takes no more than the line: the next question has the next one.
func readLine(r io.Reader) (line string, ended bool, err error) {
	var text []byte
	for one := make([]byte, 1); ; {
		n, err := r.Read(one)
		switch {
		case n == 1 && one[0] == '\n':
			return strings.TrimSpace(string(text)), false, nil
		case n == 1:
			text = append(text, one[0])
		case errors.Is(err, io.EOF):
			return strings.TrimSpace(string(text)), len(text) == 0, nil
		case err != nil:
			return "", false, err
		}
	}
}
