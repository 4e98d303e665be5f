package configs

import (
	"regexp"
	"strings"
)

// neverTopics are topics that no link follows: Kafka's own, and leftoff's.
func neverTopics() []string { return []string{`__.*`, `leftoff-.*`} }

// neverGroups are groups that no link follows: leftoff's own.
func neverGroups() []string { return []string{`leftoff-.*`} }

// SelectTopic says which of the primary's topics the link follows.
func (l Link) SelectTopic() func(topic string) bool {
	return selector(l.Topics.Include, append(neverTopics(), l.Topics.Exclude...))
}

// SelectGroup says which consumer groups the link follows.
func (l Link) SelectGroup() func(group string) bool {
	return selector(l.Groups.Include, append(neverGroups(), l.Groups.Exclude...))
}

// selector takes patterns that have compiled before: one that does not is refused when the file is read.
func selector(include, exclude []string) func(string) bool {
	in, out := matcher(include), matcher(exclude)
	return func(name string) bool { return in(name) && !out(name) }
}

func matcher(patterns []string) func(string) bool {
	if len(patterns) == 0 {
		return func(string) bool { return false }
	}
	re, err := regexp.Compile(anchored(strings.Join(patterns, ")|(?:")))
	if err != nil {
		return func(string) bool { return false }
	}
	return re.MatchString
}

// anchored makes a pattern match whole names. \A and \z, because ^ and $ mean lines under (?m).
func anchored(pattern string) string { return `\A(?:(?:` + pattern + `))\z` }
