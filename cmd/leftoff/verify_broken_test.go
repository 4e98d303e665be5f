package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leftoff/leftoff/checkpoint"
	"github.com/leftoff/leftoff/configs"
	"github.com/leftoff/leftoff/internal/region"
	"github.com/leftoff/leftoff/translate"
)

// TestVerifyFindsABrokenRun: leftoff copies a topic and keeps a group in step, and verify is content. Then a run of its index is shifted by
// three records, as a bug would, and leftoff, which believes its index, writes a wrong offset. verify does not believe it.
func TestVerifyFindsABrokenRun(t *testing.T) {
	w := newWorld(t)
	w.commit(30)
	stop := w.daemon()
	w.holds(30)
	if status, out := w.verify(); status != 0 || !strings.Contains(out, "1 position: 1 same_record") {
		t.Errorf("exit status %d before anything is broken:\n%s", status, out)
	}
	stop()

	w.breakIndex(translate.Span{From: 20, To: 60}, translate.Run{Primary: 20, Secondary: 23, Length: 37, Closed: true})
	stop = w.daemon()
	w.commit(31)
	w.holds(34)
	stop()
	status, out := w.verify()
	if status != 1 || !strings.Contains(out, "1 position: 1 skips\n") || !strings.Contains(out, "31         34  skips          3  ") {
		t.Errorf("exit status %d:\n%s", status, out)
	}
}

// world is two regions, and the configuration of a link between them.
type world struct {
	t          *testing.T
	west, east *region.Region
	writer     *kgo.Client
	reader     *kadm.Client
	dir        string
}

func newWorld(t *testing.T) *world {
	w := &world{t: t, dir: t.TempDir()}
	var err error
	for name, r := range map[string]**region.Region{"west": &w.west, "east": &w.east} {
		*r, err = region.Start(region.Options{Name: name, OffsetsPartitions: 2})
		w.must(err)
		t.Cleanup((*r).Close)
	}
	w.writer, err = kgo.NewClient(w.west.KgoOpts()...)
	w.must(err)
	t.Cleanup(w.writer.Close)
	east, err := kgo.NewClient(w.east.KgoOpts()...)
	w.must(err)
	t.Cleanup(east.Close)
	w.reader = kadm.NewClient(east)
	w.must(w.west.Cluster().CreateTopic("orders", 1, nil))
	for i := range 100 {
		w.must(w.writer.ProduceSync(t.Context(), &kgo.Record{Topic: "orders", Value: fmt.Append(nil, "v", i), Timestamp: time.UnixMilli(1_700_000_000_000 + int64(i))}).FirstErr())
	}
	w.must(os.WriteFile(w.config(), fmt.Appendf(nil, `clusters:
  west: {brokers: [%q]}
  east: {brokers: [%q]}
links:
  - {name: west-east, primary: west, secondary: east, mapping: mirror}
data_dir: %q
http: 127.0.0.1:0
`, w.west.Bootstrap()[0], w.east.Bootstrap()[0], w.dir), 0o644))
	return w
}

func (w *world) config() string { return filepath.Join(w.dir, "link.yml") }

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// run is one command. What it says on stderr is in what it prints.
func (w *world) run(ctx context.Context, args ...string) (status int, out string) {
	var b bytes.Buffer
	a := &app{in: strings.NewReader(""), out: &b, err: &b, outside: configs.System()}
	return a.execute(ctx, append(args, "-c", w.config())), b.String()
}

func (w *world) verify() (status int, out string) { return w.run(w.t.Context(), "verify") }

// daemon is `leftoff run` until it is stopped.
func (w *world) daemon() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	type end struct {
		status int
		out    string
	}
	ended := make(chan end, 1)
	go func() {
		status, out := w.run(ctx, "run")
		ended <- end{status, out}
	}()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if e := <-ended; e.status != 0 && w.t.Failed() {
			w.t.Logf("leftoff run: %d\n%s", e.status, e.out)
		}
	}
	w.t.Cleanup(stop)
	return stop
}

func (w *world) commit(at int64) {
	w.t.Helper()
	o := kadm.Offsets{}
	o.Add(kadm.Offset{Topic: "orders", At: at, LeaderEpoch: -1})
	w.must(kadm.NewClient(w.writer).CommitAllOffsets(w.t.Context(), "billing", o))
}

// holds waits until the secondary holds an offset of the group.
func (w *world) holds(want int64) {
	w.t.Helper()
	deadline, tick, got := time.Now().Add(30*time.Second), time.NewTicker(10*time.Millisecond), int64(-1)
	defer tick.Stop()
	for time.Now().Before(deadline) {
		all, err := w.reader.FetchOffsets(w.t.Context(), "billing")
		if o, ok := all.Lookup("orders", 0); err == nil && ok {
			if got = o.At; got == want {
				return
			}
		}
		<-tick.C
	}
	w.t.Fatalf("the secondary holds %d, not %d", got, want)
}

// breakIndex replaces what the index says of a stretch by something that is not so.
func (w *world) breakIndex(of translate.Span, by translate.Run) {
	w.t.Helper()
	x, err := checkpoint.Open(filepath.Join(w.dir, "west-east.db"), checkpoint.Options{})
	w.must(err)
	defer func() { w.must(x.Close()) }()
	pairs := x.Pairs()
	if len(pairs) != 1 {
		w.t.Fatalf("%+v", pairs)
	}
	pair, created, err := x.Pair(pairs[0].Topics)
	if err != nil || created {
		w.t.Fatalf("created %v, %v", created, err)
	}
	w.must(pair.Partition(0).Graft(of, []translate.Run{by}))
	w.must(x.Check())
}
