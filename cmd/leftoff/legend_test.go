package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/leftoff/leftoff/replicator/api"
)

// TestManyFloors: what can't be listed is counted, and no entry refers to a line that is not there.
func TestManyFloors(t *testing.T) {
	var floors []api.Floor
	for i := range someFloors + 2 {
		floors = append(floors, api.Floor{Detail: strings.Repeat("x", i+1), Offsets: 3, Groups: 1, Reread: &api.Bound{Sum: 9, Maximum: 4}})
	}
	var out strings.Builder
	printFloors(&out, floors, true)
	if lines := strings.Count(out.String(), "["); lines != someFloors || !strings.Contains(out.String(), "and 6 offsets for other reasons") {
		t.Errorf("%d lines:\n%s", lines, out.String())
	}
	for i, f := range floors {
		want := fmt.Sprintf("[%d]", i+1)
		if i >= someFloors {
			want = ""
		}
		if got := note(floors, api.Entry{Confidence: "floor", Floor: f.Detail}); got != want {
			t.Errorf("%d refers to %q, want %q", i, got, want)
		}
	}
	if got := note(floors, api.Entry{Confidence: "exact"}); got != "" {
		t.Errorf("exact refers to %q", got)
	}
}

// TestFloorWithoutAWord still says what would help: mapping mirror does not know more.
func TestFloorWithoutAWord(t *testing.T) {
	if words := floorWords("", false); !strings.Contains(words, "newer commit") {
		t.Error(words)
	}
}

// TestFloorsOfOneKind: a line for several of them names the record of one.
func TestFloorsOfOneKind(t *testing.T) {
	for offsets, want := range map[int]string{1: "      no copy of 7\n", 2: "      for instance: no copy of 7\n"} {
		var out strings.Builder
		printFloors(&out, []api.Floor{{Detail: "no copy of 7", Offsets: offsets, Groups: 1, Reread: &api.Bound{}}}, false)
		if !strings.HasSuffix(out.String(), want) {
			t.Errorf("%d: %s", offsets, out.String())
		}
	}
}

func TestComparedWords(t *testing.T) {
	for want, c := range map[string]api.Compare{
		"match, compared 0 fetches, 0.0 KiB":                                                       {Mapping: "match"},
		"match, compared 3 fetches, 2.0 MiB; all 40 partitions looked at":                          {Mapping: "match", Partitions: 40, Ready: 40, Fetches: api.BySide{Primary: 1, Secondary: 2}, Bytes: api.BySide{Primary: 2 << 20}},
		"mm2, compared 0 fetches, 0.0 KiB; 1 of 2 partitions looked at; 1 offset being looked for": {Mapping: "mm2", Partitions: 2, Ready: 1, Wanted: 1},
	} {
		if got := strings.Join(compared(&c), "; "); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
