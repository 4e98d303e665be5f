package mirror

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"

	"github.com/leftoff/leftoff/checkpoint"
	"github.com/leftoff/leftoff/internal/judge"
	"github.com/leftoff/leftoff/internal/rig"
	"github.com/leftoff/leftoff/replicator"
)

// childEnv makes the test binary a mirror process, to be killed for real.
const childEnv = "LEFTOFF_MIRROR_CHILD"

// childSpec is what a child is told.
type childSpec struct {
	Brokers [2][]string
	Index   string
	Topics  []string
}

func child() int {
	var spec childSpec
	if err := json.Unmarshal([]byte(os.Getenv(childEnv)), &spec); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	index, err := checkpoint.Open(spec.Index, checkpoint.Options{})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	log := zap.NewNop()
	if os.Getenv("MIRROR_TRACE") != "" {
		log, _ = zap.NewDevelopment()
	}
	r := run(&ground{brokers: spec.Brokers}, index, log, spec.Topics...)
	<-r.done
	return 0
}

// spawn starts a mirror in a process of its own.
func (g *ground) spawn(t testing.TB, index string, topics ...string) *exec.Cmd {
	t.Helper()
	spec, err := json.Marshal(childSpec{g.brokers, index, topics})
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), childEnv+"="+string(spec))
	c.Stdout, c.Stderr = os.Stdout, os.Stderr
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	return c
}

func kill(t testing.TB, c *exec.Cmd) {
	t.Helper()
	if err := c.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = c.Wait()
}

// SIGKILL at random moments while records flow: nothing is lost, and every position is exact once it settles.
func TestKilled(t *testing.T) {
	g := real(t)
	seed := uint64(time.Now().UnixNano())
	if s, err := strconv.ParseUint(os.Getenv("MIRROR_SEED"), 10, 64); err == nil {
		seed = s
	}
	kills := 10
	if n, err := strconv.Atoi(os.Getenv("MIRROR_KILLS")); err == nil {
		kills = n
	}
	t.Logf("seed %d (MIRROR_SEED), %d kills (MIRROR_KILLS)", seed, kills)
	random := rand.New(rand.NewPCG(seed, 0))

	plain, tx := rig.Name(t, "killed"), rig.Name(t, "killed-tx")
	g.create(t, replicator.Primary, plain, 3, nil)
	g.create(t, replicator.Primary, tx, 1, nil)
	stop := g.flow(t, plain, tx)
	dir := t.TempDir()
	for range kills {
		c := g.spawn(t, dir+"/index.db", plain, tx)
		time.Sleep(time.Duration(200+random.IntN(1200)) * time.Millisecond)
		kill(t, c)
	}
	stop()
	r := g.mirror(t, dir, plain, tx)
	for _, topic := range []string{plain, tx} {
		g.settle(t, r, topic)
		s := g.exact(t, r, topic, judge.Options{})
		t.Logf("%s: %+v", topic, s)
		if s.Foreign > 0 {
			t.Errorf("%s: %d copies were taken for foreign", topic, s.Foreign)
		}
	}
}

// flow produces plain records and transactions until it is stopped.
func (g *ground) flow(t testing.TB, plain, tx string) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{}, 2)
	go func() {
		defer func() { done <- struct{}{} }()
		c, _ := kgo.NewClient(kgo.SeedBrokers(g.brokers[0]...), kgo.DefaultProduceTopic(plain))
		defer c.Close()
		for i := 0; ctx.Err() == nil; i++ {
			c.Produce(context.Background(), record(i), nil)
			if i%50 == 0 {
				time.Sleep(2 * time.Millisecond)
			}
		}
		_ = c.Flush(context.Background())
	}()
	go func() {
		defer func() { done <- struct{}{} }()
		for from := 0; ctx.Err() == nil; from += 200 {
			g.transact(t, tx, from, 10, 20)
		}
	}()
	return func() { cancel(); <-done; <-done }
}
