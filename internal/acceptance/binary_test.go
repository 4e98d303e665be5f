package acceptance

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/leftoff/leftoff/internal/rig"
)

// program is the real binary.
type program struct{ path string }

// build makes it, for one test and what it contains.
func build(t *testing.T) program {
	t.Helper()
	p := program{filepath.Join(t.TempDir(), "leftoff")}
	if out, err := exec.Command("go", "build", "-o", p.path, "github.com/leftoff/leftoff/cmd/leftoff").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return p
}

// config is a file of one link.
type config struct {
	primary, secondary []string
	password           string // of user leftoff on the secondary; empty: no login
	mapping            string // mirror if empty
	link               string // west-east if empty
	prefix             string // of topics and groups
	dataDir            string // a new one if empty
}

// write writes the file and returns its path.
func (c config) write(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	list := func(addrs []string) string { return "[" + strings.Join(addrs, ", ") + "]" }
	fmt.Fprintf(&b, "clusters:\n  west:\n    brokers: %s\n  east:\n    brokers: %s\n", list(c.primary), list(c.secondary))
	if c.password != "" {
		fmt.Fprintf(&b, "    sasl: {mechanism: PLAIN, username: leftoff, password: %s}\n", c.password)
	}
	or := func(s, otherwise string) string {
		if s == "" {
			return otherwise
		}
		return s
	}
	all := regexp.QuoteMeta(c.prefix) + ".*"
	fmt.Fprintf(&b, "links:\n  - name: %s\n    primary: west\n    secondary: east\n    mapping: %s\n", or(c.link, "west-east"), or(c.mapping, "mirror"))
	fmt.Fprintf(&b, "    topics: {include: ['%s']}\n    groups: {include: ['%s']}\n", all, all)
	fmt.Fprintf(&b, "data_dir: %s\nhttp: 127.0.0.1:0\n", or(c.dataDir, t.TempDir()))
	path := filepath.Join(t.TempDir(), "link.yml")
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// process is the program at work.
type process struct {
	t     *testing.T
	cmd   *exec.Cmd
	out   output // both streams
	began time.Time
	ended chan struct{}
}

func (p program) start(t *testing.T, args ...string) *process {
	t.Helper()
	x := &process{t: t, cmd: exec.Command(p.path, args...), began: time.Now(), ended: make(chan struct{})}
	x.cmd.Stdout, x.cmd.Stderr = &x.out, &x.out
	if err := x.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		x.cmd.Wait()
		close(x.ended)
	}()
	t.Cleanup(func() {
		x.cmd.Process.Kill()
		<-x.ended
		if t.Failed() {
			t.Logf("%s:\n%s", strings.Join(args, " "), lastLines(x.out.String(), 40))
		}
	})
	return x
}

// status waits for the end.
func (x *process) status(within time.Duration) int {
	x.t.Helper()
	select {
	case <-x.ended:
		return x.cmd.ProcessState.ExitCode()
	case <-time.After(within):
		x.t.Fatalf("still running after %v", within)
		return -1
	}
}

// ends asserts the exit status and that all phrases were said.
func (x *process) ends(within time.Duration, status int, phrases ...string) {
	x.t.Helper()
	if got := x.status(within); got != status {
		x.t.Errorf("exit status %d, want %d", got, status)
	}
	said := x.message()
	x.t.Log(said)
	for _, phrase := range phrases {
		if !strings.Contains(said, phrase) {
			x.t.Errorf("does not say %q", phrase)
		}
	}
}

// message is what was printed, without the log.
func (x *process) message() string {
	var lines []string
	for _, line := range strings.Split(x.out.String(), "\n") {
		if !strings.HasPrefix(line, "{") {
			lines = append(lines, line)
		}
	}
	return strings.TrimSpace(strings.Join(lines, "\n"))
}

var answering = regexp.MustCompile(`"http":"(http://[^"]+)"`)

// http waits for the daemon's address.
func (x *process) http() string {
	x.t.Helper()
	var m []string
	there := func() bool { m = answering.FindStringSubmatch(x.out.String()); return m != nil }
	if !eventually(10*time.Second, there) {
		x.t.Fatal("no http")
	}
	return m[1]
}

// asks runs a command against the daemon and returns what it printed.
func (p program) asks(t *testing.T, d *process, args ...string) string {
	t.Helper()
	out, err := exec.Command(p.path, append(args, "--http", strings.TrimPrefix(d.http(), "http://"))...).CombinedOutput()
	if _, bad := err.(*exec.ExitError); err != nil && !bad {
		t.Fatal(err)
	}
	return string(out)
}

// says waits until a command against the daemon prints all phrases.
func (p program) says(t *testing.T, d *process, within time.Duration, command string, phrases ...string) {
	t.Helper()
	last := ""
	all := func() bool {
		last = p.asks(t, d, command)
		for _, phrase := range phrases {
			if !strings.Contains(last, phrase) {
				return false
			}
		}
		return true
	}
	if !eventually(within, all) {
		t.Fatalf("%s does not say %q:\n%s", command, phrases, last)
	}
	t.Logf("leftoff %s\n%s", command, last)
}

func get(t *testing.T, url string) int {
	t.Helper()
	resp, err := (&http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}).Get(url)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode
}

// output may be read while it is written.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// contents are the ends of all partitions of a cluster, Kafka's own topics included.
func contents(t *testing.T, c *rig.Cluster) string {
	t.Helper()
	listed, err := c.Admin().ListEndOffsets(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	ends, err := json.Marshal(listed.Offsets())
	if err != nil {
		t.Fatal(err)
	}
	return string(ends)
}
