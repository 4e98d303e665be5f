package configs

import (
	"time"

	"github.com/leftoff/leftoff/replicator"
)

// Default is what a file that says nothing stands for. A Config has no clusters and no links by default.
func Default() Config {
	return Config{DataDir: "/var/lib/leftoff", HTTP: "127.0.0.1:9780"}
}

// DefaultCluster is a cluster of which only the brokers have to be said.
func DefaultCluster() Cluster {
	return Cluster{ClientID: "leftoff", DialTimeout: 10 * time.Second, RequestTimeout: 30 * time.Second}
}

// DefaultLink is a link of which name, primary, secondary and mapping have to be said.
func DefaultLink() Link {
	p := replicator.DefaultPolicy()
	return Link{
		Topics: Topics{Include: []string{".*"}},
		Groups: Groups{Include: []string{".*"}},
		Policy: Policy{Rewind: p.Rewind, Tombstones: p.Tombstones, FirstContact: p.FirstContact, Unmapped: p.Unmapped, After: After(p.After)},
		Match:  Match{MegabytesPerSecond: 32, BatchesInFlight: 5},
		MM2:    MM2{SyncsOn: "auto"},
		Drill:  Drill{RPO: time.Minute, RTO: time.Minute, Keep: 30},
	}
}
