package mirror

import (
	"fmt"
	"testing"

	"github.com/leftoff/leftoff/replicator/kafka"
	"github.com/leftoff/leftoff/translate"
)

// What a replay took to the secondary is a copy where it was written down, and nothing else becomes one.
func TestKnownPlaces(t *testing.T) {
	run := func(primary, secondary, length int64) translate.Run {
		return translate.Run{Primary: primary, Secondary: secondary, Length: length}
	}
	for _, c := range []struct {
		name    string
		foreign []translate.Span
		known   []translate.Run
		want    string
	}{
		{"nothing known", []translate.Span{{From: 15, To: 17}}, nil, "0→0x10 20→20x5 foreign [{15 17}] 2"},
		{"all of it", []translate.Span{{From: 10, To: 20}}, []translate.Run{run(10, 10, 10)}, "0→0x10 10→10x10 closed 20→20x5 foreign [] 0"},
		{"a part", []translate.Span{{From: 10, To: 20}}, []translate.Run{run(12, 14, 2), run(14, 18, 9)}, "0→0x10 12→14x2 14→18x2 20→20x5 foreign [{10 14} {16 18}] 6"},
		{"two spans, one run", []translate.Span{{From: 11, To: 13}, {From: 15, To: 16}}, []translate.Run{run(50, 10, 8)}, "0→0x10 51→11x2 55→15x1 20→20x5 foreign [] 0"},
		{"elsewhere", []translate.Span{{From: 11, To: 13}}, []translate.Run{run(50, 2, 3), run(70, 30, 3)}, "0→0x10 20→20x5 foreign [{11 13}] 2"},
	} {
		a := alignment{runs: []translate.Run{run(0, 0, 10), run(20, 20, 5)}, foreign: c.foreign}
		for _, f := range c.foreign {
			a.foreigners += f.To - f.From
		}
		a.place(c.known)
		got := ""
		for _, r := range a.runs {
			got += fmt.Sprintf("%d→%dx%d ", r.Primary, r.Secondary, r.Length)
			if r.Closed {
				got += "closed "
			}
		}
		if got += fmt.Sprintf("foreign %v %d", a.foreign, a.foreigners); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

// What is skipped takes no offset on the secondary, and is passed like a hole, whichever way it lies in a batch.
func TestSkip(t *testing.T) {
	p := newPartition("t", 0)
	p.options.skip = func() spans { return spans{{From: 0, To: 1}, {From: 3, To: 5}, {From: 8, To: 12}} }
	var all []kafka.Record
	for i := range int64(12) {
		all = append(all, kafka.Record{Offset: i})
	}
	for _, b := range [][2]int64{{0, 4}, {4, 8}, {8, 12}} {
		batch := kafka.Batch{BaseOffset: b[0], LastOffset: b[1] - 1, Records: all[b[0]:b[1]]}
		p.put(&batch)
		if len(batch.Records) != 4 {
			t.Fatal("the fetched batch was changed")
		}
	}
	l := p.queue.cut(1 << 20)
	if got := fmt.Sprint(l.runs(100)); got != "[{1 100 2 true} {5 102 3 true}]" || l.through != 12 || p.queue.next != 12 {
		t.Errorf("%s, through %d, next %d", got, l.through, p.queue.next)
	}
	if l := (spans{{From: 5, To: 6}, {From: 1, To: 4}, {From: 3, To: 5}}); !merged(l).has(5) || !merged(l).has(1) || merged(l).has(0) || merged(l).has(6) || len(merged(l)) != 1 {
		t.Errorf("%v", merged(l))
	}
}
