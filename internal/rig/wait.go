package rig

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"
	"unicode/utf16"
)

// permanent ends a poll early: waiting longer would not help.
type permanent struct{ error }

func (p permanent) Unwrap() error { return p.error }

// poll asks until the answer is nil or the context ends; the last answer tells
// what was missing.
func poll(ctx context.Context, ask func() error) error {
	ticker := time.NewTicker(pollEvery)
	defer ticker.Stop()
	for {
		err := ask()
		if err == nil || errors.As(err, new(permanent)) {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w, still: %w", context.Cause(ctx), err)
		case <-ticker.C:
		}
	}
}

// Eventually asks until the answer is nil, and fails the test with the last
// answer when the time is up.
func Eventually(t testing.TB, within time.Duration, what string, ask func() error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	if err := poll(ctx, ask); err != nil {
		t.Fatalf("%s: not within %v: %v", what, within, err)
	}
}

// GroupPartition is the partition of __consumer_offsets, of n, that holds a
// group: Utils.abs(group.hashCode()) % n in Java, over UTF-16 units.
func GroupPartition(group string, n int) int {
	var h int32
	for _, u := range utf16.Encode([]rune(group)) {
		h = 31*h + int32(u)
	}
	if h == -1<<31 {
		return 0
	}
	if h < 0 {
		h = -h
	}
	return int(h) % n
}
