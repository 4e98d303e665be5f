package detect

import (
	"fmt"
	"strings"

	"github.com/leftoff/leftoff/configs"
	"github.com/leftoff/leftoff/replicator"
)

// Decide concludes from facts. It is a pure function.
func Decide(f Facts) Report {
	r := Report{Prefix: f.Prefix, Topics: []Topic{}, Problems: []string{}, Notes: []string{}, byName: map[string]int{}}
	kinds := map[string]int{} // mappings of topics that speak for themselves
	for _, t := range f.Topics {
		topic := Topic{Topic: t.Name, There: t.There, Partitions: t.Partitions, TherePartitions: t.ThereParts}
		topic.decide(&t)
		kinds[topic.Mapping]++
		r.byName[t.Name] = len(r.Topics)
		r.Topics = append(r.Topics, topic)
	}
	usual := usualMapping(&f, kinds)
	for i := range r.Topics {
		if t := &r.Topics[i]; t.Mapping == undecided {
			t.follow(&f.Topics[i], usual, mirrored(&f))
		}
		r.Topics[i].count()
	}
	r.Mirror = mirrorOf(&f, kinds)
	r.mirrorMaker(&f)
	r.groups(&f)
	r.conclude()
	return r
}

// undecided waits for what the other topics are. It is never in a Report.
const undecided = "?"

// decide looks at one topic alone.
func (t *Topic) decide(f *TopicFacts) {
	c := f.Compared
	switch {
	case f.Own:
		t.never, t.Why = true, "is MirrorMaker 2's own"
	case f.CopyOf != "":
		t.never, t.Why = true, fmt.Sprintf("is itself a copy of %s on the secondary: its consumers are followed by a link the other way", f.CopyOf)
	case f.Err != nil:
		t.Doubt, t.Why = true, "could not be looked at: "+f.Err.Error()
	case f.Elsewhere != "":
		t.Doubt, t.Why = true, fmt.Sprintf("is not on the secondary by the name it should have, but %s is: see topics.rename", f.Elsewhere)
	case f.There == "":
		t.Mapping = undecided
	case f.Syncs > 0 && c.same():
		t.Mapping, t.Why = configs.MappingMM2, "offset syncs name it; its offsets are still equal on both sides, which MirrorMaker 2 does not keep up"
	case f.Syncs > 0:
		t.Mapping, t.Why = configs.MappingMM2, fmt.Sprintf("offset syncs name %s of it", partitions(f.Syncs, f.Partitions))
	case c.same():
		t.Mapping, t.Why = configs.MappingIdentity, fmt.Sprintf("%d records compared are the same at the same offsets", c.Equal)
		if t.kept = c.Markers > 0; t.kept {
			t.Why += fmt.Sprintf(", and so are %d transaction markers", c.Markers)
		}
	case c.Found > 0:
		t.Mapping, t.Why = configs.MappingMatch, "its records are there, at other offsets, and no offset syncs name it"
	case c.Sought > 0:
		t.Mapping, t.Doubt = configs.MappingMatch, true
		t.Why = fmt.Sprintf("%s has that name, but none of %d records looked for by timestamp was found there: perhaps not a copy", f.There, c.Sought)
	default:
		t.Mapping = undecided
	}
}

func partitions(n, of int) string {
	if n == of {
		return "all partitions"
	}
	return fmt.Sprintf("%d of %d partitions", n, of)
}

// usualMapping is what topics get that hold nothing to compare yet.
func usualMapping(f *Facts, kinds map[string]int) string {
	switch {
	case f.Syncs != nil || kinds[configs.MappingMM2] > 0:
		return configs.MappingMM2
	case kinds[configs.MappingIdentity] > 0 && kinds[configs.MappingMatch] == 0:
		return configs.MappingIdentity
	}
	return configs.MappingMatch
}

// mirrored: somebody copies topics between the two already.
func mirrored(f *Facts) bool {
	if f.Syncs != nil || f.Checkpoints != "" {
		return true
	}
	for _, t := range f.Topics {
		if t.There != "" || t.Elsewhere != "" {
			return true
		}
	}
	return false
}

// follow decides for a topic without anything to compare.
func (t *Topic) follow(f *TopicFacts, usual string, mirrored bool) {
	switch {
	case f.There == "" && mirrored:
		t.Mapping, t.Why = "", "is not on the secondary: the mirror of the others leaves it out, or has not come to it yet"
	case f.There == "":
		t.Mapping, t.Why = configs.MappingMirror, "nothing of the primary is on the secondary: leftoff would copy it"
	case f.Compared.Empty:
		t.Mapping, t.Why = usual, "has no records to compare yet; "+as(usual)
	default:
		t.Mapping, t.Why = usual, "no records that could be told apart are on both sides yet; "+as(usual)
	}
}

func as(usual string) string {
	if usual == configs.MappingMatch {
		return "match assumes nothing"
	}
	return "treated as the other topics are"
}

// count looks at the numbers of partitions.
func (t *Topic) count() {
	switch {
	case t.There == "" || t.Mapping == "" || t.Partitions == t.TherePartitions:
	case t.TherePartitions < t.Partitions:
		t.Doubt, t.Why = true, fmt.Sprintf("%s; %s has %d partitions only, of %d", t.Why, t.There, t.TherePartitions, t.Partitions)
	default:
		t.Doubt, t.Why = true, fmt.Sprintf("%s; %s has %d partitions, the primary %d: does the mirror keep partitions?", t.Why, t.There, t.TherePartitions, t.Partitions)
	}
}

func mirrorOf(f *Facts, kinds map[string]int) string {
	switch {
	case f.Syncs != nil:
		return "MirrorMaker 2"
	case f.Checkpoints != "":
		return "MirrorMaker 2, without offset syncs that fit"
	case kinds[configs.MappingIdentity] > 0 && kinds[configs.MappingMatch] == 0:
		return "one that keeps offsets"
	case mirrored(f):
		return "one that leaves no sign of what it is"
	}
	return "none"
}

func (r *Report) mirrorMaker(f *Facts) {
	if f.Syncs == nil && f.Checkpoints == "" && len(f.MM2.Syncs) == 0 {
		return
	}
	m := &MM2{CheckpointsTopic: f.Checkpoints, WrittenGroups: []string{}}
	for _, h := range f.MM2.Heartbeats {
		m.Heartbeats = m.Heartbeats || h.On == replicator.Secondary && h.Alias != ""
	}
	if s := f.Syncs; s != nil {
		m.SyncsTopic, m.SyncsOn, m.Alias, m.Separator = s.Topic, s.On.String(), s.Alias, s.Separator
	}
	switch {
	case f.SyncsProblem == "":
	case f.Syncs != nil || f.SyncsNamed:
		r.Problems = append(r.Problems, f.SyncsProblem)
	default: // of mirrors to other clusters, most likely
		r.Notes = append(r.Notes, f.SyncsProblem)
	}
	r.MM2 = m
}

// groups says whether MirrorMaker 2 writes group offsets. One equal offset may be a coincidence of two right answers, so the
// numbers are told.
func (r *Report) groups(f *Facts) {
	g := f.Groups
	if r.MM2 == nil || f.Checkpoints == "" {
		return
	}
	r.MM2.CheckpointGroups, r.MM2.GroupOffsets, r.MM2.EqualOffsets = g.Groups, g.Offsets, g.Equal
	r.MM2.WrittenGroups = append(r.MM2.WrittenGroups, g.Written...)
	if g.Err != nil {
		r.Problems = append(r.Problems, fmt.Sprintf("whether MirrorMaker 2 writes group offsets is not known: %v", g.Err))
	}
	switch {
	case g.Equal > 0:
		r.Problems = append(r.Problems, fmt.Sprintf("MirrorMaker 2 also writes group offsets: %d of %d on the secondary are what its checkpoints say, of %s. "+
			"Try: sync.group.offsets.enabled=false in MirrorMaker 2, or leave those groups out with groups: {exclude: […]}", g.Equal, g.Offsets, some(g.Written)))
	case g.Groups > 0:
		r.Notes = append(r.Notes, fmt.Sprintf("MirrorMaker 2 translates offsets of %d groups (%s), and does not seem to write them", g.Groups, f.Checkpoints))
	}
}

func some(names []string) string {
	const few = 5
	if len(names) > few {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:few], ", "), len(names)-few)
	}
	return strings.Join(names, ", ")
}

// conclude says what needs a person.
func (r *Report) conclude() {
	doubts, chance, mapped := []string{}, 0, 0
	for _, t := range r.Topics {
		if t.Mapping == configs.MappingIdentity && !t.kept {
			chance++
		}
		if t.Doubt {
			doubts = append(doubts, t.Topic)
		}
		if t.Mapping != "" {
			mapped++
		}
	}
	if len(doubts) > 0 {
		r.Problems = append(r.Problems, fmt.Sprintf("look at %s yourself: see why above. Try: topics: {exclude: […]}, where they are not copies", some(doubts)))
	}
	if chance > 0 {
		r.Notes = append(r.Notes, fmt.Sprintf("the offsets of %d topics are equal so far, as after any mirror that began at offset 0. "+
			"Try: mapping match in place of identity, unless you know that this mirror keeps offsets", chance))
	}
	if mapped == 0 {
		r.Problems = append(r.Problems, "there is no topic that leftoff could follow. Try: topics: {include: […]} with the right names, and ACLs to describe them")
	}
}
