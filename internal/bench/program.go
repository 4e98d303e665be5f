package bench

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/leftoff/leftoff/internal/rig"
)

// program is the real binary with the configuration of one link.
type program struct {
	r      *Run
	path   string
	config string
	data   string // folder of the index
}

// binaryVar names a leftoff to measure instead of the one that is built here.
const binaryVar = "LEFTOFF_BENCH_BINARY"

// buildProgram makes the binary, and a configuration for it: topics and groups that begin so.
func buildProgram(r *Run, mapping, topics, groups string, primary, secondary *rig.Cluster) *program {
	r.Helper()
	dir := r.TempDir()
	p := &program{r: r, path: filepath.Join(dir, "leftoff"), config: filepath.Join(dir, "link.yml"), data: filepath.Join(dir, "data")}
	if other := os.Getenv(binaryVar); other != "" {
		p.path = other
	} else if out, err := exec.CommandContext(r.Context, "go", "build", "-trimpath", "-o", p.path, "github.com/leftoff/leftoff/cmd/leftoff").CombinedOutput(); err != nil {
		r.Fatalf("go build: %v\n%s", err, out)
	}
	p.configure(mapping, topics, groups, primary, secondary)
	return p
}

func (p *program) configure(mapping, topics, groups string, primary, secondary *rig.Cluster) {
	all := func(prefix string) string { return regexp.QuoteMeta(prefix) + ".*" }
	brokers := func(c *rig.Cluster) string { return "[" + strings.Join(c.Bootstrap(), ", ") + "]" }
	text := fmt.Sprintf(`clusters:
  west: {brokers: %s}
  east: {brokers: %s}
links:
  - {name: west-east, primary: west, secondary: east, mapping: %s, topics: {include: ['%s']}, groups: {include: ['%s']}}
data_dir: %s
http: 127.0.0.1:0
`, brokers(primary), brokers(secondary), mapping, all(topics), all(groups), p.data)
	if err := os.WriteFile(p.config, []byte(text), 0o600); err != nil {
		p.r.Fatal(err)
	}
}

// index is the file of the link.
func (p *program) index() string { return filepath.Join(p.data, "west-east.db") }

// work is the program at work. It is killed at the end of the measure, if it lives so long.
type work struct {
	r     *Run
	cmd   *exec.Cmd
	began time.Time
	out   keptOutput
	ended chan struct{}
	once  sync.Once
}

func (p *program) start(args ...string) *work {
	p.r.Helper()
	w := &work{r: p.r, ended: make(chan struct{})}
	w.cmd = exec.Command(p.path, append([]string{"run", "--pprof", "--log-format", "json", "-c", p.config}, args...)...)
	w.cmd.Stdout, w.cmd.Stderr = &w.out, &w.out
	w.began = time.Now()
	if err := w.cmd.Start(); err != nil {
		p.r.Fatal(err)
	}
	go func() {
		_ = w.cmd.Wait() // a kill is how most of them end
		close(w.ended)
	}()
	p.r.Cleanup(func() { w.end(syscall.SIGKILL) })
	return w
}

// stop asks it to end and waits until it has.
func (w *work) stop() {
	w.r.Helper()
	if err := w.died(); err != nil {
		w.r.Fatal(err)
	}
	w.end(syscall.SIGTERM)
}

func (w *work) end(s os.Signal) {
	w.once.Do(func() { _ = w.cmd.Process.Signal(s) }) // one that ended by itself is no error
	select {
	case <-w.ended:
	case <-time.After(10 * time.Second):
		_ = w.cmd.Process.Kill()
		<-w.ended
	}
}

// died says why it runs no more, nil while it does.
func (w *work) died() error {
	select {
	case <-w.ended:
		return fmt.Errorf("leftoff ended by itself:\n%s", w.out.tail(20))
	default:
		return nil
	}
}

var answering = regexp.MustCompile(`"http":"(http://[^"]+)"`)

// url waits for the address it answers at.
func (w *work) url() string {
	w.r.Helper()
	var m []string
	await(w.r, 20*time.Second, "leftoff answers", func() error {
		if m = answering.FindStringSubmatch(w.out.String()); m == nil {
			return fmt.Errorf("no address:\n%s", w.out.tail(5))
		}
		return w.died()
	})
	return m[1]
}

// ready waits until both offsets topics are read.
func (w *work) ready() {
	w.r.Helper()
	url := w.url() + "/readyz"
	await(w.r, time.Minute, "leftoff is ready", func() error {
		resp, err := http.Get(url)
		if err != nil {
			return err
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("%s", resp.Status)
		}
		return w.died()
	})
}

// await asks until the answer is nil. It ends the measure when the time is up, or somebody interrupts.
func await(r *Run, within time.Duration, what string, ask func() error) {
	r.Helper()
	deadline := time.Now().Add(within)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		err := ask()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			r.Fatalf("%s: not within %v: %v", what, within, err)
		}
		select {
		case <-tick.C:
		case <-r.Context.Done():
			r.Fatalf("%s: %v", what, r.Context.Err())
		}
	}
}

// pause waits for a moment, or for the end of the measure.
func pause(r *Run, d time.Duration) {
	r.Helper()
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-r.Context.Done():
		r.Fatal(r.Context.Err())
	}
}

// keptOutput may be read while it is written. It keeps its beginning, where the address is, and its end.
type keptOutput struct {
	mu    sync.Mutex
	first []byte
	last  []byte
}

const keepOutput = 64 << 10

func (o *keptOutput) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	n := min(len(b), keepOutput-len(o.first))
	o.first = append(o.first, b[:n]...)
	o.last = append(o.last, b[n:]...)
	if len(o.last) > 2*keepOutput {
		o.last = append([]byte(nil), o.last[len(o.last)-keepOutput:]...)
	}
	return len(b), nil
}

func (o *keptOutput) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return string(o.first) + string(o.last)
}

func (o *keptOutput) tail(n int) string {
	lines := bytes.Split([]byte(strings.TrimRight(o.String(), "\n")), []byte("\n"))
	return string(bytes.Join(lines[max(0, len(lines)-n):], []byte("\n")))
}
