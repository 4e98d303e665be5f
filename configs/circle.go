package configs

import (
	"fmt"
	"strings"
)

// Circle is a way that records would go round and round: each link copies what the one before it wrote, and the first one
// copies what the last one wrote.
type Circle struct {
	Links []string // by name, in order
	Topic string   // an example on the first link's primary; empty where none was found in reasonable time
}

func (c Circle) String() string {
	topic := "some topic"
	if c.Topic != "" {
		topic = fmt.Sprintf("topic %q", c.Topic)
	}
	return fmt.Sprintf("links %s would copy %s in a circle", strings.Join(c.Links, " → "), topic)
}

// Circles finds the ways in which the mirrors among the links would copy a topic in a circle, for every name there could
// be. identity says which names mean the same cluster, once the cluster ids are known; nil takes the names as they are.
func Circles(links []Link, identity func(cluster string) string) []Circle {
	if identity == nil {
		identity = func(cluster string) string { return cluster }
	}
	var found []Circle
	for i := range links {
		if links[i].Mapping == MappingMirror {
			walk(links, identity, []int{i}, &found)
		}
	}
	return found
}

// walk extends a way by every link that goes on from its end, and looks where it closes. A way begins with its lowest
// link, so that each circle is found once.
func walk(links []Link, identity func(string) string, way []int, found *[]Circle) {
	first, last := links[way[0]], links[way[len(way)-1]]
	if identity(last.Secondary) == identity(first.Primary) {
		if topic, ok := goesRound(links, way); ok {
			c := Circle{Topic: topic}
			for _, i := range way {
				c.Links = append(c.Links, links[i].Name)
			}
			*found = append(*found, c)
		}
		return
	}
	for i := way[0] + 1; i < len(links); i++ {
		if links[i].Mapping == MappingMirror && identity(links[i].Primary) == identity(last.Secondary) && !contains(way, i) {
			walk(links, identity, append(way[:len(way):len(way)], i), found)
		}
	}
}

// goesRound looks for a topic that every link of the way selects under the name it has by then, and the first one again.
//
//	t ∈ S₁, p₁t ∈ S₂, p₂p₁t ∈ S₃, …, pₙ…p₁t ∈ S₁
func goesRound(links []Link, way []int) (string, bool) {
	var wants []want
	prefix := ""
	for _, i := range append(way[:len(way):len(way)], way[0]) {
		wants = append(wants, want{links[i].Topics, prefix})
		prefix = links[i].Topics.Rename.Prefix + prefix
	}
	return overlap(wants)
}

// Collision is a topic of the secondary that two links would both look after.
type Collision struct {
	Links [2]string
	Topic string // on the secondary
}

// Collisions finds them, for every name there could be. See Circles for identity.
func Collisions(links []Link, identity func(cluster string) string) []Collision {
	if identity == nil {
		identity = func(cluster string) string { return cluster }
	}
	var found []Collision
	for i, a := range links {
		for _, b := range links[i+1:] {
			if identity(a.Secondary) != identity(b.Secondary) {
				continue
			}
			if topic, ok := collide(a, b); ok {
				found = append(found, Collision{[2]string{a.Name, b.Name}, topic})
			}
		}
	}
	return found
}

// collide: pa·x = pb·y with x selected by a and y by b. One prefix begins with the other, or there is no such name.
func collide(a, b Link) (string, bool) {
	pa, pb := a.Topics.Rename.Prefix, b.Topics.Rename.Prefix
	if len(pa) > len(pb) {
		a, b, pa, pb = b, a, pb, pa
	}
	rest, ok := strings.CutPrefix(pb, pa)
	if !ok {
		return "", false
	}
	topic, ok := overlap([]want{{a.Topics, rest}, {b.Topics, ""}})
	if topic != "" {
		topic = pb + topic
	}
	return topic, ok
}

func contains(all []int, one int) bool {
	for _, i := range all {
		if i == one {
			return true
		}
	}
	return false
}
