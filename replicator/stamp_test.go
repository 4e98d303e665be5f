package replicator

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestStampRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := Stamp{Link: uint16(rapid.IntRange(0, stampLinks-1).Draw(t, "link")), Writer: uint16(rapid.IntRange(0, writers-1).Draw(t, "writer"))}
		ms := s.Retention().Milliseconds()
		if got, ok := ReadStamp(ms); !ok || got != s {
			t.Fatalf("%+v came back as %+v, %v", s, got, ok)
		}
		if _, ok := ReadStamp(ms + rapid.Int64Range(1, stampFactor-1).Draw(t, "off")); ok {
			t.Fatal("a retention that is no stamp was read as one")
		}
		if s.Retention() < 90*24*time.Hour || s.Retention() > 102*24*time.Hour {
			t.Fatalf("retention %v", s.Retention())
		}
	})
}

func TestNoStamp(t *testing.T) {
	for _, ms := range []int64{0, -1, 60_000, (7 * 24 * time.Hour).Milliseconds(), stampBase, (365 * 24 * time.Hour).Milliseconds(), 1 << 62} {
		if s, ok := ReadStamp(ms); ok {
			t.Errorf("%d ms was read as the stamp %+v", ms, s)
		}
	}
}

func TestOppositeLinksDiffer(t *testing.T) {
	if LinkMark("a", "b") == LinkMark("b", "a") {
		t.Fatal("opposite links share a mark")
	}
}
