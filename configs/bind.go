package configs

import (
	"fmt"
	"reflect"
	"sort"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// binder fills structs from a YAML tree. The library's own decoder stops at types and knows no paths; this one goes on after
// every problem, says where it was, and remembers the lines for the checks that follow.
type binder struct {
	problems Problems
	lines    map[string]int  // path → line of its value
	failed   map[string]bool // paths that were said to be of the wrong kind: absence is not their fault
}

// binds is implemented by values that are not plain scalars, lists, maps or structs.
type binds interface {
	bind(b *binder, path string, n *yaml.Node)
}

func (b *binder) say(path, value, message, hint string) {
	b.problems = append(b.problems, Problem{Path: path, Line: b.line(path), Value: value, Message: message, Hint: hint})
}

// line is that of the path, or of the nearest thing around it.
func (b *binder) line(path string) int {
	for {
		if n, ok := b.lines[path]; ok || path == "" {
			return n
		}
		path = path[:max(strings.LastIndexAny(path, ".["), 0)]
	}
}

func (b *binder) bind(path string, n *yaml.Node, v reflect.Value) {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	b.lines[path] = n.Line
	if own, ok := v.Addr().Interface().(binds); ok {
		own.bind(b, path, n)
		return
	}
	if n.Tag == "!!null" {
		return // `key:` with nothing behind it keeps the default
	}
	switch v.Kind() {
	case reflect.Struct:
		b.fields(path, n, v)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		b.bind(path, n, v.Elem())
	case reflect.Map:
		b.entries(path, n, v)
	case reflect.Slice:
		b.items(path, n, v)
	default:
		b.scalar(path, n, v)
	}
}

// fields binds a mapping to a struct. `key:` without a value keeps a struct's defaults, also for tls: {}.
func (b *binder) fields(path string, n *yaml.Node, v reflect.Value) {
	if !b.wants(path, n, yaml.MappingNode, "a mapping of keys") {
		return
	}
	known := map[string]reflect.Value{}
	var names []string
	for i := range v.NumField() {
		if name := v.Type().Field(i).Tag.Get("yaml"); name != "" {
			known[name] = v.Field(i)
			names = append(names, name)
		}
	}
	b.pairs(path, n, func(key string, value *yaml.Node) {
		field, ok := known[key]
		if ok {
			b.bind(join(path, key), value, field)
			return
		}
		sort.Strings(names)
		hint := "one of " + strings.Join(names, ", ")
		if name, near := nearest(key, names); near {
			hint = fmt.Sprintf("%q, if that is what you meant", name)
		}
		b.say(join(path, key), "", "unknown key", hint)
	})
}

// entries binds a mapping with free keys. Clusters start from their defaults.
func (b *binder) entries(path string, n *yaml.Node, v reflect.Value) {
	if !b.wants(path, n, yaml.MappingNode, "a mapping of names") {
		return
	}
	v.Set(reflect.MakeMap(v.Type()))
	b.pairs(path, n, func(key string, value *yaml.Node) {
		e := fresh(v.Type().Elem())
		b.bind(join(path, key), value, e)
		v.SetMapIndex(reflect.ValueOf(key), e)
	})
}

func (b *binder) items(path string, n *yaml.Node, v reflect.Value) {
	if !b.wants(path, n, yaml.SequenceNode, "a list") {
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), 0, len(n.Content)))
	for i, item := range n.Content {
		e := fresh(v.Type().Elem())
		b.bind(fmt.Sprintf("%s[%d]", path, i), item, e)
		v.Set(reflect.Append(v, e))
	}
}

// fresh is a value with its defaults.
func fresh(t reflect.Type) reflect.Value {
	v := reflect.New(t).Elem()
	switch d := v.Addr().Interface().(type) {
	case *Cluster:
		*d = DefaultCluster()
	case *Link:
		*d = DefaultLink()
	}
	return v
}

// pairs walks a mapping, merges (`<<`) first.
func (b *binder) pairs(path string, n *yaml.Node, f func(key string, value *yaml.Node)) {
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Tag == "!!merge" {
			merged := n.Content[i+1]
			for merged.Kind == yaml.AliasNode {
				merged = merged.Alias
			}
			if b.wants(path, merged, yaml.MappingNode, "a mapping to merge") {
				b.pairs(path, merged, f)
			}
		}
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if key.Tag == "!!merge" {
			continue
		}
		b.lines[join(path, key.Value)] = key.Line
		if seen[key.Value] {
			b.say(join(path, key.Value), "", "is there twice", "keep one of them")
			continue
		}
		seen[key.Value] = true
		f(key.Value, n.Content[i+1])
	}
}

var durationType = reflect.TypeFor[time.Duration]()

func (b *binder) scalar(path string, n *yaml.Node, v reflect.Value) {
	if !b.wants(path, n, yaml.ScalarNode, "one value") {
		return
	}
	switch {
	case v.Type() == durationType:
		d, err := time.ParseDuration(n.Value)
		if err != nil {
			b.say(path, n.Value, "is not a duration", "a number with its unit, such as 500ms, 10s or 2m")
			return
		}
		v.SetInt(int64(d))
	case v.CanInt():
		number, err := strconv.Atoi(n.Value)
		if err != nil {
			b.say(path, n.Value, "is not a whole number", "digits only")
			return
		}
		v.SetInt(int64(number))
	case v.Kind() == reflect.Bool:
		yes, err := strconv.ParseBool(n.Value)
		if err != nil {
			b.say(path, n.Value, "is not yes or no", "true or false")
			return
		}
		v.SetBool(yes)
	default:
		v.SetString(n.Value)
	}
}

// wants says whether the node has the kind, and says so in the problems where it has not.
func (b *binder) wants(path string, n *yaml.Node, kind yaml.Kind, what string) bool {
	if n.Kind == kind {
		return true
	}
	value := ""
	if n.Kind == yaml.ScalarNode && !strings.HasSuffix(path, "password") {
		value = n.Value
	}
	b.failed[path] = true
	b.say(path, value, "must be "+what, "")
	return false
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}
