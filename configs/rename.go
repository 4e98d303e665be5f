package configs

import (
	"strings"

	"go.yaml.in/yaml/v3"
)

// Rename says what a topic of the primary is called on the secondary: the same, or with a prefix.
//
//	rename: same
//	rename: {prefix: "west."}
type Rename struct {
	Prefix string
}

// Apply is the secondary's name of a primary topic.
func (r Rename) Apply(topic string) string { return r.Prefix + topic }

// Invert is the primary's name of a secondary topic, where it is one of this link's.
func (r Rename) Invert(topic string) (string, bool) { return strings.CutPrefix(topic, r.Prefix) }

func (r Rename) String() string {
	if r.Prefix == "" {
		return "same"
	}
	return "prefix: " + r.Prefix
}

// MarshalYAML writes it as it is read.
func (r Rename) MarshalYAML() (any, error) {
	if r.Prefix == "" {
		return "same", nil
	}
	return map[string]string{"prefix": r.Prefix}, nil
}

const renameHint = `same, or {prefix: "west."}`

func (r *Rename) bind(b *binder, path string, n *yaml.Node) {
	switch {
	case n.Tag == "!!null", n.Kind == yaml.ScalarNode && n.Value == "same":
	case n.Kind == yaml.MappingNode && len(n.Content) == 2 && n.Content[0].Value == "prefix" && n.Content[1].Kind == yaml.ScalarNode:
		r.Prefix = n.Content[1].Value
		b.lines[path+".prefix"] = n.Content[1].Line
		if strings.Trim(r.Prefix, topicLetters) != "" || r.Prefix == "" {
			b.say(path+".prefix", r.Prefix, "is no beginning of a topic name", `letters, digits, ".", "_" and "-"`)
		}
	default:
		b.say(path, n.Value, "is no way to rename", renameHint)
	}
}
