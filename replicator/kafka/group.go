package kafka

// GroupInfo is one entry of ListGroups.
type GroupInfo struct {
	Group        string
	ProtocolType string // "consumer", "connect", …; "" for a simple group
	State        string // "Empty", "Stable", …; "" where the broker does not say
	Type         string // "classic", "consumer", "share", "streams"; "" where the broker does not say (before Kafka 3.8)
}

// GroupDescription describes a group and its members.
type GroupDescription struct {
	GroupInfo
	Members []GroupMember
}

// Live says whether the group has members.
func (g *GroupDescription) Live() bool { return len(g.Members) > 0 }

// GroupMember is a member of a group.
type GroupMember struct {
	ID, InstanceID, ClientID, ClientHost string
}
