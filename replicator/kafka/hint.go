package kafka

import "fmt"

// codeHint says what a person can do about an error code.
func (c *Cluster) codeHint(a ask, code int16) string {
	switch codes[code].class {
	case Unauthorized:
		return c.aclHint(a, code)
	case TooLarge:
		if a.kind == aTopic {
			return fmt.Sprintf("raise max.message.bytes of topic %s to the primary's", a.name)
		}
	}
	switch code {
	case 36:
		return ""
	case 37, 38:
		return "check partitions and replication factor against the number of brokers"
	case 19, 20:
		return "bring brokers back: fewer replicas are in sync than min.insync.replicas asks for"
	}
	return ""
}

// aclHint is the command that grants what is missing. The code says which kind of thing it is missing on.
func (c *Cluster) aclHint(a ask, code int16) string {
	on, name, need := a.kind, a.name, a.need
	switch code {
	case 29:
		if on != aTopic {
			on, name = aTopic, "TOPIC"
		}
	case 30:
		if on != aGroup {
			on, name = aGroup, "GROUP"
		}
	case 31:
		return fmt.Sprintf("kafka-acls --add --allow-principal %s --operation %s --cluster", c.principal(), clusterNeed(a))
	}
	return fmt.Sprintf("kafka-acls --add --allow-principal %s --operation %s --%s %s", c.principal(), need, on, name)
}

func clusterNeed(a ask) string {
	if a.kind == aCluster {
		return a.need
	}
	return "ClusterAction"
}

func (c *Cluster) principal() string {
	if c.cfg.SASL != nil {
		return "User:" + c.cfg.SASL.Username
	}
	return "User:LEFTOFF"
}
