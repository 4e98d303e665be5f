package region

import (
	"go/parser"
	"go/token"
	"os"
	"strings"
	"testing"
)

// TestImportsNothingOfTheProduct: the ground must not share the mistakes of what stands on it.
func TestImportsNothingOfTheProduct(t *testing.T) {
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), ".go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), f.Name(), nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range parsed.Imports {
			seen++
			path := strings.Trim(i.Path.Value, `"`)
			if strings.Contains(path, "leftoff") && !strings.Contains(path, "leftoff/internal/") || strings.Contains(path, "sarama") {
				t.Errorf("%s imports %s", f.Name(), path)
			}
		}
	}
	if seen == 0 {
		t.Fatal("no imports found")
	}
}
