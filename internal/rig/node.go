package rig

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// node is one combined broker and controller.
type node struct {
	id    int
	dir   string // properties, log and data
	ports map[Listener]int
	proxy *Proxy // before the Plain listener, or nil

	mu   sync.Mutex
	proc *process
	down bool // ended on purpose
}

func (n *node) log() string   { return filepath.Join(n.dir, "server.log") }
func (n *node) data() string  { return filepath.Join(n.dir, "data") }
func (n *node) props() string { return filepath.Join(n.dir, "server.properties") }

func (n *node) process() *process {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.proc
}

func (n *node) alive() bool {
	p := n.process()
	return p != nil && p.alive()
}

// died reports an end that nobody asked for.
func (n *node) died() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.proc == nil || n.down || n.proc.alive() {
		return nil
	}
	return permanent{fmt.Errorf("broker %d ended by itself: %v", n.id, n.proc.err)}
}

// end marks the broker as down on purpose and returns its process.
func (n *node) end() *process {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.down = true
	return n.proc
}

// configure writes server.properties.
func (n *node) configure(o Options, voters string, extra map[string]string) error {
	p := o.properties()
	for _, more := range []map[string]string{n.listenerProperties(o), extra, o.Props} {
		for k, v := range more {
			p[k] = v
		}
	}
	p["node.id"] = fmt.Sprint(n.id)
	p["log.dirs"] = n.data()
	p["controller.quorum.voters"] = voters
	return writeProperties(n.props(), p)
}

// launch starts the broker; it says nothing about it being usable.
func (n *node) launch(in *installation, o Options, flags []string) error {
	argv := in.command(flags, "kafka.Kafka", n.props())
	proc, err := launch(fmt.Sprintf("%s/%d", o.Name, n.id), n.log(), argv, nil, nil)
	if err != nil {
		return err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.proc, n.down = proc, false
	return nil
}

// lostPort reports whether the broker died because somebody took its port.
func (n *node) lostPort() bool {
	out, _ := os.ReadFile(n.log())
	return bytes.Contains(out, []byte("Address already in use"))
}

// stopPatience is long for a broker, and short against a hang: a clean stop
// waits for the controller to move the leaders.
const stopPatience = 40 * time.Second

// command is the java command line of a main class with its arguments.
func (in *installation) command(flags []string, main string, args ...string) []string {
	argv := []string{in.java.path}
	argv = append(argv, flags...)
	argv = append(argv, in.logFlag+in.logPath(), "-cp", in.classPath, main)
	return append(argv, args...)
}

// brokerFlags are for the options' sake: small and quick to start, or fast.
func (in *installation) brokerFlags(o Options) []string {
	flags := []string{"-Xms256m", "-Xmx512m", "-Djava.awt.headless=true", "-XX:-UsePerfData"}
	if o.Bench {
		flags = append(flags, "-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20")
	} else {
		flags = append(flags, "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
	}
	return append(flags, o.JVM...)
}
