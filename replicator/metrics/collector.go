package metrics

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.uber.org/zap"

	"github.com/leftoff/leftoff/replicator"
)

// Source is where snapshots come from.
type Source interface {
	// Snapshots returns one a link. With detail false Groups may be empty.
	Snapshots(ctx context.Context, detail bool) ([]replicator.Snapshot, error)
}

// Options of a Collector. Source is required.
type Options struct {
	Source   Source
	PerGroup bool
	Version  string
	Logger   *zap.Logger
	Now      func() time.Time
	// Keep is how long an answer is used again. 0: 5 s; negative: never.
	Keep time.Duration
	// Timeout bounds taking the snapshots. 0: 8 s, below Prometheus's usual scrape timeout.
	Timeout time.Duration
}

// Collector implements prometheus.Collector.
type Collector struct {
	opt Options

	mu    sync.Mutex
	last  []prometheus.Metric // not the snapshots: those of a million offsets are large
	taken time.Time
}

// New returns a Collector.
func New(o Options) *Collector {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = zap.NewNop()
	}
	if o.Keep == 0 {
		o.Keep = 5 * time.Second
	}
	if o.Timeout == 0 {
		o.Timeout = 8 * time.Second
	}
	return &Collector{opt: o}
}

// Handler serves a registry of the collector, with the process's own metrics beside it.
func Handler(c *Collector) http.Handler {
	r := prometheus.NewRegistry()
	r.MustRegister(c, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return promhttp.HandlerFor(r, promhttp.HandlerOpts{EnableOpenMetrics: true})
}

// Describe implements prometheus.Collector.
func (c *Collector) Describe(out chan<- *prometheus.Desc) {
	for _, m := range families {
		out <- m.desc
	}
}

// Collect implements prometheus.Collector. Where no snapshot can be taken the scrape has build_info only, so that alarms on
// absent series work.
func (c *Collector) Collect(out chan<- prometheus.Metric) {
	out <- single(buildInfo, 1, c.opt.Version)
	all, err := c.metrics()
	if err != nil {
		c.opt.Logger.Warn("no snapshot for the metrics", zap.Error(err))
		return
	}
	for _, m := range all {
		out <- m
	}
}

func (c *Collector) metrics() ([]prometheus.Metric, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.opt.Now()
	if c.last != nil && now.Sub(c.taken) < c.opt.Keep {
		return c.last, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), c.opt.Timeout)
	defer cancel()
	snapshots, err := c.opt.Source.Snapshots(ctx, true)
	if err != nil {
		return nil, err
	}
	var all list
	for i := range snapshots {
		c.link(&all, &snapshots[i])
	}
	c.last, c.taken = all, now
	return all, nil
}

// list gathers metrics.
type list []prometheus.Metric

func (l *list) add(m metric, value float64, labels ...string) {
	*l = append(*l, single(m, value, labels...))
}

func single(m metric, value float64, labels ...string) prometheus.Metric {
	return prometheus.MustNewConstMetric(m.desc, m.kind, value, labels...)
}
