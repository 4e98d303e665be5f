package detect

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/leftoff/leftoff/configs"
	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/replicator/mm2"
)

func topic(name, there string, change ...func(*TopicFacts)) TopicFacts {
	t := TopicFacts{Name: name, There: there, Partitions: 3}
	if there != "" {
		t.ThereParts = 3
	}
	for _, f := range change {
		f(&t)
	}
	return t
}

func same(t *TopicFacts) { t.Compared = Comparison{Equal: 9, Varied: true} }
func moved(t *TopicFacts) {
	t.Compared = Comparison{Differs: "offset 0 of partition 0", Sought: 3, Found: 2}
}
func lost(t *TopicFacts)  { t.Compared = Comparison{Differs: "offset 0 of partition 0", Sought: 3} }
func alike(t *TopicFacts) { t.Compared = Comparison{Equal: 9} }
func empty(t *TopicFacts) { t.Compared = Comparison{Empty: true} }
func synced(t *TopicFacts) {
	t.Syncs = 2
}

func syncsOn(side replicator.Side) *mm2.Evidence {
	return &mm2.Evidence{Candidate: mm2.Candidate{Topic: "mm2-offset-syncs.east.internal", On: side, Name: mm2.Name{Kind: mm2.OffsetSyncs, Alias: "east", Separator: "."}}}
}

func TestDecide(t *testing.T) {
	for name, c := range map[string]struct {
		facts    Facts
		mappings string // topic=mapping …
		why      string // of the first topic
		mirror   string
		problem  string // "" means usable
	}{
		"nothing there": {
			facts:    Facts{Topics: []TopicFacts{topic("orders", ""), topic("heartbeats", "", func(t *TopicFacts) { t.Own = true })}},
			mappings: "orders=mirror heartbeats=", why: "leftoff would copy it", mirror: "none",
		},
		"offsets kept": {
			facts:    Facts{Topics: []TopicFacts{topic("orders", "orders", same), topic("new", "new", empty), topic("later", "")}},
			mappings: "orders=identity new=identity later=", why: "9 records compared are the same at the same offsets", mirror: "one that keeps offsets",
		},
		"MirrorMaker 2": {
			facts:    Facts{Syncs: syncsOn(replicator.Primary), Topics: []TopicFacts{topic("orders", "orders", moved, synced), topic("plain", "plain", same, synced), topic("new", "new", empty), topic("later", "")}},
			mappings: "orders=mm2 plain=mm2 new=mm2 later=", why: "offset syncs name 2 of 3 partitions of it", mirror: "MirrorMaker 2",
		},
		"MirrorMaker 2 beside another": {
			facts:    Facts{Syncs: syncsOn(replicator.Secondary), Topics: []TopicFacts{topic("orders", "west.orders", synced), topic("linked", "linked", same), topic("copied", "copied", moved)}},
			mappings: "orders=mm2 linked=identity copied=match", mirror: "MirrorMaker 2",
		},
		"unknown mirror": {
			facts:    Facts{Topics: []TopicFacts{topic("orders", "orders", moved), topic("new", "new", empty), topic("dull", "dull", alike)}},
			mappings: "orders=match new=match dull=match", why: "at other offsets", mirror: "one that leaves no sign",
		},
		"the same name by chance": {
			facts:    Facts{Topics: []TopicFacts{topic("orders", "orders", lost)}},
			mappings: "orders=match", why: "perhaps not a copy", mirror: "one that leaves no sign", problem: "look at orders yourself",
		},
		"partitions differ": {
			facts:    Facts{Topics: []TopicFacts{topic("orders", "orders", same, func(t *TopicFacts) { t.ThereParts = 2 }), topic("more", "more", same, func(t *TopicFacts) { t.ThereParts = 5 })}},
			mappings: "orders=identity more=identity", why: "2 partitions only, of 3", mirror: "one that keeps", problem: "look at orders, more yourself",
		},
		"not allowed": {
			facts:    Facts{Topics: []TopicFacts{topic("orders", "orders", func(t *TopicFacts) { t.Err = errors.New("not authorized") })}},
			mappings: "orders=", why: "could not be looked at: not authorized", mirror: "one that leaves no sign", problem: "no topic that leftoff could follow",
		},
		"both ways": {
			facts:    Facts{Syncs: syncsOn(replicator.Primary), Topics: []TopicFacts{topic("east.orders", "", func(t *TopicFacts) { t.CopyOf = "orders" }), topic("orders", "west.orders", synced)}},
			mappings: "east.orders= orders=mm2", why: "a link the other way", mirror: "MirrorMaker 2",
		},
		"no topics": {facts: Facts{}, mirror: "none", problem: "no topic that leftoff could follow"},
		"syncs of another flow": {
			facts: Facts{MM2: mm2.Found{Syncs: []mm2.Candidate{{Topic: "mm2-offset-syncs.x.internal"}}}, SyncsProblem: "mm2-offset-syncs.x.internal on the primary is another mirror's. Try: …",
				Topics: []TopicFacts{topic("orders", "orders", same)}},
			mappings: "orders=identity", mirror: "one that keeps",
		},
		"syncs that were named": {
			facts: Facts{SyncsNamed: true, MM2: mm2.Found{Syncs: []mm2.Candidate{{Topic: "mm2-offset-syncs.x.internal"}}}, SyncsProblem: "mm2-offset-syncs.x.internal on the primary is empty. Try: …",
				Topics: []TopicFacts{topic("orders", "orders", moved)}},
			mappings: "orders=match", mirror: "one that leaves", problem: "is empty. Try: ",
		},
		"group offsets, too": {
			facts: Facts{Syncs: syncsOn(replicator.Primary), Checkpoints: "west.checkpoints.internal", Groups: GroupFacts{Groups: 3, Offsets: 9, Equal: 4, Written: []string{"a", "b"}},
				Topics: []TopicFacts{topic("orders", "orders", synced)}},
			mappings: "orders=mm2", mirror: "MirrorMaker 2", problem: "MirrorMaker 2 also writes group offsets: 4 of 9 on the secondary are what its checkpoints say, of a, b. Try: sync.group.offsets.enabled=false",
		},
		"checkpoints only": {
			facts: Facts{Syncs: syncsOn(replicator.Primary), Checkpoints: "west.checkpoints.internal", Groups: GroupFacts{Groups: 3, Offsets: 9},
				Topics: []TopicFacts{topic("orders", "orders", synced)}},
			mappings: "orders=mm2", mirror: "MirrorMaker 2",
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := Decide(c.facts)
			var got []string
			for _, topic := range r.Topics {
				m, why := r.Mapping(topic.Topic)
				if got = append(got, topic.Topic+"="+m); why == "" || m == undecided {
					t.Errorf("%s: %q, because %q", topic.Topic, m, why)
				}
			}
			if s := strings.Join(got, " "); s != c.mappings {
				t.Errorf("mappings %s, want %s", s, c.mappings)
			}
			if len(r.Topics) > 0 && !strings.Contains(r.Topics[0].Why, c.why) {
				t.Errorf("why %q, want %q", r.Topics[0].Why, c.why)
			}
			if !strings.Contains(r.Mirror, c.mirror) {
				t.Errorf("mirror %q, want %q", r.Mirror, c.mirror)
			}
			if all := strings.Join(r.Problems, "\n"); r.Usable() != (c.problem == "") || !strings.Contains(all, c.problem) {
				t.Errorf("usable %v, problems %q, want %q", r.Usable(), all, c.problem)
			}
			for _, p := range r.Problems {
				if !strings.Contains(p, "Try: ") {
					t.Errorf("%q does not say what to do", p)
				}
			}
			loads(t, r)
		})
	}
	if m, why := Decide(Facts{}).Mapping("nowhere"); m != "" || why == "" {
		t.Errorf("%q %q", m, why)
	}
}

const clusters = "clusters:\n  west: {brokers: [a:9092]}\n  east: {brokers: [b:9092]}\n"

// loads: what is proposed is a configuration that says what the report says.
func loads(t *testing.T, r Report) {
	t.Helper()
	links := r.Links("west", "east")
	if len(links) == 0 {
		return
	}
	text := clusters + Config(links)
	cfg, err := configs.Parse([]byte(text), filepath.Join("etc", "leftoff"), configs.System())
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	for _, topic := range r.Topics {
		followed := slices.ContainsFunc(cfg.Links, func(l configs.Link) bool {
			return l.SelectTopic()(topic.Topic) && l.Mapping == topic.Mapping && (topic.There == "" || l.Topics.Rename.Apply(topic.Topic) == topic.There)
		})
		selected := slices.ContainsFunc(cfg.Links, func(l configs.Link) bool { return l.SelectTopic()(topic.Topic) })
		if topic.Mapping != "" && !followed || topic.never && selected {
			t.Errorf("%s is %q, there %q; followed %v, selected %v by\n%s", topic.Topic, topic.Mapping, topic.There, followed, selected, text)
		}
	}
}

func TestConfigOfMixedTopics(t *testing.T) {
	r := Decide(Facts{Syncs: syncsOn(replicator.Secondary), Topics: []TopicFacts{
		topic("a.b", "west.a.b", synced), topic("c", "west.c", synced), topic("linked", "linked", same), topic("mm2-offset-syncs.x.internal", "", func(t *TopicFacts) { t.Own = true }),
	}})
	want := `links:
  - name: west-east
    primary: west
    secondary: east
    mapping: mm2
    topics:
      include:
        - a\.b
        - c
      rename: {prefix: west.}
    mm2: {syncs_topic: mm2-offset-syncs.east.internal, syncs_on: secondary}
  - name: west-east-identity-2
    primary: west
    secondary: east
    mapping: identity
    topics:
      include:
        - linked
      rename: same
`
	if got := Config(r.Links("west", "east")); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}
