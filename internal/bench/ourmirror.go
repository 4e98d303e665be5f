package bench

import (
	"os"
	"path/filepath"
	"strings"
)

// fresh gives the program an index of its own, as on a disk that was lost, and a prefix for the topics it writes; "" keeps the names.
func (p *program) fresh(prefix string) {
	p.r.Helper()
	text, err := os.ReadFile(p.config)
	if err != nil {
		p.r.Fatal(err)
	}
	next := filepath.Join(p.r.TempDir(), "data")
	changed := strings.Replace(string(text), "data_dir: "+p.data, "data_dir: "+next, 1)
	if prefix != "" {
		head, rest, _ := strings.Cut(changed, "topics: {")
		rest = rest[strings.Index(rest, "include:"):] // without the rename of before
		changed = head + "topics: {rename: {prefix: '" + prefix + "'}, " + rest
	}
	if changed == string(text) || prefix != "" && !strings.Contains(changed, prefix) {
		p.r.Fatalf("the configuration is not what this expects:\n%s", text)
	}
	if err := os.WriteFile(p.config, []byte(changed), 0o600); err != nil {
		p.r.Fatal(err)
	}
	p.data = next
}
