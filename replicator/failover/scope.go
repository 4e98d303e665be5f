package failover

import "slices"

// topics are those that change hands: the ones asked for, or else all of the groups', unless only some groups go.
func topics(s *State, v View) []string {
	if len(s.Scope.Topics) > 0 {
		return s.Scope.Topics
	}
	all := append(slices.Clone(s.Found), v.Topics...)
	slices.Sort(all)
	return slices.Compact(all)
}

// switches says which topics change hands: with single groups none do, because the others go on where they are.
func switches(s *State, v View) []string {
	if len(s.Scope.Groups) > 0 && len(s.Scope.Topics) == 0 {
		return nil
	}
	return topics(s, v)
}

// unlisted says that topics may be missing from those that change hands, and why.
func unlisted(s *State, v View) string {
	if !v.Unlisted || len(s.Scope.Topics) > 0 || len(s.Scope.Groups) > 0 {
		return ""
	}
	return "topics that no group reads do not change hands: the primary is gone, and neither this machine nor the secondary has a list of what was mirrored. " +
		"Try: leftoff failover --unplanned --topic with each of them, before producers write there"
}

// switchedBy are the topics that a failover switched, as the log has them.
func (k Known) switchedBy(id string) (topics []string) {
	for topic, r := range k.Roles {
		if r.Name == Switched && r.ID == id {
			topics = append(topics, topic)
		}
	}
	slices.Sort(topics)
	return topics
}

// free leaves out the topics that another failover switched: their marks are of that day.
func (k Known) free(id string, topics []string) []string {
	return slices.DeleteFunc(slices.Clone(topics), func(t string) bool { return k.Roles[t].Name == Switched && k.Roles[t].ID != id })
}
