package replicator

import (
	"testing"
	"unsafe"
)

// There are millions of them.
func TestRowsAreSmall(t *testing.T) {
	if n := unsafe.Sizeof(row{}); n > 128 {
		t.Errorf("a row takes %d bytes", n)
	}
}

// What a row packs comes out as it went in.
func TestRowKeepsWhatItIsGiven(t *testing.T) {
	b := newBench(t, nil)
	id := [16]byte{1, 2, 3}
	put := func(metadata string, at int64, order Order) *row {
		b.l.applyPrimary(&Change{Commit: Commit{Key: benchKey, Offset: 7, Metadata: metadata, LeaderEpoch: 3, TopicID: id, CommittedAt: at, Order: order}})
		return b.l.known(benchKey)
	}
	r := put("m", 1_700_000_000_123, Order{2, 1 << 40})
	want := Commit{Key: benchKey, Offset: 7, Metadata: "m", LeaderEpoch: 3, TopicID: id, CommittedAt: 1_700_000_000_123, Order: Order{2, 1 << 40}}
	if got := r.commit(); got != want {
		t.Fatalf("%+v", got)
	}
	r.setDetail("why")
	r = put("", -1, Order{2, 1<<40 + 1})
	if got := r.commit(); got.CommittedAt != 0 || got.Metadata != "" || r.detail() != "why" {
		t.Fatalf("%+v %q", got, r.detail())
	}
	if r.setDetail(""); r.rare != nil {
		t.Error("what is empty is kept")
	}
	other := [16]byte{9}
	id = other
	if got := put("", 1, Order{2, 1<<40 + 2}).commit(); got.TopicID != other {
		t.Fatalf("%+v", got)
	}
}
