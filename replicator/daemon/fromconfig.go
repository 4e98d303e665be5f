package daemon

import (
	"fmt"

	"github.com/leftoff/leftoff/configs"
	"github.com/leftoff/leftoff/replicator/kafka"
)

// FromConfig turns a checked configuration into links. It reads the TLS files; an error says which one is wrong.
func FromConfig(c configs.Config) ([]Link, error) {
	links := make([]Link, 0, len(c.Links))
	for _, l := range c.Links {
		primary, err := cluster(c.Endpoint(l.Primary))
		if err != nil {
			return nil, err
		}
		secondary, err := cluster(c.Endpoint(l.Secondary))
		if err != nil {
			return nil, err
		}
		selects, rename := l.SelectTopic(), l.Topics.Rename
		links = append(links, Link{
			Name: l.Name, Primary: primary, Secondary: secondary, Mapping: l.Mapping, IndexPath: c.IndexPath(l.Name),
			Rename: func(topic string) (string, bool) { return rename.Apply(topic), selects(topic) },
			Invert: rename.Invert, SelectGroup: l.SelectGroup(), Policy: l.Policy.Replicator(), config: l,
			Drill: Drill{Every: l.Drill.Every, RPO: l.Drill.RPO, RTO: l.Drill.RTO, Sample: l.Drill.Sample, Keep: l.Drill.Keep,
				SignKey: l.Drill.SignKey, Dir: c.DrillsDir(l.Name)},
		})
	}
	return links, nil
}

func cluster(e configs.Endpoint) (kafka.Config, error) {
	cfg := kafka.Config{
		Name: e.Name, Brokers: e.Brokers, ClientID: e.ClientID, DialTimeout: e.DialTimeout, RequestTimeout: e.RequestTimeout,
	}
	if e.TLS != nil {
		files := kafka.TLSFiles{
			CAFile: e.TLS.CAFile, CertFile: e.TLS.CertFile, KeyFile: e.TLS.KeyFile, ServerName: e.TLS.ServerName, SkipVerify: e.TLS.SkipVerify,
		}
		var err error
		if cfg.TLS, err = files.Load(); err != nil {
			return cfg, fmt.Errorf("clusters.%s.tls: %w", e.Name, err)
		}
	}
	if e.SASL != nil {
		cfg.SASL = &kafka.SASL{
			Mechanism: kafka.Mechanism(e.SASL.Mechanism), Username: e.SASL.Username, Password: kafka.Secret(e.SASL.Password.Reveal()),
		}
	}
	return cfg, nil
}
