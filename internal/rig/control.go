package rig

import (
	"context"
	"fmt"
	"strconv"
	"syscall"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Brokers are numbered from 1, as in Kafka's node.id.

// Kill ends a broker with SIGKILL and returns when it is gone. Other brokers
// notice after broker.session.timeout.ms (6 s) at the latest.
func (c *Cluster) Kill(t testing.TB, broker int) {
	t.Helper()
	c.node(t, broker).end().kill()
}

// KillAll ends the region at once.
func (c *Cluster) KillAll(t testing.TB) {
	t.Helper()
	for _, n := range c.nodes {
		n.end().signal(syscall.SIGKILL)
	}
	for _, n := range c.nodes {
		<-n.process().done
	}
}

// Stop ends a broker the clean way: it hands its leaders over first.
func (c *Cluster) Stop(t testing.TB, broker int) {
	t.Helper()
	if !c.node(t, broker).end().stop(stopPatience) {
		t.Logf("rig: broker %d did not end within %v of SIGTERM and was killed", broker, stopPatience)
	}
}

// Restart starts a killed or stopped broker on its old ports and data, and
// returns once the cluster is usable through it.
func (c *Cluster) Restart(t testing.TB, broker int) {
	t.Helper()
	c.Relaunch(t, broker)
	c.WaitReady(t)
}

// Relaunch is Restart without the wait.
func (c *Cluster) Relaunch(t testing.TB, broker int) {
	t.Helper()
	n := c.node(t, broker)
	if n.alive() {
		t.Fatalf("rig: broker %d still runs", broker)
	}
	if err := n.launch(c.in, c.opts, c.flags); err != nil {
		t.Fatalf("rig: %v", err)
	}
}

// WaitReady waits until every live broker is usable, and known as the only ones:
// after Kill that is when the others have noticed and moved its coordinators.
func (c *Cluster) WaitReady(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startPatience)
	defer cancel()
	if err := c.ready(ctx); err != nil {
		t.Fatalf("rig: %s not ready: %v", c.opts.Name, err)
	}
}

// Pause stops a broker from running (SIGSTOP): its connections stay, nothing
// answers.
func (c *Cluster) Pause(t testing.TB, broker int) {
	t.Helper()
	c.node(t, broker).process().pause()
}

// Resume lets a paused broker go on.
func (c *Cluster) Resume(t testing.TB, broker int) {
	t.Helper()
	c.node(t, broker).process().resume()
}

// Proxy returns what stands before a broker of a Proxied cluster.
func (c *Cluster) Proxy(t testing.TB, broker int) *Proxy {
	t.Helper()
	p := c.node(t, broker).proxy
	if p == nil {
		t.Fatal("rig: no proxy: start the cluster with Options.Proxied")
	}
	return p
}

// CoordinatorOf returns the broker that coordinates a group.
func (c *Cluster) CoordinatorOf(t testing.TB, group string) (broker int) {
	t.Helper()
	Eventually(t, startPatience, "coordinator of "+group, func() error {
		req := kmsg.NewPtrFindCoordinatorRequest()
		req.CoordinatorKey, req.CoordinatorKeys = group, []string{group}
		resp, err := req.RequestWith(t.Context(), c.anyBroker())
		if err != nil {
			return err
		}
		for _, k := range resp.Coordinators {
			broker = int(k.NodeID)
			return kerr.ErrorForCode(k.ErrorCode)
		}
		return fmt.Errorf("no answer")
	})
	return broker
}

// LeaderOf returns the broker that leads a partition.
func (c *Cluster) LeaderOf(t testing.TB, topic string, partition int32) (broker int) {
	t.Helper()
	Eventually(t, startPatience, "leader of "+topic, func() error {
		p, err := c.partition(t.Context(), topic, partition)
		if err == nil {
			broker = int(p.Leader)
		}
		return err
	})
	return broker
}

// WaitInSync waits until every replica of a partition is in sync: after Restart,
// before the next Kill.
func (c *Cluster) WaitInSync(t testing.TB, topic string, partition int32) {
	t.Helper()
	Eventually(t, startPatience, topic+" in sync", func() error {
		p, err := c.partition(t.Context(), topic, partition)
		if err != nil {
			return err
		}
		if len(p.ISR) < len(p.Replicas) {
			return fmt.Errorf("%d of %d replicas in sync", len(p.ISR), len(p.Replicas))
		}
		return nil
	})
}

// partition asks a live broker about one partition that must have a live leader.
func (c *Cluster) partition(ctx context.Context, topic string, partition int32) (p kmsg.MetadataResponseTopicPartition, err error) {
	req := kmsg.NewPtrMetadataRequest()
	rt := kmsg.NewMetadataRequestTopic()
	rt.Topic = kmsg.StringPtr(topic)
	req.Topics = append(req.Topics, rt)
	resp, err := req.RequestWith(ctx, c.anyBroker())
	if err != nil {
		return p, err
	}
	for _, t := range resp.Topics {
		if err := kerr.ErrorForCode(t.ErrorCode); err != nil {
			return p, err
		}
		for _, p := range t.Partitions {
			if p.Partition != partition {
				continue
			}
			if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
				return p, err
			}
			if p.Leader < 1 || !c.nodes[p.Leader-1].alive() {
				return p, fmt.Errorf("leader is %d", p.Leader)
			}
			return p, nil
		}
	}
	return p, fmt.Errorf("no partition %s/%d", topic, partition)
}

func (c *Cluster) node(t testing.TB, broker int) *node {
	t.Helper()
	if broker < 1 || broker > len(c.nodes) {
		t.Fatal("rig: no broker " + strconv.Itoa(broker))
	}
	return c.nodes[broker-1]
}
