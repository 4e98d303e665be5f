package configs

import (
	"fmt"
	"regexp"
	"strings"
)

func (c *checker) links() {
	names := map[string]int{}
	for i, l := range c.cfg.Links {
		path := fmt.Sprintf("links[%d]", i)
		c.linkName(path+".name", l.Name)
		if first, twice := names[strings.ToLower(l.Name)]; twice && l.Name != "" {
			c.say(path+".name", l.Name, fmt.Sprintf("is the name of links[%d], too", first), "a name of its own: the index and the metrics go by it")
		} else {
			names[strings.ToLower(l.Name)] = i
		}
		c.renamedFrom(i)
		c.clusterName(path+".primary", l.Primary)
		c.clusterName(path+".secondary", l.Secondary)
		if l.Primary != "" && l.Primary == l.Secondary {
			c.say(path+".secondary", l.Secondary, "is the primary, too: the same cluster twice", "the cluster that the consumers would fail over to")
		}
		c.mapping(path+".mapping", l.Mapping)
		c.patterns(path+".topics", l.Topics.Include, l.Topics.Exclude)
		c.patterns(path+".groups", l.Groups.Include, l.Groups.Exclude)
		c.policy(path+".policy", l.Policy)
		c.after(path+".policy.after", l)
		c.sections(path, l)
		c.drill(path+".drill", l.Drill)
	}
}

// sections are for some mappings only: a setting that does nothing is a mistake.
func (c *checker) sections(path string, l Link) {
	if l.Mapping != MappingMirror && l.Mirror != (Mirror{}) {
		c.say(path+".mirror", "", "is for mapping mirror only", "leave it out: with "+l.Mapping+" somebody else copies the records")
	}
	if (l.Mapping == MappingMirror || l.Mapping == MappingIdentity) && l.Match != DefaultLink().Match {
		c.say(path+".match", "", "is for the mappings match, mm2 and auto", "leave it out")
	}
	if l.Mapping != MappingMM2 && l.Mapping != MappingAuto && l.MM2 != DefaultLink().MM2 {
		c.say(path+".mm2", "", "is for the mappings mm2 and auto", "leave it out")
	}
	if n := l.Match.MegabytesPerSecond; n < 1 {
		c.say(path+".match.megabytes_per_second", fmt.Sprint(n), "is no rate", "1 or more; 32 is the default")
	}
	if n := l.Match.BatchesInFlight; n < 1 || n > 100 {
		c.say(path+".match.batches_in_flight", fmt.Sprint(n), "is not between 1 and 100", "what the mirror's producer has on the way at a time: 5 is Kafka's default")
	}
	c.oneOf(path+".mm2.syncs_on", l.MM2.SyncsOn, "auto", "primary", "secondary")
}

var linkName = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9._-]{0,99}$`)

func (c *checker) linkName(path, name string) {
	switch {
	case name == "":
		c.say(path, "", "is missing", "primary and secondary, such as west-east")
	case !linkName.MatchString(name):
		c.say(path, name, "is no name for a link", `letters, digits, ".", "_" and "-", 100 at most: it becomes a file's name`)
	}
}

// renamedFrom: a link that is still there was not renamed, and no two were once the same.
func (c *checker) renamedFrom(i int) {
	path, former := fmt.Sprintf("links[%d].renamed_from", i), c.cfg.Links[i].RenamedFrom
	if former == "" {
		return
	}
	if !linkName.MatchString(former) {
		c.say(path, former, "is no name for a link", "the name that this link had before, or leave it out")
		return
	}
	for n, other := range c.cfg.Links {
		switch {
		case n == i && other.Name == former:
			c.say(path, former, "is its name", "leave it out")
		case other.Name == former:
			c.say(path, former, fmt.Sprintf("is the name of links[%d]", n), "leave it out: a link that is still there was not renamed")
		case n < i && other.RenamedFrom == former:
			c.say(path, former, fmt.Sprintf("is what links[%d] was called, too", n), "leave it out on one of them")
		}
	}
}

func (c *checker) clusterName(path, name string) {
	if _, ok := c.cfg.Clusters[name]; ok {
		return
	}
	known := c.clusterNames()
	hint := "one of " + strings.Join(known, ", ")
	if len(known) == 0 {
		hint = "name it under clusters first"
	}
	if near, ok := nearest(name, known); ok {
		hint = fmt.Sprintf("%q, if that is what you meant", near)
	}
	if name == "" {
		c.say(path, "", "is missing", hint)
		return
	}
	c.say(path, name, "no such cluster", hint)
}

// Mappings lists those of this version.
func Mappings() []string {
	return []string{MappingMirror, MappingIdentity, MappingMM2, MappingMatch, MappingAuto}
}

// laterMappings are planned, and refused by name until they are there.
var laterMappings = map[string]bool{"aggregate": true}

func (c *checker) mapping(path, name string) {
	if laterMappings[name] {
		c.say(path, "", "mapping "+name+" is not in this version", "mirror (leftoff copies the records), mm2, match (any mirror that keeps partitions), identity (a mirror that keeps offsets) or auto")
		return
	}
	c.oneOf(path, name, Mappings()...)
}

func (c *checker) patterns(path string, include, exclude []string) {
	if len(include) == 0 {
		c.say(path+".include", "", "selects nothing", `[".*"], for all of them`)
	}
	for i, p := range include {
		c.pattern(fmt.Sprintf("%s.include[%d]", path, i), p)
	}
	for i, p := range exclude {
		c.pattern(fmt.Sprintf("%s.exclude[%d]", path, i), p)
	}
}

func (c *checker) pattern(path, pattern string) {
	_, err := regexp.Compile(pattern)
	switch {
	case err != nil && strings.HasPrefix(pattern, "*"):
		c.say(path, pattern, "is not a regular expression", fmt.Sprintf(`".%s": patterns are regular expressions, not globs`, pattern))
	case err != nil:
		c.say(path, pattern, "is not a regular expression: "+strings.TrimPrefix(err.Error(), "error parsing regexp: "), "RE2 syntax, as Go has it")
	case pattern == "":
		c.say(path, "", "is empty", `".*", for all of them`)
	}
}

func (c *checker) policy(path string, p Policy) {
	c.oneOf(path+".rewind", p.Rewind, "follow", "never")
	c.oneOf(path+".tombstones", p.Tombstones, "keep", "delete")
	c.oneOf(path+".first_contact", p.FirstContact, "adopt-if-behind", "keep", "overwrite")
	c.oneOf(path+".unmapped", p.Unmapped, "start", "hold")
}

// together looks at the links as a whole. It needs patterns that compile, so it waits for everything else.
func (c *checker) together() {
	if len(c.problems) > 0 {
		return
	}
	for _, circle := range Circles(c.cfg.Links, nil) {
		c.say(c.linkPath(circle.Links[0])+".topics", "", circle.String(),
			"exclude on one of them what the other one writes, or let one direction carry other topics")
	}
	for _, hit := range Collisions(c.cfg.Links, nil) {
		topic := "the same topics"
		if hit.Topic != "" {
			topic = fmt.Sprintf("topic %q", hit.Topic)
		}
		c.say(c.linkPath(hit.Links[1])+".topics", "", fmt.Sprintf("links %s and %s would both look after %s of %s",
			hit.Links[0], hit.Links[1], topic, c.secondary(hit.Links[1])), `other topics for one of them, or rename: {prefix: "…"}`)
	}
}

func (c *checker) linkPath(name string) string {
	for i := range c.cfg.Links {
		if c.cfg.Links[i].Name == name {
			return fmt.Sprintf("links[%d]", i)
		}
	}
	return "links"
}

func (c *checker) secondary(link string) string {
	l, _ := c.cfg.Link(link)
	return l.Secondary
}
