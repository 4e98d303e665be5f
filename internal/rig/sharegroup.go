package rig

import (
	_ "embed"
	"fmt"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

//go:embed java/ShareGroup.java
var shareGroupSource string

// StartShareConsumers starts Kafka's share consumers (KIP-932), one for each of the groups, in one process, and returns at once. They
// begin at the start of the topics where their groups have not been there yet, and accept all that they are given. Of a JavaConsumer they
// can what has a meaning here: Records, WaitRecords, Close (which acknowledges), Kill, Failure.
func StartShareConsumers(t testing.TB, c *Cluster, topic string, groups ...string) []*JavaConsumer {
	t.Helper()
	classes, err := c.in.compiled("ShareGroup", shareGroupSource)
	if err != nil {
		unavailable(t, err)
	}
	var arguments []string
	for _, group := range groups {
		c.shareFromTheStart(t, group)
		arguments = append(arguments, fmt.Sprintf("bootstrap.servers=%s\tgroup.id=%s\trig.topics=%s\tmetadata.max.age.ms=2000",
			strings.Join(c.Bootstrap(), ","), group, topic))
	}
	return startJavaHost(t, "share groups", len(groups), c.in.smallCommand("256m", classes, "ShareGroup", arguments...))
}

// shareFromTheStart sets share.auto.offset.reset, which is the group's and not its consumers'; without it a share group begins at the end.
func (c *Cluster) shareFromTheStart(t testing.TB, group string) {
	t.Helper()
	set := kmsg.NewIncrementalAlterConfigsRequestResourceConfig()
	set.Name, set.Value = "share.auto.offset.reset", kmsg.StringPtr("earliest")
	of := kmsg.NewIncrementalAlterConfigsRequestResource()
	of.ResourceType, of.ResourceName = kmsg.ConfigResourceTypeGroupConfig, group
	of.Configs = append(of.Configs, set)
	q := kmsg.NewPtrIncrementalAlterConfigsRequest()
	q.Resources = append(q.Resources, of)
	r, err := q.RequestWith(t.Context(), c.anyBroker())
	if err == nil {
		err = kerr.ErrorForCode(r.Resources[0].ErrorCode)
	}
	if err != nil {
		t.Fatalf("rig: settings of share group %s: %v", group, err)
	}
}
