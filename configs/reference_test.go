package configs

import (
	"fmt"
	"reflect"
	"regexp"
	"sort"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// commented matches a key that is commented out: no space behind its #, as opposed to prose.
var commented = regexp.MustCompile(`(?m)^(\s*)#([a-z_]+:)`)

// TestReferenceIsComplete holds reference.yml and the structs together, both ways.
func TestReferenceIsComplete(t *testing.T) {
	cfg, b := bindAll([]byte(commented.ReplaceAllString(reference, "$1$2")))
	if len(b.problems) > 0 {
		t.Fatalf("reference.yml has keys or values that the structs do not know:\n%v", b.problems)
	}
	if len(cfg.Clusters) == 0 {
		t.Fatal("nothing was bound")
	}
	var missing []string
	for _, path := range keys("", reflect.TypeFor[Config]()) {
		if _, ok := b.lines[path]; !ok {
			missing = append(missing, path)
		}
	}
	if len(missing) > 0 {
		t.Errorf("reference.yml does not document %v", missing)
	}
}

// TestReferenceShowsDefaults: a value that is not marked (required) is the default.
func TestReferenceShowsDefaults(t *testing.T) {
	shown, problems := bindAll([]byte(reference))
	if len(problems.problems) > 0 {
		t.Fatal(problems.problems)
	}
	lines := strings.Split(reference, "\n")
	defaults := Default()
	defaults.Clusters = map[string]Cluster{"west": DefaultCluster()}
	defaults.Links = []Link{DefaultLink()}
	compared := 0
	for _, path := range keys("", reflect.TypeFor[Config]()) {
		line := problems.lines[path]
		if line == 0 || strings.Contains(lines[line-1], "(required)") {
			continue
		}
		compared++
		got, want := flat(t, shown)[path], flat(t, defaults)[path]
		if got != want {
			t.Errorf("%s: reference.yml shows %q, the default is %q", path, got, want)
		}
	}
	if compared < 12 {
		t.Fatalf("only %d values compared", compared)
	}
}

// TestReferenceIsValid: `leftoff config reference > link.yml` is a file to begin with.
func TestReferenceIsValid(t *testing.T) {
	if _, err := Parse([]byte(reference), "", nothingOutside()); err != nil {
		t.Fatal(err)
	}
}

// keys lists the leaves of a struct as paths: the first cluster is west, the first link is links[0].
func keys(path string, typ reflect.Type) []string {
	switch typ.Kind() {
	case reflect.Pointer:
		return keys(path, typ.Elem())
	case reflect.Map:
		return keys(path+".west", typ.Elem())
	case reflect.Slice:
		if typ.Elem().Kind() == reflect.Struct {
			return keys(path+"[0]", typ.Elem())
		}
	case reflect.Struct:
		if typ == reflect.TypeFor[Rename]() {
			break
		}
		var all []string
		for i := range typ.NumField() {
			if name := typ.Field(i).Tag.Get("yaml"); name != "" {
				all = append(all, keys(join(path, name), typ.Field(i).Type)...)
			}
		}
		return all
	}
	return []string{path}
}

// flat prints a Config's leaves by path.
func flat(t *testing.T, c Config) map[string]string {
	t.Helper()
	data, err := yaml.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	var tree any
	if err := yaml.Unmarshal(data, &tree); err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	flatten("", tree, out)
	return out
}

func flatten(path string, v any, out map[string]string) {
	switch v := v.(type) {
	case map[string]any:
		names := make([]string, 0, len(v))
		for name := range v {
			names = append(names, name)
		}
		sort.Strings(names)
		for _, name := range names {
			flatten(join(path, name), v[name], out)
		}
		return
	case []any:
		for i, item := range v {
			flatten(fmt.Sprintf("%s[%d]", path, i), item, out)
		}
	}
	out[path] = fmt.Sprint(v)
}
