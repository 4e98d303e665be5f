package region

import (
	"crypto/tls"
	"fmt"

	"github.com/twmb/franz-go/pkg/kfake"
)

// Options say what region to start. The zero value is one broker on a free port.
type Options struct {
	Name      string // in messages; "region" if empty
	ClusterID string // Name if empty
	Brokers   int    // 1 if zero; len(Ports) if those are given
	Ports     []int  // of the brokers; free ones if empty
	// OffsetsPartitions is the size of `__consumer_offsets`: 8 if zero.
	OffsetsPartitions int32
	// ValueVersion of offset commits: 4 with the topic's id, as Kafka from 4.1 on writes them, or 3. 4 if zero.
	ValueVersion int16
	// Network makes the region listen in memory only, for testing/synctest.
	Network *Network
	TLS     *tls.Config
	// Users turns SASL on.
	Users []User
	// Configs are broker configs, as kfake.BrokerConfigs takes them.
	Configs map[string]string
	// Kfake are further options of the cluster: kfake.MaxVersions, kfake.WithLogger, kfake.SeedTopics, …
	Kfake []kfake.Opt
}

// User may log in and do everything. Mechanism is PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512.
type User struct{ Mechanism, Name, Password string }

const (
	offsetsTopic = "__consumer_offsets"
	never        = "2147483647" // minutes
)

func (o Options) withDefaults() (Options, error) {
	if o.Name == "" {
		o.Name = "region"
	}
	if o.ClusterID == "" {
		o.ClusterID = o.Name
	}
	if o.Brokers == 0 {
		o.Brokers = max(1, len(o.Ports))
	}
	if o.OffsetsPartitions == 0 {
		o.OffsetsPartitions = 8
	}
	if o.ValueVersion == 0 {
		o.ValueVersion = 4
	}
	if len(o.Ports) == 0 {
		o.Ports = make([]int, o.Brokers)
		for i := range o.Ports {
			o.Ports[i] = o.Network.port()
		}
	}
	if len(o.Ports) != o.Brokers {
		return o, fmt.Errorf("region %s: %d brokers and %d ports", o.Name, o.Brokers, len(o.Ports))
	}
	return o, nil
}

// kfake returns the cluster's options. TLS is not among them: the region's listener does it.
func (o Options) kfake() []kfake.Opt {
	configs := map[string]string{"offsets.retention.minutes": never}
	for k, v := range o.Configs {
		configs[k] = v
	}
	opts := []kfake.Opt{kfake.ClusterID(o.ClusterID), kfake.Ports(o.Ports...), kfake.BrokerConfigs(configs)}
	for _, u := range o.Users {
		opts = append(opts, kfake.EnableSASL(), kfake.Superuser(u.Mechanism, u.Name, u.Password))
	}
	return append(opts, o.Kfake...)
}
