package configs

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/leftoff/leftoff/replicator"
)

// After says what a commit waits for before it is written on the secondary: none, auto, or topics of the primary.
//
//	after: auto
//	after: [counts, totals]
type After string

// Topics are the topics that are named, if any are.
func (a After) Topics() []string {
	topics, _ := replicator.AfterTopics(string(a))
	return topics
}

func (a *After) bind(b *binder, path string, n *yaml.Node) {
	switch {
	case n.Tag == "!!null":
	case n.Kind == yaml.ScalarNode:
		*a = After(n.Value)
	case n.Kind == yaml.SequenceNode:
		topics, good := []string{}, true
		for i, item := range n.Content {
			at := fmt.Sprintf("%s[%d]", path, i)
			if item.Kind != yaml.ScalarNode || item.Value == "" || strings.Trim(item.Value, topicLetters) != "" {
				b.lines[at], good = item.Line, false
				b.say(at, item.Value, "is no topic name", "a topic of the primary, written out: patterns are for topics.include")
				continue
			}
			topics = append(topics, item.Value)
		}
		if good { // else it is left as it was: enough is said
			*a = After("[" + strings.Join(topics, ", ") + "]")
		}
	default:
		b.say(path, "", "must be one value, or a list", "auto, none, or topics: [a, b]")
	}
}

// MarshalYAML writes it as it is read.
func (a After) MarshalYAML() (any, error) {
	if topics := a.Topics(); len(topics) > 0 {
		return topics, nil
	}
	return string(a), nil
}

// after wants topics that the link copies: nothing is ever known of others, and a commit would wait for ever.
func (c *checker) after(path string, l Link) {
	a := l.Policy.After
	switch topics := a.Topics(); {
	case a == "none" || a == "auto":
	case a == "[]":
		c.say(path, "", "names no topic", "none, auto, or topics of the link: [a, b]")
	case len(topics) == 0:
		c.say(path, string(a), "no such choice", "none, auto, or topics of the link: [a, b]")
	default:
		chosen := l.SelectTopic()
		for i, t := range topics {
			if !chosen(t) {
				c.say(fmt.Sprintf("%s[%d]", path, i), t, "is not among the link's topics", "topics.include: what is not copied can't be waited for")
			}
		}
	}
}
