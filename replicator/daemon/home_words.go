package daemon

import "strings"

// On the way home a link runs the other way: its primary is what everybody calls the secondary. Its sentences are turned before they are told, so that
// each name means the same region from the first step to the last.

var otherWay = map[string]string{"primary": "secondary", "secondary": "primary", "primary's": "secondary's", "secondary's": "primary's"}

// turned is a sentence of the link the other way, with the regions as its link calls them. Words alone are turned, no parts of names.
func turned(sentence string) string {
	words := strings.Split(sentence, " ")
	for i, word := range words {
		bare := strings.TrimRight(strings.TrimLeft(word, "("), ".,:;)")
		if other, ok := otherWay[bare]; ok {
			words[i] = strings.Replace(word, bare, other, 1)
		}
	}
	return strings.Join(words, " ")
}

func allTurned(sentences []string) (all []string) {
	for _, s := range sentences {
		all = append(all, turned(s))
	}
	return all
}

// turnedError is an error of the link the other way.
type turnedError struct{ error }

func (e turnedError) Error() string { return turned(e.error.Error()) }
func (e turnedError) Unwrap() error { return e.error }

func turnedErr(err error) error {
	if err == nil {
		return nil
	}
	return turnedError{err}
}
