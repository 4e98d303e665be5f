package detect

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/leftoff/leftoff/configs"
)

// Link is one link of a proposed configuration: the topics that share a mapping and a way to be named.
type Link struct {
	Name, Primary, Secondary string
	Mapping, Prefix          string
	Topics                   []string // names
	Include, Exclude         []string // patterns of names
	MM2                      *MM2
	More                     string // further keys, as YAML without indentation
}

// Links proposes links between two clusters of these names. Where one is enough it takes topics that are not there yet, too;
// where topics differ they are named.
func (r Report) Links(primary, secondary string) []Link {
	type way struct{ mapping, prefix string }
	by := map[way]*Link{}
	var never []string
	for _, t := range r.Topics {
		if t.never {
			never = append(never, t.Topic)
		}
		if t.Mapping == "" {
			continue
		}
		prefix := ""
		if t.There != "" {
			prefix = strings.TrimSuffix(t.There, t.Topic)
		}
		w := way{t.Mapping, prefix}
		if by[w] == nil {
			by[w] = &Link{Primary: primary, Secondary: secondary, Mapping: t.Mapping, Prefix: prefix}
		}
		by[w].Topics = append(by[w].Topics, t.Topic)
	}
	var all []Link
	for _, l := range by {
		if l.Mapping == configs.MappingMM2 {
			l.MM2 = r.MM2
		}
		all = append(all, *l)
	}
	slices.SortFunc(all, func(a, b Link) int {
		return cmp.Or(-cmp.Compare(len(a.Topics), len(b.Topics)), strings.Compare(a.Mapping, b.Mapping), strings.Compare(a.Prefix, b.Prefix))
	})
	for i := range all {
		all[i].Include = patternsOf(all[i].Topics)
		if len(all) == 1 {
			all[i].Include, all[i].Exclude = []string{".*"}, patterns(never)
		}
		all[i].Name = primary + "-" + secondary
		if i > 0 {
			all[i].Name = fmt.Sprintf("%s-%s-%d", all[i].Name, all[i].Mapping, i+1)
		}
	}
	return all
}

// patterns quotes names, MirrorMaker 2's own in a few patterns, so that those to come are meant, too.
func patterns(names []string) []string {
	var all []string
	for _, n := range names {
		switch {
		case strings.HasPrefix(n, "mm2-"):
			n = `mm2-.*[.-]internal`
		case strings.HasSuffix(n, ".internal"):
			n = `.*\.checkpoints\.internal`
		default:
			n = regexp.QuoteMeta(n)
		}
		if !slices.Contains(all, n) {
			all = append(all, n)
		}
	}
	return all
}

// Config writes links as the part `links:` of a configuration.
func Config(links []Link) string {
	var b strings.Builder
	b.WriteString("links:\n")
	for _, l := range links {
		fmt.Fprintf(&b, "  - name: %s\n    primary: %s\n    secondary: %s\n    mapping: %s\n", quoted(l.Name), quoted(l.Primary), quoted(l.Secondary), l.Mapping)
		rename := "same"
		if l.Prefix != "" {
			rename = "{prefix: " + quoted(l.Prefix) + "}"
		}
		b.WriteString("    topics:\n")
		list(&b, "include", l.Include)
		if len(l.Exclude) > 0 {
			list(&b, "exclude", l.Exclude)
		}
		fmt.Fprintf(&b, "      rename: %s\n", rename)
		if l.MM2 != nil && l.MM2.SyncsTopic != "" {
			fmt.Fprintf(&b, "    mm2: {syncs_topic: %s, syncs_on: %s}\n", quoted(l.MM2.SyncsTopic), l.MM2.SyncsOn)
		}
		for line := range strings.Lines(l.More) {
			b.WriteString("    " + line)
		}
	}
	return b.String()
}

func patternsOf(names []string) (all []string) {
	for _, n := range names {
		all = append(all, regexp.QuoteMeta(n))
	}
	return all
}

func list(b *strings.Builder, key string, values []string) {
	fmt.Fprintf(b, "      %s:\n", key)
	for _, v := range values {
		fmt.Fprintf(b, "        - %s\n", quoted(v))
	}
}

// quoted is a YAML scalar.
func quoted(s string) string {
	out, err := yaml.Marshal(s)
	if err != nil {
		return fmt.Sprintf("%q", s)
	}
	return strings.TrimSuffix(string(out), "\n")
}
