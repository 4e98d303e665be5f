package rig

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// ConnectOptions say which Connect cluster a worker belongs to.
type ConnectOptions struct {
	Group string            // group.id of the workers; their topics are GROUP-configs, GROUP-offsets and GROUP-status
	Props map[string]string // further worker settings
}

// Connect is a Kafka Connect worker, distributed and the only one of its cluster, with the file connectors. It is driven by its REST
// interface, as operators do.
type Connect struct {
	dir, url string
	ports    portSet
	proc     *process
	http     http.Client
}

// StartConnect starts a worker on the cluster's Bootstrap and waits until it takes orders. It ends with the test.
func StartConnect(t testing.TB, c *Cluster, o ConnectOptions) *Connect {
	t.Helper()
	jars, err := c.in.further("connect-lib", "org.apache.kafka:connect-file")
	if err != nil {
		unavailable(t, err)
	}
	w := &Connect{http: http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}}
	if w.dir, err = os.MkdirTemp("", "leftoff-rig-connect-"); err != nil {
		t.Fatalf("rig: %v", err)
	}
	t.Cleanup(func() { w.finish(t) })
	port, err := w.ports.take(1)
	if err != nil {
		t.Fatalf("rig: %v", err)
	}
	w.url = "http://" + loopback(port[0])
	props := filepath.Join(w.dir, "worker.properties")
	if err := writeProperties(props, o.properties(c, w.url)); err != nil {
		t.Fatalf("rig: %v", err)
	}
	argv := c.in.smallCommand("384m", jars, "org.apache.kafka.connect.cli.ConnectDistributed", props)
	if w.proc, err = launch("connect "+o.Group, w.log(), argv, nil, nil); err != nil {
		t.Fatalf("rig: %v", err)
	}
	w.eventually(t, "a worker that takes orders", func() error { return w.do("GET", "/connectors", nil, nil) })
	return w
}

func (o ConnectOptions) properties(c *Cluster, url string) map[string]string {
	const text = "org.apache.kafka.connect.storage.StringConverter"
	factor := fmt.Sprint(c.opts.replication())
	p := map[string]string{
		"bootstrap.servers":                 strings.Join(c.Bootstrap(), ","),
		"group.id":                          o.Group,
		"listeners":                         url,
		"key.converter":                     text,
		"value.converter":                   text,
		"plugin.discovery":                  "service_load", // a scan of all jars takes seconds
		"offset.flush.interval.ms":          "500",
		"scheduled.rebalance.max.delay.ms":  "0",
		"offset.storage.partitions":         "1",
		"status.storage.partitions":         "1",
		"config.storage.topic":              o.Group + "-configs",
		"offset.storage.topic":              o.Group + "-offsets",
		"status.storage.topic":              o.Group + "-status",
		"config.storage.replication.factor": factor,
		"offset.storage.replication.factor": factor,
		"status.storage.replication.factor": factor,
	}
	maps.Copy(p, o.Props)
	return p
}

// FileSink is the configuration of a sink connector that appends the values of a topic to a file, a line each. Its consumer group is
// connect-NAME.
func FileSink(topic, file string, tasks int) map[string]string {
	return map[string]string{
		"connector.class": "org.apache.kafka.connect.file.FileStreamSinkConnector",
		"tasks.max":       fmt.Sprint(tasks),
		"topics":          topic,
		"file":            file,
	}
}

// Create makes a connector. A stopped one runs from Resume on.
func (w *Connect) Create(t testing.TB, name string, config map[string]string, stopped bool) {
	t.Helper()
	state := "RUNNING"
	if stopped {
		state = "STOPPED"
	}
	w.order(t, "POST", "/connectors", map[string]any{"name": name, "config": config, "initial_state": state})
}

// Resume lets a stopped connector run.
func (w *Connect) Resume(t testing.TB, name string) {
	t.Helper()
	w.order(t, "PUT", connector(name)+"/resume", nil)
}

// AlterOffsets sets the offsets of a stopped sink connector.
func (w *Connect) AlterOffsets(t testing.TB, name, topic string, at map[int32]int64) {
	t.Helper()
	var all []any
	for p, o := range at {
		all = append(all, map[string]any{
			"partition": map[string]any{"kafka_topic": topic, "kafka_partition": p},
			"offset":    map[string]any{"kafka_offset": o},
		})
	}
	w.order(t, "PATCH", connector(name)+"/offsets", map[string]any{"offsets": all})
}

// WaitRunning waits until a connector runs with so many tasks. One that has failed fails the test.
func (w *Connect) WaitRunning(t testing.TB, name string, tasks int) {
	t.Helper()
	type state struct{ State, Trace string }
	w.eventually(t, name+" running", func() error {
		var now struct {
			Connector state
			Tasks     []state
		}
		if err := w.do("GET", connector(name)+"/status", nil, &now); err != nil {
			return err
		}
		running := 0
		for _, s := range append(now.Tasks, now.Connector) {
			switch s.State {
			case "FAILED":
				return permanent{fmt.Errorf("%s", lastLines(s.Trace, 20))}
			case "RUNNING":
				running++
			}
		}
		if running != tasks+1 {
			return fmt.Errorf("%+v", now)
		}
		return nil
	})
}

func connector(name string) string { return "/connectors/" + url.PathEscape(name) }

// order asks until the worker, which may be busy with a rebalance, has carried it out.
func (w *Connect) order(t testing.TB, method, path string, body any) {
	t.Helper()
	w.eventually(t, method+" "+path, func() error { return w.do(method, path, body, nil) })
}

func (w *Connect) eventually(t testing.TB, what string, ask func() error) {
	t.Helper()
	Eventually(t, startPatience, "connect: "+what, func() error {
		if !w.proc.alive() {
			return permanent{fmt.Errorf("the worker ended: %v", w.proc.err)}
		}
		return ask()
	})
}

// do asks once. What another try can't mend is permanent.
func (w *Connect) do(method, path string, body, answer any) error {
	var b []byte
	var err error
	if body != nil {
		if b, err = json.Marshal(body); err != nil {
			return permanent{err}
		}
	}
	q, err := http.NewRequest(method, w.url+path, bytes.NewReader(b))
	if err != nil {
		return permanent{err}
	}
	q.Header.Set("Content-Type", "application/json")
	r, err := w.http.Do(q)
	if err != nil {
		return err
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	switch {
	case err != nil:
		return err
	case r.StatusCode/100 != 2:
		return fmt.Errorf("%s: %s", r.Status, text)
	case answer != nil:
		return json.Unmarshal(text, answer)
	}
	return nil
}

// Close ends the worker the clean way: its tasks commit what they have written.
func (w *Connect) Close(t testing.TB) {
	t.Helper()
	if !w.proc.stop(stopPatience) {
		t.Errorf("rig: the Connect worker did not end within %v", stopPatience)
	}
}

func (w *Connect) log() string { return filepath.Join(w.dir, "worker.log") }

func (w *Connect) finish(t testing.TB) {
	if w.proc != nil {
		w.proc.kill()
	}
	w.ports.release()
	if kept := clearAway(w.dir, t.Failed(), []string{w.log()}, func() {}); kept != "" {
		t.Log(kept)
	}
}
