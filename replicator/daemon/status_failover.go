package daemon

import (
	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/replicator/api"
	"github.com/leftoff/leftoff/replicator/failover"
)

// failedOver is where the newest failover stands, for status, as it was read last. Nil where there was none; where it was turned round, or came
// home; and where it took groups alone, and all of them are leftoff's again.
func (l *link) failedOver(r *running) *replicator.FailoverState {
	if r == nil {
		return nil
	}
	m := r.memory
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.state
	if s == nil || s.Step == failover.RolledBack || s.Step == failover.AtHome {
		return nil
	}
	f := &replicator.FailoverState{
		ID: s.ID, Kind: "planned", Step: string(s.Step), Who: s.Who, Changed: s.Changed, To: l.config.Secondary, Topics: m.switchedTopics(), Groups: m.letGo(s.Groups),
	}
	switch {
	case s.Home != nil:
		f.Kind, f.To = "failback", l.config.Primary
	case s.Unplanned:
		f.Kind = "unplanned"
	}
	if s.Over() && f.Topics+f.Groups == 0 {
		return nil
	}
	return f
}

// switchedTopics counts the topics that are written on the secondary. m is locked.
func (m *memory) switchedTopics() (n int) {
	for _, role := range m.roles {
		if role.Name == failover.Switched {
			n++
		}
	}
	return n
}

// letGo counts the groups of a failover that nobody gave back to leftoff since. m is locked.
func (m *memory) letGo(all []failover.GroupReport) (n int) {
	for _, g := range all {
		switch m.heard[g.Group] {
		case replicator.VerdictHandedOver.String(), replicator.VerdictTakenOver.String():
			n++
		}
	}
	return n
}

// answers adds what a person wants to know beside the steps: whether there is anything to bring home, and how many groups came.
func (m *memory) answers(a *api.FailoverAnswer) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.known {
		return
	}
	n := m.switchedTopics()
	a.Switched = &n
	if s := a.State; s != nil && s.Step == failover.AtHome {
		a.GroupsHome = m.home[homeReason(s.ID)]
	}
}

// homeReason is what is kept of a group as the reason, when the way home has ended that brought it.
func homeReason(id string) string { return "failover " + id + " came home" }

// reasons counts groups by why they are whose they are.
func reasons(groups map[string]failover.Event) map[string]int {
	all := map[string]int{}
	for _, e := range groups {
		all[e.Why]++
	}
	return all
}
