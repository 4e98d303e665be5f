package api

import (
	"os"
	"regexp"
	"testing"

	"github.com/leftoff/leftoff/replicator"
)

// TestReasonsAreDocumented holds docs/reasons.md to the closed set: each reason once, worst first, with what to do.
func TestReasonsAreDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/reasons.md")
	if err != nil {
		t.Fatal(err)
	}
	ranks := map[string]int{}
	for _, r := range replicator.Reasons() {
		ranks[r.String()] = AdviceOn(r).Rank
	}
	seen, last := map[string]bool{}, 0
	for _, m := range regexp.MustCompile(`(?s)\n### (\S+)\n(.*?)\n\*Do:\* (\S)`).FindAllStringSubmatch(string(page), -1) {
		rank, known := ranks[m[1]]
		switch {
		case !known:
			t.Errorf("%s is no reason", m[1])
		case seen[m[1]]:
			t.Errorf("%s is there twice", m[1])
		case rank < last:
			t.Errorf("%s (rank %d) comes after worse ones (rank %d)", m[1], rank, last)
		}
		seen[m[1]], last = true, rank
	}
	for name := range ranks {
		if !seen[name] {
			t.Errorf("%s is not documented, or without what to do", name)
		}
	}
}
