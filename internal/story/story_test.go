package story

import (
	"bytes"
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// small is a story that has everything in it and takes half the time.
var small = Size{History: 4_000, Archive: 1_500, West: 2_000, East: 600, Rate: 2_000}

// play runs a story in a temporary folder of its own and checks that nothing stays behind in it.
func play(t *testing.T, ctx context.Context, o Options) (*Report, string, error) {
	t.Helper()
	t.Parallel()
	var out bytes.Buffer
	o.Seed, o.Out, o.tempDir = uint64(time.Now().UnixNano()), &out, t.TempDir()
	r, err := Run(ctx, o)
	nothingLeft(t, o.tempDir)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("seed %d\n%s", o.Seed, out.String())
			if r != nil {
				r.Print(t.Output())
			}
		}
	})
	return r, out.String(), err
}

func TestTheStoryIsProven(t *testing.T) {
	size := DefaultSize
	if testing.Short() {
		size = small
	}
	r, _, err := play(t, context.Background(), Options{Size: size})
	if err != nil {
		t.Fatal(err)
	}
	if !r.Proven || r.Seconds > 30 {
		t.Fatalf("proven %v in %v s", r.Proven, r.Seconds)
	}
	p := r.Payments
	if p.Made < (size.History+size.West)*8/10 || p.East == 0 || p.NeverMirrored != 0 {
		t.Errorf("payments: %+v", p)
	}
	at := map[string]Group{}
	for _, g := range r.Groups {
		at[g.Group] = g
		if g.Skipped != 0 || g.Reread != 0 || g.Taken == nil || *g.Taken != (Taken{Once: p.Made}) {
			t.Errorf("%+v, taken %+v", g, g.Taken)
		}
	}
	if len(at) != 4 || at["ledger"].Lag != 0 || at["settlement"].Lag != 0 || at["reports"].Lag < 1000 || at["archive"].Lag < 1000 {
		t.Errorf("lags: %+v", r.Groups)
	}
	for _, group := range []string{"ledger", "settlement", "reports"} {
		if l := at[group].Latency; l == nil || l.Commits == 0 || l.P50 <= 0 {
			t.Errorf("%s: latency %+v", group, l)
		}
	}
	moved := 0 // partitions in which a place has another number in east
	for _, p := range at["ledger"].Partitions {
		if *p.Resumed != p.Committed {
			moved++
		}
	}
	if moved != partitions {
		t.Errorf("only in %d partitions the offsets differ: the story proves little: %+v", moved, at["ledger"].Partitions)
	}
}

// A position in east that is one too far, written by somebody else just before west dies: the proof must fail.
func TestOneTooFarFailsTheProof(t *testing.T) {
	r, _, err := play(t, context.Background(), Options{Size: small, meddle: func(ctx context.Context, s *stage) error {
		return move(ctx, s, "reports", +1)
	}})
	if err != nil {
		t.Fatal(err)
	}
	if r.Proven {
		t.Error("proven, although a group skipped a payment")
	}
	for _, g := range r.Groups {
		skipped, lost := int64(0), 0
		if g.Group == "reports" {
			skipped, lost = 1, 1
		}
		if g.Skipped != skipped || g.Taken.Lost != lost {
			t.Errorf("%s: skipped %d, lost %d; want %d and %d", g.Group, g.Skipped, g.Taken.Lost, skipped, lost)
		}
	}
}

// One too low: read again, and taken twice.
func TestOneTooLowFailsTheProof(t *testing.T) {
	r, _, err := play(t, context.Background(), Options{Size: small, meddle: func(ctx context.Context, s *stage) error {
		return move(ctx, s, "ledger", -1)
	}})
	if err != nil {
		t.Fatal(err)
	}
	if g := r.Groups[0]; r.Proven || g.Reread != 1 || g.Taken.Twice != 1 || g.Skipped != 0 || g.Taken.Lost != 0 {
		t.Errorf("proven %v, %+v, taken %+v", r.Proven, g, g.Taken)
	}
}

// A group without any offset in one partition stops there (auto.offset.reset=none): the proof fails, the story does not.
func TestNoOffsetFailsTheProof(t *testing.T) {
	r, _, err := play(t, context.Background(), Options{Size: small, meddle: func(ctx context.Context, s *stage) error {
		var topics kadm.TopicsSet
		topics.Add(paymentsTopic, 1)
		deleted, err := s.admin[1].DeleteOffsets(ctx, "archive", topics)
		if err == nil {
			err = deleted.Error()
		}
		return err
	}})
	if err != nil {
		t.Fatal(err)
	}
	// leftoff puts the offset back: before the judge looks, and then all is well, or between the judge and the consumer, which
	// then reads on. What counts is what the judge saw.
	g := r.Groups[3]
	if missing := g.Missing == 1; missing == r.Proven || !missing && g.Error != "" {
		t.Errorf("proven %v, %+v", r.Proven, g)
	}
}

// move commits from outside the group, as kafka-consumer-groups --reset-offsets does.
func move(ctx context.Context, s *stage, group string, by int64) error {
	fetched, err := s.admin[1].FetchOffsetsForTopics(ctx, group, paymentsTopic)
	if err != nil {
		return err
	}
	o, _ := fetched.Lookup(paymentsTopic, 0)
	var moved kadm.Offsets
	moved.AddOffset(paymentsTopic, 0, o.At+by, -1)
	return s.admin[1].CommitAllOffsets(ctx, group, moved)
}

func TestInterrupted(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	out := &trigger{on: "leftoff runs", do: cancel}
	dir := t.TempDir()
	if _, err := Run(ctx, Options{Size: small, Out: out, tempDir: dir}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v: %s", err, out.all.String())
	}
	nothingLeft(t, dir)
}

func TestKeep(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var shown *Report
	out := &trigger{on: "Ctrl-C", do: cancel}
	dir := t.TempDir()
	r, err := Run(ctx, Options{Size: small, Keep: true, Out: out, tempDir: dir, Show: func(r *Report) error { shown = r; return nil }})
	if err != nil {
		t.Fatalf("%v\n%s", err, out.all.String())
	}
	if shown != r || !r.Kept || !r.Proven {
		t.Errorf("%+v", r)
	}
	if strings.Contains(out.all.String(), "GONE") {
		t.Error("west died")
	}
	nothingLeft(t, dir)
}

func nothingLeft(t *testing.T, dir string) {
	t.Helper()
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}

// trigger does something when a line has been printed.
type trigger struct {
	on  string
	do  func()
	all bytes.Buffer
}

func (o *trigger) Write(p []byte) (int, error) {
	if bytes.Contains(p, []byte(o.on)) {
		o.do()
	}
	return o.all.Write(p)
}
