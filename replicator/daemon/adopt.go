package daemon

import (
	"context"
	"fmt"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/leftoff/leftoff/replicator/failover"
)

// letGo is how long a leftoff that still runs under the old name has to read of the new one, and end, before anything is done under that.
const letGo = 2 * rememberEvery

// adopt makes what is kept on the secondary under the link's former name (renamed_from) its own, before any of it is applied. It is one record in the
// log: whoever is killed before has done nothing, whoever is killed after finds it done. Verdicts, roles and a failover under way go on as they are.
// Where it can't be sure that this is the same link it refuses: ErrRefused.
func (l *link) adopt(ctx context.Context, m *memory) error {
	name := l.config.RenamedFrom
	if l.configured == nil || name == "" || m.isKnown() {
		return nil
	}
	m.lineage.allow(true)
	defer m.lineage.allow(false)
	from := name + pairOf(m.lineage.self)
	others, err := m.store.Others(ctx)
	if err != nil {
		return err
	}
	own, err := m.store.Load(ctx)
	if err != nil {
		return err
	}
	mine, owner := m.lineage.mine(from)
	_, heir := m.lineage.mine(m.lineage.self)
	kept, there := others[name]
	switch {
	case mine || !there && owner == from: // done before, or there is nothing
		return nil
	case heir != m.lineage.self && heir != from: // given up for a third, which is what the next who reads is told
		return nil
	case owner != from:
		return fmt.Errorf("%w: link %s: renamed_from: link %s is called %s now, as %s says. Try: renamed_from: %s, if that is this link, or leave it out",
			ErrRefused, l.Name, name, nameOf(owner), failover.Topic, nameOf(owner))
	}
	if why := l.notFormerly(name, kept, own); why != "" {
		return fmt.Errorf("%w: link %s: renamed_from %s: %s", ErrRefused, l.Name, name, why)
	}
	if !m.lineage.could(from) {
		return fmt.Errorf("%w: link %s: renamed_from %s: it was called so, and got that name back. Try: name it %s, or a name that it never had",
			ErrRefused, l.Name, name, name)
	}
	if l.ReadOnly {
		m.lineage.suppose(from)
		return nil
	}
	return l.take(ctx, m, from)
}

// take writes down that this is the link that was called otherwise, and sees whether that counts.
func (l *link) take(ctx context.Context, m *memory, from string) error {
	if err := m.lineage.take(ctx, from); err != nil {
		if right, said := denied(err); right != "" {
			return fmt.Errorf("%w: link %s: renamed_from: %w", ErrRefused, l.Name, said)
		}
		return err
	}
	if _, err := m.store.Load(ctx); err != nil {
		return err
	}
	if mine, owner := m.lineage.mine(from); !mine {
		return fmt.Errorf("%w: link %s: renamed_from: link %s took over what is kept of %s at the same time. Try: run one of them", ErrRefused, l.Name, nameOf(owner), nameOf(from))
	}
	l.log.Info("took over what is kept on the secondary under the link's former name. Try: leave renamed_from out from now on", zap.String("renamed_from", nameOf(from)))
	select {
	case <-time.After(letGo):
	case <-ctx.Done():
	}
	return nil
}

// notFormerly says why a link of another name is not this one, or can't become it now; empty: it can.
func (l *link) notFormerly(name string, k, own failover.Known) string {
	beyond := l.beyond(k)
	switch {
	case l.configured[name]:
		return "that link is still there. Try: leave renamed_from out"
	case !l.follows(k):
		return "that one followed other topics or groups than this one. Try: leave renamed_from out, if this is another link"
	case len(beyond) > 0:
		return fmt.Sprintf("it has switched topics, or let go of groups, that this link does not follow: %s. Try: topics and groups as they were, and change "+
			"them once the link has its new name", few(beyond))
	case !k.State.Over() && k.State.Home != nil:
		return fmt.Sprintf("it is on its way home, at step %s. Try: name the link %s again until leftoff failback has ended", k.State.Step, name)
	case k.State != nil && own.State != nil:
		return fmt.Sprintf("both have had a failover, which can't be made one story. Try: leave renamed_from out, and name the link %s again if it was called so", name)
	}
	return ""
}

// beyond are topics and groups that another link keeps leftoff from writing, and this one does not follow: who follows them now would not know.
func (l *link) beyond(k failover.Known) (all []string) {
	for topic, role := range k.Roles {
		if role.Name == failover.Switched && !l.selectsTopic(topic) {
			all = append(all, topic)
		}
	}
	for name, e := range k.Groups {
		if handsOff(e) && !l.selectsGroup(name) {
			all = append(all, name)
		}
	}
	slices.Sort(all)
	return all
}
