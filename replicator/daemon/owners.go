package daemon

import "strings"

// owners says whose the things are that were written under a name that a link had before. All names are failover.LinkIDs.
type owners struct {
	heirs map[string]string  // by the name that was given up; a name that is not there is its own
	done  map[[2]string]bool // renamings that counted, each once
}

// of is the name that a link has now.
func (o owners) of(name string) string {
	if heir, ok := o.heirs[name]; ok {
		return heir
	}
	return name
}

// renamed is told each renaming, in the order of the log. It does not count where it would give away what is another's already, or make one of two
// links that both go on; nor a second time: a configuration that still says what has been turned round since would take the link away from its name.
func (o *owners) renamed(from, to string) {
	if from == "" || from == to || pairOf(from) != pairOf(to) || o.done[[2]string{from, to}] || !o.may(from, to) {
		return
	}
	if o.heirs == nil {
		o.heirs, o.done = map[string]string{}, map[[2]string]bool{}
	}
	for name, heir := range o.heirs {
		if heir == from {
			o.heirs[name] = to
		}
	}
	o.heirs[from], o.done[[2]string{from, to}] = to, true
	delete(o.heirs, to)
}

// may: from is a name in use, and so is to, or it was given up for from.
func (o owners) may(from, to string) bool {
	return o.of(from) == from && (o.of(to) == to || o.of(to) == from)
}

// nameOf is the link's name in a LinkID, pairOf the rest: what it joins.
func nameOf(id string) string { return id[:pairAt(id)] }
func pairOf(id string) string { return id[pairAt(id):] }

func pairAt(id string) int {
	if at := strings.LastIndex(id, ": "); at >= 0 {
		return at
	}
	return len(id)
}
