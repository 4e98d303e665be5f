package rig

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// MM2 is a MirrorMaker 2 4.3.1 process that copies from primary to secondary.
// The clusters' aliases are "primary" and "secondary".
type MM2 struct {
	in    *installation
	dir   string
	props string
	bench bool // the whole compiler, and the heap at once
	proc  *process
}

// StartMM2 starts MirrorMaker 2 between two clusters, tuned as far as it goes
// (every interval a second, offset.lag.max 0), and waits until its connectors
// run. Between clusters started with Options.Bench it gets the whole compiler, too.
// props are laid over mm2.properties, an empty value removes a key; at the least
// say what to copy:
//
//	rig.StartMM2(t, primary, secondary, map[string]string{
//		"primary->secondary.topics": "orders",
//		"replication.policy.class":  rig.IdentityPolicy,
//	})
func StartMM2(t testing.TB, primary, secondary *Cluster, props map[string]string) *MM2 {
	t.Helper()
	require(t, V43)
	in, err := install(V43)
	if err != nil {
		t.Fatalf("rig: %v", err)
	}
	dir, err := os.MkdirTemp("", "leftoff-rig-mm2-")
	if err != nil {
		t.Fatalf("rig: %v", err)
	}
	m := &MM2{in: in, dir: dir, props: filepath.Join(dir, "mm2.properties"), bench: primary.opts.Bench}
	p := mm2Properties(primary, secondary)
	maps.Copy(p, props)
	if err := writeProperties(m.props, p); err != nil {
		t.Fatalf("rig: %v", err)
	}
	t.Cleanup(func() { m.finish(t) })
	m.Restart(t)
	return m
}

// IdentityPolicy keeps topic names; without it they get the prefix "primary.".
const IdentityPolicy = "org.apache.kafka.connect.mirror.IdentityReplicationPolicy"

func mm2Properties(primary, secondary *Cluster) map[string]string {
	p := map[string]string{
		"clusters":                                   "primary,secondary",
		"primary.bootstrap.servers":                  strings.Join(primary.Bootstrap(), ","),
		"secondary.bootstrap.servers":                strings.Join(secondary.Bootstrap(), ","),
		"primary->secondary.enabled":                 "true",
		"secondary->primary.enabled":                 "false",
		"emit.heartbeats.enabled":                    "false", // or a second herder starts
		"sync.topic.acls.enabled":                    "false",
		"sync.group.offsets.enabled":                 "true",
		"offset.lag.max":                             "0",
		"secondary.plugin.discovery":                 "service_load", // a scan of all jars takes seconds
		"tasks.max":                                  "2",
		"sync.group.offsets.interval.seconds":        "1",
		"emit.checkpoints.interval.seconds":          "1",
		"refresh.groups.interval.seconds":            "1",
		"refresh.topics.interval.seconds":            "1",
		"secondary.offset.flush.interval.ms":         "1000",
		"secondary.scheduled.rebalance.max.delay.ms": "0",
	}
	factor := fmt.Sprint(min(primary.opts.replication(), secondary.opts.replication()))
	for _, k := range []string{"replication.factor", "checkpoints.topic.replication.factor", "offset-syncs.topic.replication.factor",
		"offset.storage.replication.factor", "status.storage.replication.factor", "config.storage.replication.factor"} {
		p[k] = factor
	}
	return p
}

// Restart starts it again after Kill or Stop, and waits until its connectors
// run.
func (m *MM2) Restart(t testing.TB) {
	t.Helper()
	if m.proc != nil && m.proc.alive() {
		t.Fatal("rig: MirrorMaker 2 still runs")
	}
	seen := m.startedTimes()
	flags := []string{"-Xms256m", "-Xmx768m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData"}
	if m.bench {
		flags = []string{"-Xms768m", "-Xmx768m", "-XX:+UseSerialGC", "-XX:-UsePerfData"}
	}
	flags = append(flags, m.in.classData()...)
	argv := m.in.command(flags, "org.apache.kafka.connect.mirror.MirrorMaker", m.props, "--clusters", "secondary")
	proc, err := launch("mm2", m.log(), argv, nil, nil)
	if err != nil {
		t.Fatalf("rig: %v", err)
	}
	m.proc = proc
	Eventually(t, startPatience, "MirrorMaker 2 running", func() error {
		if !proc.alive() {
			return permanent{fmt.Errorf("it ended: %v", proc.err)}
		}
		if m.startedTimes() == seen {
			return fmt.Errorf("no connector has started")
		}
		return nil
	})
}

// startedTimes counts the starts of the source connector in the log. There is
// nothing else to ask: a mirror without topics makes no difference outside.
func (m *MM2) startedTimes() int {
	log, _ := os.ReadFile(m.log())
	return bytes.Count(log, []byte("Started MirrorSourceConnector"))
}

// Kill ends it with SIGKILL.
func (m *MM2) Kill() { m.proc.kill() }

// Stop ends it the clean way.
func (m *MM2) Stop() { m.proc.stop(stopPatience) }

// Pause and Resume stop it from running and let it go on.
func (m *MM2) Pause()  { m.proc.pause() }
func (m *MM2) Resume() { m.proc.resume() }

func (m *MM2) log() string { return filepath.Join(m.dir, "mm2.log") }

func (m *MM2) finish(t testing.TB) {
	if m.proc != nil {
		m.proc.kill()
	}
	if kept := clearAway(m.dir, t.Failed(), []string{m.log()}, func() {}); kept != "" {
		t.Log(kept)
	}
}
