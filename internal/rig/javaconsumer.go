package rig

import (
	"hash/crc32"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// Protocols of a consumer group.
const (
	Classic = "classic"
	KIP848  = "consumer"
)

// ConsumerOptions say who consumes what.
type ConsumerOptions struct {
	Group       string
	Topics      []string
	Protocol    string            // Classic if empty
	Committed   bool              // read committed records only
	Reset       string            // auto.offset.reset; "none" if empty, so that a missing offset is an error
	InstanceID  string            // makes it a static member
	Limit       int               // pause after this many records; 0 is no limit
	Pause       time.Duration     // between two polls, in whole milliseconds: how slow it is
	CommitEvery int               // commit after each so many records; 0 is on Commit only
	Metadata    string            // stored with every commit
	Props       map[string]string // further consumer settings
}

// Consumed is a record as the consumer saw it. Key and Value are checksums, see
// Sum.
type Consumed struct {
	Topic     string
	Partition int32
	Offset    int64
	Key       string
	Value     string
}

// Sum is how a key or a value shows in Consumed: CRC-32 in hex, "-" for nil.
func Sum(b []byte) string {
	if b == nil {
		return "-"
	}
	return strconv.FormatUint(uint64(crc32.ChecksumIEEE(b)), 16)
}

// JavaConsumer is Kafka's own consumer.
type JavaConsumer struct {
	host   *javaHost
	number int           // in its process
	read   chan struct{} // closed when its output has ended

	mu        sync.Mutex
	changed   chan struct{} // closed and replaced at each line
	records   []Consumed
	delivered map[string]int64 // by topic/partition, the last of records
	positions map[string]int64 // by topic/partition, at assignment
	committed map[string]int64
	assigned  map[string]bool
	done      map[string]int // commands carried out
	failure   string
}

// StartJavaConsumer starts a consumer against the cluster's Bootstrap, in a
// process of its own, and returns at once: WaitAssigned waits for its place in
// the group. It is killed, without leaving the group, at the end of the test.
func StartJavaConsumer(t testing.TB, c *Cluster, o ConsumerOptions) *JavaConsumer {
	t.Helper()
	return StartJavaConsumers(t, c, o)[0]
}

// argument is the settings as key=value, in one.
func (o ConsumerOptions) argument(c *Cluster) string {
	p := map[string]string{
		"bootstrap.servers":   strings.Join(c.Bootstrap(), ","),
		"group.id":            o.Group,
		"auto.offset.reset":   "none",
		"rig.topics":          strings.Join(o.Topics, ","),
		"rig.limit":           "-1",
		"rig.pause":           strconv.FormatInt(o.Pause.Milliseconds(), 10),
		"rig.commit.every":    strconv.Itoa(o.CommitEvery),
		"rig.metadata":        o.Metadata,
		"group.protocol":      Classic,
		"retry.backoff.ms":    "50",
		"fetch.max.wait.ms":   "100",
		"metadata.max.age.ms": "2000",
	}
	set := func(key, value string) {
		if value != "" {
			p[key] = value
		}
	}
	set("auto.offset.reset", o.Reset)
	set("group.protocol", o.Protocol)
	set("group.instance.id", o.InstanceID)
	if o.Committed {
		p["isolation.level"] = "read_committed"
	}
	if o.Limit > 0 {
		p["rig.limit"] = strconv.Itoa(o.Limit)
	}
	maps.Copy(p, o.Props)
	var settings []string
	for _, k := range slices.Sorted(maps.Keys(p)) {
		settings = append(settings, k+"="+p[k])
	}
	return strings.Join(settings, "\t")
}

func (j *JavaConsumer) take(f []string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	switch {
	case f[0] == "record" && len(f) == 6:
		p, _ := strconv.ParseInt(f[2], 10, 32)
		o, _ := strconv.ParseInt(f[3], 10, 64)
		j.records = append(j.records, Consumed{f[1], int32(p), o, f[4], f[5]})
		j.delivered[f[1]+"/"+f[2]] = o
	case f[0] == "assigned" && len(f) == 3:
		j.assigned[f[1]+"/"+f[2]] = true
	case f[0] == "revoked" && len(f) == 3:
		delete(j.assigned, f[1]+"/"+f[2])
	case f[0] == "position" && len(f) == 4:
		j.positions[f[1]+"/"+f[2]], _ = strconv.ParseInt(f[3], 10, 64)
	case f[0] == "committed" && len(f) == 4:
		j.committed[f[1]+"/"+f[2]], _ = strconv.ParseInt(f[3], 10, 64)
	case f[0] == "done" && len(f) == 2:
		j.done[f[1]]++
	case f[0] == "error":
		j.failure = strings.Join(f[1:], " ")
	default: // the JVM says something, and begins with a number
		return
	}
	close(j.changed)
	j.changed = make(chan struct{})
}

// wait blocks until the condition, asked under the lock, holds.
func (j *JavaConsumer) wait(t testing.TB, what string, holds func() bool) {
	t.Helper()
	deadline := time.NewTimer(startPatience)
	defer deadline.Stop()
	for {
		j.mu.Lock()
		ok, failure, changed := holds(), j.failure, j.changed
		j.mu.Unlock()
		switch {
		case ok:
			return
		case failure != "":
			t.Fatalf("java consumer: waiting for %s: %s", what, failure)
		}
		select {
		case <-changed:
		case <-j.read:
			j.mu.Lock()
			ok, failure := holds(), j.failure
			j.mu.Unlock()
			if !ok {
				t.Fatalf("java consumer ended before %s: %s %s", what, j.host.ending(), failure)
			}
			return
		case <-deadline.C:
			t.Fatalf("java consumer: no %s within %v", what, startPatience)
		}
	}
}
