package configs

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func mirrorLink(name, from, to string, include, exclude []string, prefix string) Link {
	return Link{Name: name, Primary: from, Secondary: to, Mapping: MappingMirror, Topics: Topics{include, exclude, Rename{prefix}}}
}

func TestCircles(t *testing.T) {
	all := []string{".*"}
	for _, c := range []struct {
		name  string
		links []Link
		want  string
	}{
		{"one way", []Link{mirrorLink("ab", "a", "b", all, nil, "")}, ""},
		{"there and back", []Link{mirrorLink("ab", "a", "b", all, nil, ""), mirrorLink("ba", "b", "a", all, nil, "")}, "ab ba a"},
		{"other topics", []Link{mirrorLink("ab", "a", "b", []string{"x.*"}, nil, ""), mirrorLink("ba", "b", "a", []string{"y.*"}, nil, "")}, ""},
		{"prefixes grow for ever", []Link{mirrorLink("ab", "a", "b", all, nil, "a."), mirrorLink("ba", "b", "a", all, nil, "b.")}, "ab ba a"},
		{"prefixes excluded", []Link{
			mirrorLink("ab", "a", "b", all, []string{`b\..*`}, "a."), mirrorLink("ba", "b", "a", all, []string{`a\..*`}, "b."),
		}, ""},
		{"a ring of three", []Link{
			mirrorLink("ab", "a", "b", all, nil, ""), mirrorLink("bc", "b", "c", []string{"p.*"}, nil, ""), mirrorLink("ca", "c", "a", []string{".*q"}, nil, ""),
		}, "ab bc ca pq"},
		{"identity copies nothing", []Link{
			mirrorLink("ab", "a", "b", all, nil, ""), {Name: "ba", Primary: "b", Secondary: "a", Mapping: MappingIdentity, Topics: Topics{Include: all}},
		}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			for _, circle := range Circles(c.links, nil) {
				got = append(got, strings.Join(append(circle.Links, circle.Topic), " "))
			}
			if strings.Join(got, "; ") != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// TestCirclesByClusterID: two names of one cluster are seen through once the ids are known.
func TestCirclesByClusterID(t *testing.T) {
	links := []Link{mirrorLink("ab", "a", "b", []string{"x"}, nil, ""), mirrorLink("cd", "c", "d", []string{"x"}, nil, "")}
	if len(Circles(links, nil)) != 0 {
		t.Error("names alone show no circle")
	}
	ids := map[string]string{"a": "1", "b": "2", "c": "2", "d": "1"}
	if len(Circles(links, func(name string) string { return ids[name] })) != 1 {
		t.Error("ids show one")
	}
}

// TestCirclesAgainstWalking: following every short name through two opposite links finds what the automata find.
func TestCirclesAgainstWalking(t *testing.T) {
	patterns := []string{"x", "x.", "x.*", ".*y", "y.*", "[xy]+", ".", ".*xy.*", "y", "xyx?"}
	rapid.Check(t, func(t *rapid.T) {
		draw := func(name, from, to string) Link {
			return mirrorLink(name, from, to, []string{rapid.SampledFrom(patterns).Draw(t, name+" include")},
				rapid.SliceOfN(rapid.SampledFrom(patterns), 0, 1).Draw(t, name+" exclude"), rapid.SampledFrom([]string{"", "", "x", "y"}).Draw(t, name+" prefix"))
		}
		links := []Link{draw("ab", "a", "b"), draw("ba", "b", "a")}
		found := Circles(links, nil)
		for _, name := range shortNames("xy", 6) {
			there := links[0].Topics.Rename.Apply(name)
			back := links[1].Topics.Rename.Apply(there)
			if selects(links[0].Topics, name) && selects(links[1].Topics, there) && selects(links[0].Topics, back) && len(found) == 0 {
				t.Fatalf("%q goes round, and no circle was found", name)
			}
		}
		for _, c := range found {
			there := links[0].Topics.Rename.Apply(c.Topic)
			back := links[1].Topics.Rename.Apply(there)
			if !selects(links[0].Topics, c.Topic) || !selects(links[1].Topics, there) || !selects(links[0].Topics, back) {
				t.Fatalf("%q does not go round", c.Topic)
			}
		}
	})
}

func shortNames(letters string, length int) []string {
	names, last := []string{}, []string{""}
	for range length {
		var next []string
		for _, n := range last {
			for _, l := range letters {
				next = append(next, n+string(l))
			}
		}
		names, last = append(names, next...), next
	}
	return names
}

func TestCollisions(t *testing.T) {
	links := []Link{
		mirrorLink("ac", "a", "c", []string{".*"}, nil, "a."), mirrorLink("bc", "b", "c", []string{"a.*"}, nil, ""), mirrorLink("dc", "d", "c", []string{"b"}, nil, ""),
	}
	got := Collisions(links, nil)
	if len(got) != 1 || got[0].Links != [2]string{"ac", "bc"} || got[0].Topic != "a.a" {
		t.Errorf("%+v", got)
	}
}
