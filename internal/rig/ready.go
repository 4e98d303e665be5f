package rig

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// pollEvery is the pace of every wait for a condition.
const pollEvery = 25 * time.Millisecond

// ready waits until the brokers that live are usable: each knows of all of
// them, each finds the coordinator of every partition of __consumer_offsets
// (the first question creates that topic), and each coordinator has loaded.
func (c *Cluster) ready(ctx context.Context) error {
	groups := oneGroupPerPartition(c.offsetsPartitions())
	return poll(ctx, func() error {
		for _, n := range c.nodes {
			if err := n.died(); err != nil {
				return err
			}
		}
		return c.usable(ctx, groups)
	})
}

// usable is one round of questions to every live broker.
func (c *Cluster) usable(ctx context.Context, groups []string) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	live := c.live()
	for _, n := range live {
		if err := c.knowsAll(ctx, n, live); err != nil {
			return fmt.Errorf("broker %d: %w", n.id, err)
		}
		for _, g := range groups {
			if err := c.coordinates(ctx, n, g); err != nil {
				return fmt.Errorf("broker %d: group %s: %w", n.id, g, err)
			}
		}
	}
	return nil
}

// knowsAll asks one broker which brokers there are.
func (c *Cluster) knowsAll(ctx context.Context, n *node, live []*node) error {
	req := kmsg.NewPtrMetadataRequest()
	req.Topics = []kmsg.MetadataRequestTopic{}
	resp, err := req.RequestWith(ctx, c.broker(n.id))
	if err != nil {
		return err
	}
	known := map[int32]bool{}
	for _, b := range resp.Brokers {
		known[b.NodeID] = true
	}
	for _, other := range live {
		if !known[int32(other.id)] {
			return fmt.Errorf("does not know broker %d yet", other.id)
		}
	}
	if len(known) != len(live) {
		return fmt.Errorf("knows %d brokers, %d live", len(known), len(live))
	}
	return nil
}

// coordinates asks one broker for the group's coordinator, and that one for the
// group's offsets.
func (c *Cluster) coordinates(ctx context.Context, n *node, group string) error {
	find := kmsg.NewPtrFindCoordinatorRequest()
	find.CoordinatorKey, find.CoordinatorKeys = group, []string{group}
	found, err := find.RequestWith(ctx, c.broker(n.id))
	if err != nil {
		return err
	}
	if len(found.Coordinators) != 1 {
		return fmt.Errorf("%d coordinators found", len(found.Coordinators))
	}
	if err := kerr.ErrorForCode(found.Coordinators[0].ErrorCode); err != nil {
		return err
	}
	coordinator := int(found.Coordinators[0].NodeID)
	if coordinator < 1 || coordinator > len(c.nodes) || !c.nodes[coordinator-1].alive() {
		return fmt.Errorf("coordinator %d is not alive", coordinator)
	}
	fetch := kmsg.NewPtrOffsetFetchRequest()
	fetch.Group = group
	fetch.Groups = []kmsg.OffsetFetchRequestGroup{{Group: group, MemberEpoch: -1}}
	fetched, err := fetch.RequestWith(ctx, c.broker(coordinator))
	if err != nil {
		return err
	}
	for _, g := range fetched.Groups {
		if err := kerr.ErrorForCode(g.ErrorCode); err != nil {
			return err
		}
	}
	return kerr.ErrorForCode(fetched.ErrorCode)
}

// broker sends requests to one broker, round any proxy, without retries.
func (c *Cluster) broker(id int) *kgo.Broker { return c.direct().SeedBrokers()[id-1] }

// direct is the rig's own client.
func (c *Cluster) direct() *kgo.Client {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.admin == nil {
		cl, err := kgo.NewClient(append(c.clientOpts(), kgo.DialTimeout(5*time.Second),
			kgo.RequestRetries(1000), kgo.RetryTimeout(startPatience),
			kgo.RetryBackoffFn(func(int) time.Duration { return 2 * pollEvery }))...)
		if err != nil {
			panic(err) // the options above are wrong, and no test will get further
		}
		c.admin = cl
	}
	return c.admin
}

func (c *Cluster) live() []*node {
	var live []*node
	for _, n := range c.nodes {
		if n.alive() {
			live = append(live, n)
		}
	}
	return live
}

// oneGroupPerPartition returns group names that hash to each of n partitions of
// __consumer_offsets.
func oneGroupPerPartition(n int) []string {
	names := make([]string, n)
	for i, missing := 0, n; missing > 0; i++ {
		name := fmt.Sprintf("rig-ready-%d", i)
		if p := GroupPartition(name, n); names[p] == "" {
			names[p] = name
			missing--
		}
	}
	return names
}
