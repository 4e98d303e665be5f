package detect

import (
	"cmp"
	"slices"
	"strings"

	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/replicator/kafka"
	"github.com/leftoff/leftoff/replicator/mm2"
)

// prefixes lists what the secondary may put before topic names: what MirrorMaker 2's own topics there say first, then what
// the topics themselves look like, the most frequent first. The empty one is among them.
func prefixes(primary, secondary map[string]kafka.TopicInfo, found mm2.Found) []string {
	var known []string
	for _, all := range [][]mm2.Candidate{found.Checkpoints, found.Syncs, found.Heartbeats} {
		for _, c := range all {
			if c.On == replicator.Secondary && c.Alias != "" && !slices.Contains(known, c.Alias+c.Separator) {
				known = append(known, c.Alias+c.Separator)
			}
		}
	}
	seen := map[string]int{}
	for topic := range secondary {
		if mm2.Own(topic) || strings.HasPrefix(topic, "__") {
			continue
		}
		for _, p := range cuts(topic) {
			if _, ok := primary[topic[len(p):]]; ok && !(p != "" && isTopic(primary, topic)) {
				seen[p]++
			}
		}
	}
	var all []string
	for p := range seen {
		all = append(all, p)
	}
	slices.SortFunc(all, func(a, b string) int {
		x, y := slices.Contains(known, a), slices.Contains(known, b)
		switch {
		case x != y && x:
			return -1
		case x != y:
			return 1
		}
		return cmp.Or(-cmp.Compare(seen[a], seen[b]), cmp.Compare(len(a), len(b)), strings.Compare(a, b))
	})
	return all
}

// cuts lists the beginnings of a name that end in punctuation, the empty one included.
func cuts(topic string) []string {
	all := []string{""}
	for i := 1; i < len(topic); i++ {
		if c := topic[i-1]; c == '.' || c == '-' || c == '_' {
			all = append(all, topic[:i])
		}
	}
	return all
}

func isTopic(topics map[string]kafka.TopicInfo, name string) bool {
	_, ok := topics[name]
	return ok
}

// copiedBack says which topic of the secondary a topic of the primary is a copy of, by the prefixes that MirrorMaker 2's own
// topics on the primary speak of.
func copiedBack(topic string, primary, secondary map[string]kafka.TopicInfo) string {
	for _, p := range cuts(topic)[1:] {
		if rest := topic[len(p):]; isTopic(secondary, rest) && backed(primary, p) {
			return rest
		}
	}
	return ""
}

// backed: MirrorMaker 2 mirrors to the primary under this prefix.
func backed(primary map[string]kafka.TopicInfo, prefix string) bool {
	alias := strings.TrimRight(prefix, ".-_")
	sep := prefix[len(alias):]
	return isTopic(primary, mm2.CheckpointsTopic(alias, sep)) || isTopic(primary, prefix+"heartbeats")
}
