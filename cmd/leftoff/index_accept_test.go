package main

import (
	"path/filepath"
	"testing"

	"github.com/leftoff/leftoff/checkpoint"
	"github.com/leftoff/leftoff/translate"
)

// Foreign records cap a position until they are accepted, and the acceptance outlives the process.
func TestAcceptForeignRecords(t *testing.T) {
	path := filepath.Join(t.TempDir(), "link.db")
	open := func() (*checkpoint.Index, *checkpoint.Partition) {
		t.Helper()
		x, err := checkpoint.Open(path, checkpoint.Options{Link: checkpoint.Link{Name: "link", PrimaryClusterID: "p", SecondaryClusterID: "s"}})
		if err != nil {
			t.Fatal(err)
		}
		topic := checkpoint.Topic{Name: "payments"}
		pair, _, err := x.Pair(checkpoint.Topics{Primary: topic, Secondary: topic, Partitions: 1, Source: "mirror"})
		if err != nil {
			t.Fatal(err)
		}
		return x, pair.Partition(0)
	}
	bounds := translate.Bounds{End: 205}
	x, p := open()
	for _, err := range []error{
		p.Append(translate.Run{Length: 100, Closed: true}),
		p.Foreign(translate.Span{From: 100, To: 105}),
		p.Append(translate.Run{Primary: 100, Secondary: 105, Length: 100, Closed: true}),
		p.Advance(translate.Frontier{Primary: 200, Secondary: 205}),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if got := p.Forward(150, bounds); got.Offset != 100 || got.Confidence != translate.Floor {
		t.Fatalf("before: %+v", got)
	}
	done, err := acceptIn(x, "payments", 0, -1)
	if err != nil || len(done.Spans) != 1 || done.Spans[0] != (span{100, 105}) {
		t.Fatalf("%+v, %v", done, err)
	}
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
	x, p = open()
	defer x.Close()
	if got := p.Forward(150, bounds); got.Offset != 155 || got.Confidence != translate.Exact {
		t.Fatalf("after: %+v", got)
	}
	if _, err := acceptIn(x, "payments", 0, -1); err == nil {
		t.Fatal("nothing is left to accept, and that was no error")
	}
	if _, err := acceptIn(x, "payments", 3, -1); err == nil {
		t.Fatal("a partition that is not there was accepted")
	}
}
