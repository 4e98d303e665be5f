package checkpoint_test

import (
	"errors"
	"path/filepath"
	"testing"

	"github.com/leftoff/leftoff/checkpoint"
	"github.com/leftoff/leftoff/checkpoint/checkpointtest"
	"github.com/leftoff/leftoff/translate"
)

// TestCompact: what was pruned leaves the file, what is there stays.
func TestCompact(t *testing.T) {
	path := filepath.Join(t.TempDir(), "index.db")
	link := checkpoint.Link{Name: "west-east", PrimaryClusterID: "w", SecondaryClusterID: "e"}
	x := checkpointtest.OpenAt(t, path, link)
	pair, _, err := x.Pair(checkpoint.Topics{Primary: checkpoint.Topic{Name: "a"}, Secondary: checkpoint.Topic{Name: "a"}, Partitions: 1, Source: "mirror"})
	if err != nil {
		t.Fatal(err)
	}
	const runs = 100_000
	p := pair.Partition(0)
	for i := range int64(runs) {
		if err := p.Append(translate.Run{Primary: 3 * i, Secondary: 2 * i, Length: 2, Closed: true}); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(p.Advance(translate.Frontier{Primary: 3 * runs, Secondary: 2 * runs}), x.Flush()); err != nil {
		t.Fatal(err)
	}
	p.Prune(3*(runs-10), 2*(runs-10))
	bounds := translate.Bounds{LogStart: 2 * (runs - 10), End: 2 * runs}
	want := p.Forward(3*(runs-5), bounds)
	if err := x.Flush(); err != nil {
		t.Fatal(err)
	}

	if _, _, err := checkpoint.Compact(path); !errors.Is(err, checkpoint.ErrLocked) {
		t.Errorf("compacted under somebody's hands: %v", err)
	}
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
	before, after, err := checkpoint.Compact(path)
	if err != nil || after >= before/2 {
		t.Errorf("%d → %d bytes, %v", before, after, err)
	}

	again := checkpointtest.OpenAt(t, path, link)
	pair, ok := again.Lookup("a")
	if !ok {
		t.Fatal("the topic is gone")
	}
	if got := pair.Partition(0).Forward(3*(runs-5), bounds); got != want || got.Confidence != translate.Exact {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
