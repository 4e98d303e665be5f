package daemon

import (
	"path/filepath"
	"testing"

	"go.uber.org/zap"

	"github.com/leftoff/leftoff/checkpoint"
)

// The primary's offsets topic was recreated: that says nothing about the secondary's log, where the evidence lies from before
// a person reclaimed the group. The secondary's was: then all of its new log counts, its very first record, too.
func TestForgetKeepsReclaimsUnlessTheirLogIsGone(t *testing.T) {
	x, err := checkpoint.Open(filepath.Join(t.TempDir(), "index.db"), checkpoint.Options{Link: checkpoint.Link{Name: "l"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := x.SetVerdict("g", checkpoint.Verdict{Kind: checkpoint.Reclaimed, LogEpoch: 7, LogOffset: 900}); err != nil {
		t.Fatal(err)
	}
	l := newLink(Link{Name: "l"}, zap.NewNop())
	l.index = x
	defer l.close()
	if err := l.forget(); err != nil {
		t.Fatal(err)
	}
	if v, _ := x.Verdict("g"); v.LogEpoch != 7 || v.LogOffset != 900 {
		t.Fatalf("the primary's topic was recreated, and the verdict became %+v", v)
	}
	l.newLog = true
	if err := l.forget(); err != nil {
		t.Fatal(err)
	}
	if v, _ := x.Verdict("g"); v.Kind != checkpoint.Reclaimed || v.LogEpoch != 0 || v.LogOffset != -1 {
		t.Fatalf("the secondary's topic was recreated, and the verdict is %+v", v)
	}
}
