package tail

// names keeps one string for each group, topic and metadata seen, so that a record costs no allocation for them and a
// kept change does not pin the fetch response it came in.
type names struct {
	groups map[string]*group
	topics map[string]string
	meta   map[string]string
	filter func(string) bool

	// records of one commit stand together: the last answers are tried first.
	lastGroup *group
	lastTopic string
}

type group struct {
	name   string
	wanted bool
}

// metaLimit bounds the metadata strings kept. Most groups write "", some a constant, Kafka Streams a new one each time.
const metaLimit = 4096

func newNames(filter func(string) bool) *names {
	return &names{groups: map[string]*group{}, topics: map[string]string{}, meta: map[string]string{}, filter: filter}
}

func (n *names) group(b []byte) *group {
	if n.lastGroup != nil && n.lastGroup.name == string(b) {
		return n.lastGroup
	}
	g, ok := n.groups[string(b)]
	if !ok {
		g = &group{name: string(b), wanted: true}
		if n.filter != nil {
			g.wanted = n.filter(g.name)
		}
		n.groups[g.name] = g
	}
	n.lastGroup = g
	return g
}

func (n *names) topic(b []byte) string {
	if n.lastTopic == string(b) {
		return n.lastTopic
	}
	s, ok := n.topics[string(b)]
	if !ok {
		s = string(b)
		n.topics[s] = s
	}
	n.lastTopic = s
	return s
}

func (n *names) metadata(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	if s, ok := n.meta[string(b)]; ok {
		return s
	}
	if len(n.meta) >= metaLimit {
		clear(n.meta)
	}
	s := string(b)
	n.meta[s] = s
	return s
}
