package imports

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/leftoff/leftoff"

// imported is one import of one file.
type imported struct {
	file string // from the repository's root
	room string // the folder
	path string // what it imports
	test bool
}

// TestImportsPointOneWay reads every file of the repository, tests included.
func TestImportsPointOneWay(t *testing.T) {
	all := repository(t)
	if len(all) < 100 {
		t.Fatalf("only %d imports found", len(all))
	}
	for _, i := range all {
		if why := forbidden(i); why != "" {
			t.Errorf("%s imports %s: %s", i.file, i.path, why)
		}
	}
}

// forbidden says why an import is against the rules; empty where it is not.
func forbidden(i imported) string {
	for _, rule := range rules {
		if why := rule(i); why != "" {
			return why
		}
	}
	return ""
}

var rules = []func(imported) string{onlyDown, nothingOfTheProduct, pureTranslate, coreWithoutIO, oneSarama, oneBbolt, judgeReadsWithFranz, siblings, verifyStandsAlone}

// height orders the rooms of the product: a room imports only lower ones. Rooms below replicator/ are equals; see siblings.
func height(room string) int {
	switch {
	case room == "translate":
		return 0
	case room == "checkpoint", room == "checkpoint/checkpointtest":
		return 1
	case room == "replicator":
		return 2
	case room == "configs":
		return 3
	case room == "replicator/daemon":
		return 5
	case strings.HasPrefix(room, "replicator/"):
		return 4
	case room == "internal/story":
		return 6
	case strings.HasPrefix(room, "cmd/"):
		return 7
	}
	return -1 // not a room of the product
}

func onlyDown(i imported) string {
	room, ok := own(i.path)
	if !ok || i.test && (strings.HasPrefix(room, "internal/") || within(room, i.room)) {
		return ""
	}
	from, to := height(i.room), height(room)
	if from >= 0 && to > from || from >= 0 && to == from && !strings.HasPrefix(room, "replicator/") && !within(i.room, room) {
		return "imports point down: cmd → replicator/daemon → replicator/* → replicator → checkpoint → translate"
	}
	if from >= 0 && to < 0 && i.room != "internal/story" && !strings.HasPrefix(i.room, "cmd/") {
		return "the product imports nothing of internal/ outside its tests"
	}
	return ""
}

// nothingOfTheProduct keeps the test grounds honest: they must not share the product's mistakes.
func nothingOfTheProduct(i imported) string {
	room, ok := own(i.path)
	for _, ground := range []string{"internal/judge", "internal/rig", "internal/region"} {
		if within(i.room, ground) && ok && (height(room) >= 0 || !strings.HasPrefix(room, "internal/")) {
			return ground + " imports nothing of the product"
		}
	}
	return ""
}

func pureTranslate(i imported) string {
	if i.room == "translate" && !i.test && !standard(i.path) {
		return "translate needs the standard library only"
	}
	return ""
}

func coreWithoutIO(i imported) string {
	if i.room != "replicator" || i.test {
		return ""
	}
	switch i.path {
	case "net", "net/http", "os", "io/fs", "syscall", module + "/checkpoint":
		return "the core does no I/O"
	}
	return ""
}

func oneSarama(i imported) string {
	if strings.HasPrefix(i.path, "github.com/IBM/sarama") && i.room != "replicator/kafka" {
		return "only replicator/kafka imports sarama, tests included"
	}
	return ""
}

func oneBbolt(i imported) string {
	if strings.HasPrefix(i.path, "go.etcd.io/bbolt") && i.room != "checkpoint" && i.room != "internal/acceptance" { // whose tests damage a file
		return "only checkpoint imports bbolt"
	}
	return ""
}

// judgeReadsWithFranz: the judge reads with another client than the product, and the product never uses that one.
func judgeReadsWithFranz(i imported) string {
	if strings.HasPrefix(i.path, "github.com/twmb/franz-go") && height(i.room) >= 0 && !i.test && i.room != "internal/story" && !strings.HasPrefix(i.room, "cmd/bench") {
		return "the product uses sarama; franz-go is the judge's and the tests'"
	}
	return ""
}

// siblings says which of the equal rooms below replicator/ may import which.
func siblings(i imported) string {
	room, ok := own(i.path)
	if !ok || i.test || height(i.room) != 4 || height(room) != 4 || within(room, i.room) || within(i.room, room) {
		return ""
	}
	allowed := map[string]bool{
		"replicator/mirror replicator/kafka":   true,
		"replicator/identity replicator/kafka": true,
		"replicator/match replicator/kafka":    true,
		"replicator/mm2 replicator/match":      true,
		"replicator/mm2 replicator/kafka":      true,
		"replicator/detect replicator/kafka":   true,
		"replicator/detect replicator/mm2":     true,
		"replicator/auto replicator/identity":  true,
		"replicator/auto replicator/detect":    true,
		"replicator/auto replicator/match":     true,
		"replicator/auto replicator/mm2":       true,
		"replicator/failover replicator/kafka": true,
		"replicator/drill replicator/kafka":    true,
		"replicator/drill replicator/verify":   true,
		"replicator/api replicator/failover":   true, // its types are what is asked and answered
		"replicator/verify replicator/kafka":   true,
		"replicator/tail replicator/kafka":     true,
		"replicator/tail replicator/offsetlog": true,
		"replicator/metrics replicator/api":    true, // so that sums agree
	}
	if !allowed[i.room+" "+room] {
		return "rooms below replicator/ know each other only where siblings() says so"
	}
	return ""
}

// verifyStandsAlone: what finds leftoff's mistakes must not share them.
func verifyStandsAlone(i imported) string {
	room, ok := own(i.path)
	if i.room == "replicator/verify" && ok && !i.test && room != "replicator/kafka" {
		return "verify reads the clusters and nothing else, so that it can find the rest wrong"
	}
	return ""
}

func own(path string) (room string, ok bool) {
	return strings.CutPrefix(path, module+"/")
}

func within(room, parent string) bool { return room == parent || strings.HasPrefix(room, parent+"/") }

// standard library paths have no dot in their first element.
func standard(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	return !strings.Contains(first, ".")
}

// repository lists the imports of every Go file.
func repository(t *testing.T) []imported {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	var all []imported
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			if os.IsNotExist(err) {
				return nil // somebody's temporary file
			}
			return err
		}
		if d.IsDir() && (strings.HasPrefix(d.Name(), ".") && path != root || d.Name() == "testdata") {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(path, ".go") {
			return nil
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		found, err := importsOf(path, filepath.ToSlash(rel))
		all = append(all, found...)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	sort.Slice(all, func(i, j int) bool { return all[i].file < all[j].file })
	return all
}

func importsOf(path, rel string) ([]imported, error) {
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
	if err != nil {
		return nil, err
	}
	var all []imported
	for _, spec := range file.Imports {
		name, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return nil, err
		}
		dir := filepath.ToSlash(filepath.Dir(rel))
		all = append(all, imported{file: rel, room: dir, path: name, test: strings.HasSuffix(rel, "_test.go")})
	}
	return all, nil
}

// TestRulesCanFail: each rule catches what it is for.
func TestRulesCanFail(t *testing.T) {
	for _, i := range []imported{
		{room: "translate", path: "go.uber.org/zap"},
		{room: "translate", path: module + "/checkpoint"},
		{room: "checkpoint", path: module + "/replicator"},
		{room: "replicator", path: module + "/replicator/kafka"},
		{room: "replicator", path: "net"},
		{room: "replicator", path: module + "/checkpoint"},
		{room: "replicator/mirror", path: "github.com/IBM/sarama", test: true},
		{room: "replicator/mirror", path: module + "/replicator/daemon"},
		{room: "replicator/mirror", path: module + "/replicator/tail"},
		{room: "replicator/kafka", path: module + "/internal/rig"},
		{room: "replicator/daemon", path: "github.com/twmb/franz-go/pkg/kgo"},
		{room: "replicator/daemon", path: "go.etcd.io/bbolt"},
		{room: "internal/judge", path: module + "/translate"},
		{room: "internal/rig", path: module + "/replicator/kafka", test: true},
		{room: "internal/region", path: module + "/replicator"},
		{room: "replicator/daemon", path: module + "/cmd/leftoff"},
		{room: "replicator/verify", path: module + "/replicator"},
		{room: "replicator/verify", path: module + "/translate"},
		{room: "replicator/verify", path: module + "/checkpoint"},
		{room: "replicator/verify", path: module + "/replicator/match"},
	} {
		if forbidden(i) == "" {
			t.Errorf("%s may import %s", i.room, i.path)
		}
	}
	for _, i := range []imported{
		{room: "cmd/leftoff", path: module + "/replicator/daemon"},
		{room: "cmd/leftoff", path: module + "/internal/story"},
		{room: "replicator/mirror", path: module + "/replicator/kafka"},
		{room: "replicator/mirror", path: module + "/internal/rig", test: true},
		{room: "replicator/verify", path: module + "/replicator/kafka"},
		{room: "translate", path: "sort"},
		{room: "internal/judge", path: "github.com/twmb/franz-go/pkg/kgo"},
	} {
		if why := forbidden(i); why != "" {
			t.Errorf("%s may not import %s: %s", i.room, i.path, why)
		}
	}
}
