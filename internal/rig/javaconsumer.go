package rig

import (
	"bufio"
	_ "embed"
	"fmt"
	"hash/crc32"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

//go:embed java/Consumer.java
var consumerSource string

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

// JavaConsumer is Kafka's own consumer, in a process of its own.
type JavaConsumer struct {
	proc  *process
	log   string
	stdin io.WriteCloser
	read  chan struct{} // closed when its output has ended

	mu        sync.Mutex
	changed   chan struct{} // closed and replaced at each line
	records   []Consumed
	positions map[string]int64 // by topic/partition, at assignment
	committed map[string]int64
	assigned  map[string]bool
	done      map[string]int // commands carried out
	failure   string
}

// StartJavaConsumer starts a consumer against the cluster's Bootstrap and
// returns at once: WaitAssigned waits for its place in the group. It is killed,
// without leaving the group, at the end of the test.
func StartJavaConsumer(t testing.TB, c *Cluster, o ConsumerOptions) *JavaConsumer {
	t.Helper()
	classes, err := c.in.consumerClasses()
	if err != nil {
		unavailable(t, err)
	}
	dir, err := os.MkdirTemp("", "leftoff-rig-consumer-")
	if err != nil {
		t.Fatalf("rig: %v", err)
	}
	flags := append([]string{"-Xmx192m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData"}, c.in.classData()...)
	argv := c.in.command(flags, "Consumer", o.arguments(c)...)
	for i, a := range argv {
		if a == "-cp" { // behind the jars: class data wants the class path it knows first
			argv[i+1] += string(os.PathListSeparator) + classes
		}
	}
	j := &JavaConsumer{
		log: filepath.Join(dir, "consumer.log"), read: make(chan struct{}), changed: make(chan struct{}),
		positions: map[string]int64{}, committed: map[string]int64{}, assigned: map[string]bool{}, done: map[string]int{},
	}
	in, stdin, err := os.Pipe()
	if err != nil {
		t.Fatalf("rig: %v", err)
	}
	stdout, out := io.Pipe()
	j.stdin = stdin
	j.proc, err = launch("consumer "+o.Group, j.log, argv, in, out)
	in.Close()
	if err != nil {
		t.Fatalf("rig: %v", err)
	}
	go j.listen(stdout)
	go func() { <-j.proc.done; out.Close() }()
	t.Cleanup(func() { j.finish(t, dir) })
	return j
}

// arguments are the settings as key=value.
func (o ConsumerOptions) arguments(c *Cluster) []string {
	p := map[string]string{
		"bootstrap.servers":   strings.Join(c.Bootstrap(), ","),
		"group.id":            o.Group,
		"auto.offset.reset":   "none",
		"rig.topics":          strings.Join(o.Topics, ","),
		"rig.limit":           "-1",
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
	var args []string
	for _, k := range slices.Sorted(maps.Keys(p)) {
		args = append(args, k+"="+p[k])
	}
	return args
}

// consumerClasses compiles the consumer, once a version of its source.
func (in *installation) consumerClasses() (string, error) {
	dir := filepath.Join(in.dir, "classes-"+shortHash(consumerSource))
	return dir, once(dir, func() error {
		javac, err := findTool("javac", "apt-get install openjdk-17-jdk-headless")
		if err != nil {
			return err
		}
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
		source := filepath.Join(dir, "Consumer.java")
		if err := os.WriteFile(source, []byte(consumerSource), 0o644); err != nil {
			return err
		}
		if out, err := exec.Command(javac, "--release", "17", "-cp", in.classPath, "-d", dir, source).CombinedOutput(); err != nil {
			return fmt.Errorf("javac: %w: %s", err, lastLines(string(out), 10))
		}
		return nil
	})
}

// listen takes in what the consumer prints, until it ends.
func (j *JavaConsumer) listen(stdout io.Reader) {
	defer close(j.read)
	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		j.take(strings.Split(lines.Text(), "\t"))
	}
}

func (j *JavaConsumer) take(f []string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	switch {
	case f[0] == "record" && len(f) == 6:
		p, _ := strconv.ParseInt(f[2], 10, 32)
		o, _ := strconv.ParseInt(f[3], 10, 64)
		j.records = append(j.records, Consumed{f[1], int32(p), o, f[4], f[5]})
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
	default: // the JVM has something to say
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
				t.Fatalf("java consumer ended before %s: %v %s", what, j.proc.err, failure)
			}
			return
		case <-deadline.C:
			t.Fatalf("java consumer: no %s within %v", what, startPatience)
		}
	}
}
