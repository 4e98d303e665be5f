package daemon

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/replicator/failover"
	"github.com/leftoff/leftoff/replicator/mirror"
)

// What is kept on the secondary is kept under the link's name, because several links may join the same clusters. A link that was given another
// name finds nothing there: it would copy the primary's records into topics that producers of the secondary write by now, and write
// groups that run there. So a link does not start where another name, which is not configured any more, left such things behind, unless it is
// told that it was called so (renamed_from, see adopt).

// renamed looks for what this link left behind under another name: an error where that is sure, a sentence for status where it may be so.
func (l *link) renamed(ctx context.Context, r *running) (doubt string, err error) {
	if l.configured == nil {
		return "", nil // a way home
	}
	others, err := r.memory.store.Others(ctx)
	if err != nil || len(others) == 0 {
		return "", err
	}
	own, err := r.memory.store.Load(ctx)
	if err != nil {
		return "", err
	}
	for _, name := range slices.Sorted(maps.Keys(others)) {
		if l.configured[name] {
			continue
		}
		f := l.formerly(others[name], own)
		_, f.copies = r.source.(*mirror.Source)
		switch {
		case !f.matters():
		case f.sure():
			return "", fmt.Errorf("%w: on the secondary it is written that a link %s between the same clusters %s. Under the name %s leftoff would forget that. "+
				"Try: name the link %s again; or, if it was called so, renamed_from: %s in the configuration of link %s, which takes that over (docs/failover.md)", ErrRefused, name, f, l.Name, name, name, l.Name)
		default:
			doubt = fmt.Sprintf("on the secondary it is written that a link %s between the same clusters %s. If this link was called so, leftoff does not know of it "+
				"under the name %s. Try: name the link %s again, or renamed_from: %s in the configuration of link %s, which takes that over (docs/failover.md)", name, f, l.Name, name, name, l.Name)
		}
	}
	return doubt, nil
}

// former is what another link left behind that this one would do otherwise.
type former struct {
	switched []string // topics that it follows, too, and must not copy
	groups   []string // groups that it follows, too, and must not write
	underWay *failover.State
	// same: it followed topics of this link, and groups of it where any are known. Links that share the work do neither.
	same bool
	// copies: this link's own mirror would write into switched topics.
	copies bool
	// ran: this link has run under its own name, so that another one may be beside it that has not let go of a group yet.
	ran bool
}

// formerly compares what another link left behind with what this one follows. What this one has heard of since, under its own name, it does not forget.
func (l *link) formerly(k, own failover.Known) (f former) {
	if !l.follows(k) {
		return former{}
	}
	for name, e := range k.Groups {
		if !l.selectsGroup(name) {
			continue
		}
		if here := own.Groups[name]; here.Verdict != "" && here.Offset > e.Offset || handsOff(here) {
			continue
		}
		if handsOff(e) {
			f.groups = append(f.groups, name)
		}
	}
	for topic, role := range k.Roles {
		if role.Name == failover.Switched && l.selectsTopic(topic) && !own.Roles[topic].At.After(role.At) {
			f.switched = append(f.switched, topic)
		}
	}
	if f.same, f.ran = slices.ContainsFunc(topicsOf(k), l.selectsTopic), len(own.Events) > 0; !k.State.Over() {
		f.underWay = k.State
	}
	slices.Sort(f.switched)
	slices.Sort(f.groups)
	return f
}

// follows says that another link may have been this one: it followed topics of this link, and groups of it, as far as either is known.
func (l *link) follows(k failover.Known) bool {
	topics, groups := topicsOf(k), slices.Collect(maps.Keys(k.Groups))
	return (len(topics) == 0 || slices.ContainsFunc(topics, l.selectsTopic)) && (len(groups) == 0 || slices.ContainsFunc(groups, l.selectsGroup))
}

func topicsOf(k failover.Known) []string {
	return slices.AppendSeq(slices.Collect(maps.Keys(k.Mirrored)), maps.Keys(k.Roles))
}

// handsOff says that leftoff does not write the group of an event.
func handsOff(e failover.Event) bool {
	return e.Verdict == replicator.VerdictHandedOver.String() || e.Verdict == replicator.VerdictTakenOver.String()
}

func (l *link) selectsGroup(group string) bool { return l.SelectGroup == nil || l.SelectGroup(group) }

func (l *link) selectsTopic(topic string) bool {
	_, ok := l.Rename(topic)
	return ok
}

// sure: it was this link, and going on does harm. A failover that has switched nothing yet, and let go of no group, does none.
func (f former) sure() bool {
	return f.same && (len(f.groups) > 0 || len(f.switched) > 0 && (f.copies || !f.ran))
}

func (f former) matters() bool { return len(f.switched) > 0 || len(f.groups) > 0 || f.underWay != nil }

func (f former) String() string {
	var parts []string
	if len(f.switched) > 0 {
		parts = append(parts, "switched topics in a failover ("+few(f.switched)+")")
	}
	if len(f.groups) > 0 {
		parts = append(parts, "let go of groups, or had them taken over ("+few(f.groups)+")")
	}
	if f.underWay != nil {
		parts = append(parts, fmt.Sprintf("has a failover under way, at step %s", f.underWay.Step))
	}
	return strings.Join(parts, ", ")
}

// few names, and how many more.
func few(names []string) string {
	const some = 3
	if len(names) <= some {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:some], ", "), len(names)-some)
}
