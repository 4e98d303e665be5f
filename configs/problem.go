package configs

import (
	"fmt"
	"sort"
	"strings"
)

// Problem is one thing wrong with a file.
type Problem struct {
	Path    string `json:"path"`            // clusters.west.brokers[0]; empty: the file as a whole
	Line    int    `json:"line,omitempty"`  // 1-based; 0 where the key is missing
	Value   string `json:"value,omitempty"` // as written; never a secret
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"` // what to do
}

func (p Problem) String() string {
	var b strings.Builder
	if p.Path != "" {
		b.WriteString(p.Path + ": ")
	}
	b.WriteString(p.Message)
	if p.Value != "" {
		fmt.Fprintf(&b, " (got %q)", p.Value)
	}
	if p.Hint != "" {
		b.WriteString(". Try: " + p.Hint)
	}
	return b.String()
}

// Problems is all that is wrong with a file, in the order of its lines.
type Problems []Problem

func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i := range p {
		lines[i] = p[i].String()
	}
	return strings.Join(lines, "\n")
}

// err is nil where there are none.
func (p Problems) err() error {
	if len(p) == 0 {
		return nil
	}
	sort.SliceStable(p, func(i, j int) bool { return p[i].Line < p[j].Line })
	return p
}
