package acceptance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/leftoff/leftoff/checkpoint"
	"github.com/leftoff/leftoff/internal/rig"
	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/replicator/daemon"
	"github.com/leftoff/leftoff/replicator/kafka"
	"github.com/leftoff/leftoff/translate"
)

const childVar = "LEFTOFF_ACCEPTANCE_DAEMON"

func TestMain(m *testing.M) {
	if spec := os.Getenv(childVar); spec != "" {
		os.Exit(child(spec))
	}
	rig.Main(m)
}

// spec is a daemon of one link, in a form that also reaches a child process, which can be killed.
type spec struct {
	Primary, Secondary []string
	Mapping            string
	Topics             string // regular expression
	Prefix             string // of the topics' names on the secondary
	Groups             string
	Index              string
	NoStamp            bool
	RefreshAfter       time.Duration
	SecondPrimary      string // with Opposite: name of the second link
	Opposite           bool   // a second link, the other way, over Topics2
	Topics2            string
	Index2             string
}

func newSpec(t testing.TB, primary, secondary []string, mapping, prefix string) spec {
	return spec{
		Primary: primary, Secondary: secondary, Mapping: mapping, Topics: regexp.QuoteMeta(prefix) + ".*", Groups: regexp.QuoteMeta(prefix) + ".*",
		Index: filepath.Join(t.TempDir(), "link.db"),
	}
}

func (s spec) links() []daemon.Link {
	links := []daemon.Link{s.link("link", s.Primary, s.Secondary, s.Topics, s.Index)}
	if s.Opposite {
		links = append(links, s.link("opposite", s.Secondary, s.Primary, s.Topics2, s.Index2))
	}
	return links
}

func (s spec) link(name string, from, to []string, topics, index string) daemon.Link {
	selects, groups := regexp.MustCompile("^(?:"+topics+")$"), regexp.MustCompile("^(?:"+s.Groups+")$")
	return daemon.Link{
		Name: name, Primary: kafka.Config{Name: "primary", Brokers: from}, Secondary: kafka.Config{Name: "secondary", Brokers: to},
		Mapping: s.Mapping, IndexPath: index, Policy: replicator.DefaultPolicy(), NoStamp: s.NoStamp, RefreshAfter: s.RefreshAfter,
		Rename:      func(topic string) (string, bool) { return s.Prefix + topic, selects.MatchString(topic) },
		Invert:      func(topic string) (string, bool) { return strings.CutPrefix(topic, s.Prefix) },
		SelectGroup: groups.MatchString,
	}
}

// child is the body of a killable daemon.
func child(encoded string) int {
	var s spec
	if err := json.Unmarshal([]byte(encoded), &s); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	go func() { // the test is gone when its end of the pipe is
		io.Copy(io.Discard, os.Stdin)
		os.Exit(3)
	}()
	log, _ := zap.NewDevelopment()
	if err := daemon.New(daemon.Options{Links: s.links(), Logger: log}).Run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	return 0
}

// startChild runs the daemon in a process of its own. Its log goes to a file that a failed test prints.
func startChild(t testing.TB, s spec) *exec.Cmd {
	t.Helper()
	encoded, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	log, err := os.CreateTemp(t.TempDir(), "daemon-*.log")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childVar+"="+string(encoded))
	cmd.Stdout, cmd.Stderr = log, log
	if _, err := cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		if t.Failed() {
			text, _ := os.ReadFile(log.Name())
			t.Logf("killed daemon's log:\n%s", lastLines(string(text), 60))
		}
		log.Close()
	})
	return cmd
}

func lastLines(s string, n int) string {
	lines := strings.Split(s, "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

// running is a daemon in this process.
type running struct {
	t    testing.TB
	d    *daemon.Daemon
	spec spec
	stop func() error
}

func start(t testing.TB, s spec) *running {
	t.Helper()
	logs := &logKeeper{}
	d := daemon.New(daemon.Options{Links: s.links(), Logger: logs.logger()})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx) }()
	r := &running{t: t, d: d, spec: s}
	var once sync.Once
	r.stop = func() (err error) {
		once.Do(func() {
			cancel()
			err = <-ended
			r.checkIndex()
		})
		return err
	}
	t.Cleanup(func() {
		if err := r.stop(); err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("daemon: %v", err)
		}
		if t.Failed() {
			t.Logf("daemon's log:\n%s", logs.tail(80))
		}
	})
	return r
}

// checkIndex runs the index's own consistency check on what the daemon left behind.
func (r *running) checkIndex() {
	for _, path := range []string{r.spec.Index, r.spec.Index2} {
		if path == "" {
			continue
		}
		x, err := checkpoint.Open(path, checkpoint.Options{ReadOnly: true})
		if err != nil {
			r.t.Errorf("open the index: %v", err)
			continue
		}
		if err := x.Check(); err != nil {
			r.t.Errorf("index check: %v", err)
		}
		x.Close()
	}
}

func (r *running) snapshot() replicator.Snapshot {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	all, err := r.d.Snapshots(ctx, true)
	if err != nil {
		r.t.Fatalf("snapshot: %v", err)
	}
	return all[0]
}

func (r *running) group(name string) (replicator.GroupSnapshot, bool) {
	r.t.Helper()
	for _, g := range r.snapshot().Groups {
		if g.Group == name {
			return g, true
		}
	}
	return replicator.GroupSnapshot{}, false
}

// waitSettled waits until every named group has all its commits of the primary written, exact, and nothing under way.
func (r *running) waitSettled(within time.Duration, groups ...string) {
	r.t.Helper()
	last := ""
	if !eventually(within, func() bool { last = r.unsettled(groups); return last == "" }) {
		r.t.Fatalf("not settled within %v: %s", within, last)
	}
}

// unsettled names the first thing that is not as it should be, or nothing.
func (r *running) unsettled(groups []string) string {
	s := r.snapshot()
	if !s.Writable {
		return fmt.Sprintf("still catching up: %+v", s.Sides)
	}
	seen := map[string]replicator.GroupSnapshot{}
	for _, g := range s.Groups {
		seen[g.Group] = g
	}
	for _, name := range groups {
		g, ok := seen[name]
		if !ok {
			return fmt.Sprintf("group %s is not known", name)
		}
		for _, e := range g.Entries {
			if e.Reason != replicator.NoReason || e.Position.Confidence != translate.Exact || !e.HasWritten || e.Written != e.Position.Offset {
				return fmt.Sprintf("%s: %+v (%s, %s)", name, e, e.Position.Confidence, e.Reason)
			}
		}
	}
	return ""
}

// eventually asks until it hears yes, or the time is over.
func eventually(within time.Duration, yes func() bool) bool {
	deadline := time.Now().Add(within)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !yes() {
		if time.Now().After(deadline) {
			return false
		}
		<-tick.C
	}
	return true
}

// logKeeper keeps a daemon's log in memory for a failed test to print.
type logKeeper struct {
	mu    sync.Mutex
	lines []string
}

func (k *logKeeper) Write(p []byte) (int, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.lines = append(k.lines, strings.TrimRight(string(p), "\n"))
	if len(k.lines) > 2000 {
		k.lines = k.lines[1000:]
	}
	return len(p), nil
}

func (k *logKeeper) tail(n int) string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return strings.Join(k.lines[max(0, len(k.lines)-n):], "\n")
}

func (k *logKeeper) logger() *zap.Logger {
	return zap.New(zapcore.NewCore(zapcore.NewConsoleEncoder(zap.NewDevelopmentEncoderConfig()), zapcore.AddSync(k), zap.DebugLevel))
}
