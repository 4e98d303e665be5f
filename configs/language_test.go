package configs

import (
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestLanguageAgreesWithRegexp: the automaton and package regexp say the same of every name, for patterns that use all there is.
func TestLanguageAgreesWithRegexp(t *testing.T) {
	parts := []string{
		"a", "b", ".", `\.`, "[a-b]", "[^a]", "a*", "(a|b)+", "b?", ".*", ".+?", `\b`, `\B`, "^", "$", `\w`, `\W`, "(?i)A", "a{2,3}", "", "(?:ab|ba)", "_", "-",
	}
	rapid.Check(t, func(t *rapid.T) {
		pattern := strings.Join(rapid.SliceOfN(rapid.SampledFrom(parts), 1, 6).Draw(t, "pattern"), "")
		re, err := regexp.Compile(anchored(pattern))
		if err != nil {
			t.Skip("not a pattern")
		}
		l := newLanguage([]string{pattern})
		for range 20 {
			name := rapid.StringOfN(rapid.SampledFrom([]rune("abAB._-")), 0, 6, -1).Draw(t, "name")
			if got := l.accepts(l.read(l.start(), name)); got != re.MatchString(name) {
				t.Fatalf("%q matches %q: automaton %v, regexp %v", pattern, name, got, !got)
			}
		}
	})
}

func TestOverlap(t *testing.T) {
	for _, c := range []struct {
		name    string
		a, b    Topics
		example string
		ok      bool
	}{
		{"same literal", topics("a"), topics("a"), "a", true},
		{"other literal", topics("a"), topics("b"), "", false},
		{"prefix", topics("pay.*"), topics("payments"), "payments", true},
		{"middle", topics(".*ments"), topics("pay.*"), "payments", true},
		{"excluded", topics("pay.*"), Topics{Include: []string{".*"}, Exclude: []string{"p.*"}}, "", false},
		{"lengths", topics("(aa)+"), topics("(aaa)+"), "aaaaaa", true},
		{"never", topics("(aa)*a"), topics("(aa)+"), "", false},
		{"internal", topics("__.*"), topics(".*"), "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			example, ok := overlap([]want{{c.a, ""}, {c.b, ""}})
			if ok != c.ok || len(example) != len(c.example) {
				t.Errorf("got %q %v, want %q %v", example, ok, c.example, c.ok)
			}
			if ok && !(selects(c.a, example) && selects(c.b, example)) {
				t.Errorf("%q is no example", example)
			}
		})
	}
}

func topics(include ...string) Topics { return Topics{Include: include} }

func selects(t Topics, name string) bool { return Link{Topics: t}.SelectTopic()(name) }

// TestOverlapGivesUp: where the search would take too long the answer is yes, without an example.
func TestOverlapGivesUp(t *testing.T) {
	hard := topics(`.*a.{14}b`)
	hard.Exclude = []string{`.*`}
	if example, ok := overlap([]want{{hard, ""}, {topics(`.*b.{14}a`), ""}}); !ok || example != "" {
		t.Errorf("%q %v", example, ok)
	}
}
