package configs

import (
	"strings"

	"go.yaml.in/yaml/v3"
)

// After says what a commit waits for before it is written on the secondary. Only none is in this version; auto and lists of
// topics are read, so that they can be refused by name.
type After string

func (a *After) bind(b *binder, path string, n *yaml.Node) {
	switch {
	case n.Tag == "!!null":
	case n.Kind == yaml.ScalarNode:
		*a = After(n.Value)
	case n.Kind == yaml.SequenceNode:
		var topics []string
		for _, item := range n.Content {
			topics = append(topics, item.Value)
		}
		*a = After("[" + strings.Join(topics, ", ") + "]")
	default:
		b.say(path, "", "must be one value", "none")
	}
}
