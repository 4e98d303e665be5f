package main

import "regexp"

// Sentences of a failover are kept as they were said, for programs and for later: with nanoseconds, and with plurals of one. For people they are
// made readable where they are printed.
var (
	fractions = regexp.MustCompile(`(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\.\d+(Z|[+-]\d\d:\d\d)`)
	oneOfMany = regexp.MustCompile(`(^|[^\d.,/-])1 (offset|partition|record)s\b( are\b| were\b)?`)
)

func readable(sentence string) string {
	sentence = fractions.ReplaceAllString(sentence, "$1$2")
	return oneOfMany.ReplaceAllStringFunc(sentence, func(s string) string {
		part := oneOfMany.FindStringSubmatch(s)
		return part[1] + "1 " + part[2] + map[string]string{" are": " is", " were": " was"}[part[3]]
	})
}
