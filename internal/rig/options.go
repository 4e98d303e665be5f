package rig

import "fmt"

// Options say what cluster to start. The zero value is one 4.3.1 broker.
type Options struct {
	Name    string            // in messages and log folders; "kafka" if empty
	Version string            // V43 if empty
	Brokers int               // 1 if zero. All are controllers, too
	Props   map[string]string // server.properties on top of the rig's own; an empty value removes a key
	// Security adds listeners with TLS and SASL; nil is plaintext only.
	Security *Security
	// Proxied puts a Proxy before every broker's client listener: Bootstrap and
	// the brokers' own answers name the proxies. Direct goes round them, and so
	// do brokers among themselves and the clients made by Client and Admin.
	Proxied bool
	// Bench uses the whole compiler and G1: slower to start, faster once warm.
	Bench bool
	// JVM is added to the flags of every broker.
	JVM []string
}

func (o Options) withDefaults() Options {
	if o.Name == "" {
		o.Name = "kafka"
	}
	if o.Version == "" {
		o.Version = V43
	}
	if o.Brokers == 0 {
		o.Brokers = 1
	}
	return o
}

// replication is the factor a cluster of this size can hold.
func (o Options) replication() int { return min(3, o.Brokers) }

// properties returns what every broker of the cluster has in common.
func (o Options) properties() map[string]string {
	replication, isr := fmt.Sprint(o.replication()), fmt.Sprint(max(1, o.replication()-1))
	p := map[string]string{
		"process.roles":                            "broker,controller",
		"controller.listener.names":                "CONTROLLER",
		"inter.broker.listener.name":               string(internal),
		"default.replication.factor":               replication,
		"offsets.topic.replication.factor":         replication,
		"offsets.topic.num.partitions":             fmt.Sprint(offsetsPartitions),
		"transaction.state.log.replication.factor": replication,
		"transaction.state.log.min.isr":            isr,
		"transaction.state.log.num.partitions":     "4",
		"group.initial.rebalance.delay.ms":         "0",
		"auto.create.topics.enable":                "false",
		"log.retention.ms":                         "-1", // records of tests may be of any time
		// The defaults are for machines, not for six brokers on two cores.
		"log.cleaner.dedupe.buffer.size": "16777216",
		"num.network.threads":            "2",
		"num.io.threads":                 "4",
		"background.threads":             "2",
		// Notice a killed broker within seconds, but not a slow one at once.
		"broker.heartbeat.interval.ms": "1000",
		"broker.session.timeout.ms":    "6000",
	}
	if o.Brokers == 1 {
		// A killed broker may not register again before its session is over.
		p["broker.heartbeat.interval.ms"], p["broker.session.timeout.ms"] = "500", "3000"
	} else {
		p["min.insync.replicas"] = isr
	}
	if distributions[o.Version].before40() {
		p["group.coordinator.rebalance.protocols"] = "classic,consumer"
	} else {
		p["share.coordinator.state.topic.replication.factor"] = replication
		p["share.coordinator.state.topic.min.isr"] = isr
	}
	return p
}

// offsetsPartitions is the size of __consumer_offsets, unless Props change it.
const offsetsPartitions = 8
