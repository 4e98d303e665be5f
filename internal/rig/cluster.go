package rig

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// startPatience bounds a start on a machine that is busy with other things.
const startPatience = 2 * time.Minute

// Cluster is a running Kafka cluster.
type Cluster struct {
	opts  Options
	in    *installation
	flags []string
	id    string
	dir   string
	nodes []*node // node i has id i+1
	ports portSet
	certs *certificates // nil without Security

	mu    sync.Mutex
	admin *kgo.Client // direct, made at first use
	once  sync.Once
	took  time.Duration
}

// Start starts a cluster for this test and waits until it is usable. It ends
// with the test.
func Start(t testing.TB, o Options) *Cluster {
	t.Helper()
	o = o.withDefaults()
	require(t, o.Version)
	c, err := Launch(o)
	if err != nil {
		t.Fatalf("rig: %v", err)
	}
	t.Cleanup(func() { c.finish(t) })
	t.Logf("rig: %s", c)
	return c
}

// StartPair starts two clusters of the same options at once, named primary and
// secondary.
func StartPair(t testing.TB, o Options) (primary, secondary *Cluster) {
	t.Helper()
	p, s := o, o
	p.Name, s.Name = "primary", "secondary"
	return StartTwo(t, p, s)
}

// StartTwo starts two clusters at once.
func StartTwo(t testing.TB, a, b Options) (*Cluster, *Cluster) {
	t.Helper()
	a, b = a.withDefaults(), b.withDefaults()
	require(t, a.Version)
	require(t, b.Version)
	p, s, err := launchTwo(a, b)
	if err != nil {
		t.Fatalf("rig: %v", err)
	}
	for _, c := range []*Cluster{p, s} {
		t.Cleanup(func() { c.finish(t) })
		t.Logf("rig: %s", c)
	}
	return p, s
}

func launchTwo(a, b Options) (p, s *Cluster, err error) {
	var aerr, berr error
	var both sync.WaitGroup
	both.Go(func() { p, aerr = Launch(a) })
	both.Go(func() { s, berr = Launch(b) })
	both.Wait()
	if err := errors.Join(aerr, berr); err != nil {
		for _, c := range []*Cluster{p, s} {
			if c != nil {
				c.Close(true)
			}
		}
		return nil, nil, err
	}
	return p, s, nil
}

// Launch is Start for programs that are no tests. The caller closes.
func Launch(o Options) (*Cluster, error) {
	o = o.withDefaults()
	in, err := install(o.Version)
	if err != nil {
		return nil, err
	}
	return launchCluster(in, o, append(in.brokerFlags(o), in.classData()...))
}

// launchCluster tries other ports when somebody outside the rig took one
// between its reservation and its use.
func launchCluster(in *installation, o Options, flags []string) (*Cluster, error) {
	for try := 1; ; try++ {
		c := &Cluster{opts: o, in: in, flags: flags, id: newID()}
		err := c.start()
		if err == nil {
			return c, nil
		}
		lost := c.lostPort()
		kept := c.Close(!lost)
		if !lost || try == 3 {
			return nil, fmt.Errorf("start %s: %w\n%s", o.Name, err, kept)
		}
	}
}

func (c *Cluster) start() (err error) {
	began := time.Now()
	if c.dir, err = os.MkdirTemp("", "leftoff-rig-"+c.opts.Name+"-"); err != nil {
		return err
	}
	if c.opts.Security != nil {
		if c.certs, err = newCertificates(filepath.Join(c.dir, "certificates")); err != nil {
			return err
		}
	}
	if err := c.layOut(); err != nil {
		return err
	}
	for _, n := range c.nodes {
		if err := n.launch(c.in, c.opts, c.flags); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), startPatience)
	defer cancel()
	if err := c.ready(ctx); err != nil {
		return err
	}
	if err := c.secure(ctx); err != nil {
		return err
	}
	c.took = time.Since(began)
	return nil
}

// layOut deals ports and writes every file the brokers start from.
func (c *Cluster) layOut() error {
	var voters []string
	for id := 1; id <= c.opts.Brokers; id++ {
		n := &node{id: id, dir: filepath.Join(c.dir, fmt.Sprint(id)), ports: map[Listener]int{}}
		ports, err := c.ports.take(len(c.opts.listeners()))
		if err != nil {
			return err
		}
		for i, l := range c.opts.listeners() {
			n.ports[l] = ports[i]
		}
		if c.opts.Proxied {
			if n.proxy, err = OpenProxy(loopback(n.ports[Plain])); err != nil {
				return err
			}
		}
		voters = append(voters, fmt.Sprintf("%d@%s", id, loopback(n.ports[controller])))
		c.nodes = append(c.nodes, n)
	}
	for _, n := range c.nodes {
		if err := os.MkdirAll(n.dir, 0o755); err != nil {
			return err
		}
		if err := c.in.format(n.data(), c.id, n.id); err != nil {
			return err
		}
		if err := n.configure(c.opts, strings.Join(voters, ","), c.securityProperties()); err != nil {
			return err
		}
	}
	return nil
}

func (c *Cluster) lostPort() bool {
	for _, n := range c.nodes {
		if !n.alive() && n.lostPort() {
			return true
		}
	}
	return false
}

// String says what runs where, for logs.
func (c *Cluster) String() string {
	return fmt.Sprintf("%s is Kafka %s x%d at %s, up in %.1fs, logs in %s",
		c.opts.Name, c.opts.Version, c.opts.Brokers, strings.Join(c.Bootstrap(), ","), c.took.Seconds(), c.dir)
}

// finish ends the cluster with its test.
func (c *Cluster) finish(t testing.TB) {
	if kept := c.Close(t.Failed()); kept != "" {
		t.Log(kept)
	}
}

// Close ends every broker at once. With keep set the logs stay, and a text says
// where they are and what their last complaints were. LEFTOFF_RIG_KEEP=1 keeps
// everything, data included.
func (c *Cluster) Close(keep bool) (kept string) {
	c.once.Do(func() { kept = c.close(keep) })
	return kept
}

func (c *Cluster) close(keep bool) string {
	if c.admin != nil {
		c.admin.Close()
	}
	for _, n := range c.nodes {
		if n.proxy != nil {
			n.proxy.Close()
		}
		if p := n.end(); p != nil {
			p.kill()
		}
	}
	c.ports.release()
	var logs []string
	for _, n := range c.nodes {
		logs = append(logs, n.log())
	}
	return clearAway(c.dir, keep, logs, func() {
		for _, n := range c.nodes {
			os.RemoveAll(n.data())
		}
	})
}
