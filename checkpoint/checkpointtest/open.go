// Package checkpointtest opens indexes for tests. Every index it opened is checked when its test ends.
package checkpointtest

import (
	"path/filepath"
	"testing"

	"github.com/leftoff/leftoff/checkpoint"
)

// Open opens a new index in a directory of the test's own.
func Open(t testing.TB, link checkpoint.Link) *checkpoint.Index {
	t.Helper()
	return OpenAt(t, filepath.Join(t.TempDir(), "index.db"), link)
}

// OpenAt opens the index at path. In cleanup it is flushed, checked and closed; a test may close it earlier.
func OpenAt(t testing.TB, path string, link checkpoint.Link) *checkpoint.Index {
	t.Helper()
	x, err := checkpoint.Open(path, checkpoint.Options{Link: link})
	if err != nil {
		t.Fatalf("open index %s: %v", path, err)
	}
	t.Cleanup(func() { CheckAndClose(t, x) })
	return x
}

// CheckAndClose proves the index consistent, then closes it. It does nothing to an index that is closed already.
func CheckAndClose(t testing.TB, x *checkpoint.Index) {
	t.Helper()
	if err := x.Check(); err != nil && err != checkpoint.ErrClosed {
		t.Errorf("index check: %v", err)
	}
	if err := x.Close(); err != nil {
		t.Errorf("close index: %v", err)
	}
}
