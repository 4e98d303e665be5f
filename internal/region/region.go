package region

import (
	"crypto/rand"
	"fmt"
	"net"
	"sync"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Region is one running region.
type Region struct {
	o       Options
	cluster *kfake.Cluster
	gates   []*gate // by broker
	own     User    // the region's own login, where there is SASL
	locks   *locks
	log     *offsetsLog
	groups  *groups

	ready   chan struct{} // closed when connections may be served
	closing chan struct{}
	mu      sync.Mutex
	closed  bool
	work    sync.WaitGroup
}

// Start starts a region. `__consumer_offsets` is there when it returns.
func Start(o Options) (*Region, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	if len(o.Users) > 0 {
		o.Users = append(o.Users[:len(o.Users):len(o.Users)], User{"PLAIN", "region", rand.Text()})
	}
	r := &Region{o: o, locks: newLocks(), ready: make(chan struct{}), closing: make(chan struct{})}
	if len(o.Users) > 0 {
		r.own = o.Users[len(o.Users)-1]
	}
	r.cluster, err = kfake.NewCluster(append(o.kfake(), kfake.ListenFn(r.listen))...)
	if err != nil {
		return nil, fmt.Errorf("start region %s: %w", o.Name, err)
	}
	r.log = newOffsetsLog(r)
	r.groups = newGroups(r)
	configs := map[string]string{"cleanup.policy": "compact", "segment.bytes": "104857600", "max.message.bytes": "10485880"}
	if err := r.cluster.CreateTopic(offsetsTopic, o.OffsetsPartitions, configs); err != nil {
		r.Close()
		return nil, fmt.Errorf("start region %s: create %s: %w", o.Name, offsetsTopic, err)
	}
	r.background(r.groups.watchExpiry)
	close(r.ready)
	return r, nil
}

// Bootstrap returns the brokers' addresses.
func (r *Region) Bootstrap() []string {
	var all []string
	for _, g := range r.gates {
		all = append(all, g.addr.String())
	}
	return all
}

// Name is Options.Name, ClusterID what the brokers answer.
func (r *Region) Name() string      { return r.o.Name }
func (r *Region) ClusterID() string { return r.o.ClusterID }

// Failures are appends to `__consumer_offsets` that did not succeed: a test that injects faults into Produce may have
// broken the ground it stands on.
func (r *Region) Failures() []error { return r.log.failures() }

// Cluster is for kfake's faults, controls and snapshots. Do not close it.
func (r *Region) Cluster() *kfake.Cluster { return r.cluster }

// KgoOpts are what a franz-go client needs beyond its own: the addresses, and the dialer of a Network. TLS and SASL are
// the caller's.
func (r *Region) KgoOpts() []kgo.Opt {
	opts := []kgo.Opt{kgo.SeedBrokers(r.Bootstrap()...)}
	if r.o.Network != nil {
		opts = append(opts, kgo.Dialer(r.o.Network.DialContext))
	}
	return opts
}

// Kill is the loss of the region: every connection is reset and nothing listens. Its clocks go on: sessions and
// transactions time out meanwhile.
func (r *Region) Kill() {
	for _, g := range r.gates {
		g.kill()
	}
}

// KillBroker takes one broker away; the others go on, and it stays the leader of what it led.
func (r *Region) KillBroker(n int) { r.gates[n].kill() }

// Restart brings killed brokers back, with their data, on the same ports.
func (r *Region) Restart() error {
	for _, g := range r.gates {
		if err := g.restart(); err != nil {
			return fmt.Errorf("restart region %s: %w", r.o.Name, err)
		}
	}
	return nil
}

// Close ends the region and everything it started.
func (r *Region) Close() {
	r.mu.Lock()
	before := r.closed
	r.closed = true
	r.mu.Unlock()
	if before {
		return
	}
	close(r.closing)
	r.Kill()
	r.work.Wait()
	r.log.close()
	r.cluster.Close()
}

// enter keeps Close waiting until leave; false once the region is closing. Whatever takes a snapshot of kfake's does so in
// between: on a closed cluster they block for ever.
func (r *Region) enter() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return false
	}
	r.work.Add(1)
	return true
}

func (r *Region) leave() { r.work.Done() }

// background runs f unless the region is closing.
func (r *Region) background(f func()) bool {
	if !r.enter() {
		return false
	}
	go func() {
		defer r.leave()
		f()
	}()
	return true
}

var _ net.Listener = (*gate)(nil)
