package rig

import (
	"bufio"
	_ "embed"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

//go:embed java/Consumer.java
var consumerSource string

// javaHost is a process and the consumers in it.
type javaHost struct {
	proc  *process
	dir   string
	stdin *os.File
	all   []*JavaConsumer
}

// StartJavaConsumers is StartJavaConsumer for many of them in one process: each
// is a consumer of its own, but Kill ends all of them.
func StartJavaConsumers(t testing.TB, c *Cluster, all ...ConsumerOptions) []*JavaConsumer {
	t.Helper()
	classes, err := c.in.consumerClasses()
	if err != nil {
		unavailable(t, err)
	}
	var arguments []string
	for _, o := range all {
		arguments = append(arguments, o.argument(c))
	}
	return startJavaHost(t, "consumer "+all[0].Group, len(all), c.in.consumerCommand(classes, arguments))
}

// startJavaHost starts a process of n consumers.
func startJavaHost(t testing.TB, name string, n int, argv []string) []*JavaConsumer {
	t.Helper()
	dir, err := os.MkdirTemp("", "leftoff-rig-consumer-")
	if err != nil {
		t.Fatalf("rig: %v", err)
	}
	h := &javaHost{dir: dir}
	for i := range n {
		h.all = append(h.all, newJavaConsumer(h, i))
	}
	in, stdin, err := os.Pipe()
	if err != nil {
		t.Fatalf("rig: %v", err)
	}
	stdout, out := io.Pipe()
	h.stdin = stdin
	h.proc, err = launch(name, h.log(), argv, in, out)
	in.Close()
	if err != nil {
		t.Fatalf("rig: %v", err)
	}
	go h.listen(stdout)
	go func() { <-h.proc.done; out.Close() }()
	t.Cleanup(func() { h.finish(t) })
	return h.all
}

func newJavaConsumer(h *javaHost, number int) *JavaConsumer {
	return &JavaConsumer{
		host: h, number: number, read: make(chan struct{}), changed: make(chan struct{}), delivered: map[string]int64{},
		positions: map[string]int64{}, committed: map[string]int64{}, assigned: map[string]bool{}, done: map[string]int{},
	}
}

func (in *installation) consumerCommand(classes string, arguments []string) []string {
	heap := fmt.Sprintf("-Xmx%dm", 160+32*len(arguments))
	flags := append([]string{heap, "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData"}, in.classData()...)
	argv := in.command(flags, "Consumer", arguments...)
	for i, a := range argv {
		if a == "-cp" { // behind the jars: class data wants the class path it knows first
			argv[i+1] += string(os.PathListSeparator) + classes
		}
	}
	return argv
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

func (h *javaHost) log() string { return filepath.Join(h.dir, "consumer.log") }

// listen takes in what the consumers print, until the process ends.
func (h *javaHost) listen(stdout io.Reader) {
	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		number, line, _ := strings.Cut(lines.Text(), "\t")
		i, err := strconv.Atoi(number)
		switch {
		case err != nil || i < 0 || i >= len(h.all): // the JVM has something to say
		case line == "ended":
			h.all[i].over()
		default:
			h.all[i].take(strings.Split(line, "\t"))
		}
	}
	for _, j := range h.all {
		j.over()
	}
}

// over notes that nothing more comes of it. Only listen calls it.
func (j *JavaConsumer) over() {
	select {
	case <-j.read:
	default:
		close(j.read)
	}
}

// ending says how the process ended, where it has.
func (h *javaHost) ending() string {
	if h.proc.alive() || h.proc.err == nil {
		return ""
	}
	return h.proc.err.Error()
}

func (h *javaHost) kill() {
	h.proc.kill()
	for _, j := range h.all {
		<-j.read
	}
}

func (h *javaHost) finish(t testing.TB) {
	h.kill()
	h.stdin.Close()
	if kept := clearAway(h.dir, t.Failed(), []string{h.log()}, func() {}); kept != "" {
		t.Log(kept)
	}
}
