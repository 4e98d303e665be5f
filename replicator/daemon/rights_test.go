package daemon

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"

	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/replicator/failover"
)

// guarded is a state topic with rights.
type guarded struct {
	paper
	mu      sync.Mutex
	began   time.Time
	noWrite error
	noRead  error
	wrote   []time.Duration // since began
	read    []time.Duration
}

func (g *guarded) Append(ctx context.Context, values [][]byte) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.wrote = append(g.wrote, time.Since(g.began))
	if g.noWrite != nil {
		return g.noWrite
	}
	return g.paper.Append(ctx, values)
}

func (g *guarded) Read(ctx context.Context, yield func(int64, []byte)) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.read = append(g.read, time.Since(g.began))
	if g.noRead != nil {
		return g.noRead
	}
	return g.paper.Read(ctx, yield)
}

func (g *guarded) set(noRead, noWrite error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.noRead, g.noWrite = noRead, noWrite
}

func (g *guarded) asked() (reads, writes []time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.read), slices.Clone(g.wrote)
}

// growing is a shelf to which topics come.
type growing struct {
	shelf
	mu sync.Mutex
}

func (g *growing) add(topic string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.topics[topic] = replicator.NoReason
}

func (g *growing) Mirrored() map[string]int32 {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.shelf.Mirrored()
}

func (g *growing) Forward(topic string, id [16]byte, n int32, at int64) replicator.Mapping {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.shelf.Forward(topic, id, n, at)
}

// keeping runs a link that has a topic to list, until stop.
func keeping(t *testing.T, g *guarded) (m *memory, topics *growing, stop func()) {
	t.Helper()
	topics = &growing{shelf: shelf{topics: map[string]replicator.Reason{}}}
	topics.add("orders")
	g.began = time.Now()
	m = newMemoryOf(g, failover.LinkID("l", "p", "s"), zap.NewNop())
	l := &link{Link: Link{Name: "l"}, log: zap.NewNop(), index: emptyIndex(t)}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- l.remember(ctx, &running{memory: m, source: topics})
	}()
	return m, topics, func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// What may not be written is tried after 4, 8, 16, 32 and then every 60 seconds, while reading goes on as ever; status says which right is missing and how
// to give it, and nothing any more within a minute of its being given. Taken away again, it begins anew.
func TestNoRightToWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &guarded{noWrite: fmt.Errorf("write it: %w", noRight("create topic", 29, "topic "+failover.Topic))}
		m, topics, stop := keeping(t, g)
		defer stop()
		time.Sleep(10*time.Minute + time.Second)
		reads, writes := g.asked()
		want := []time.Duration{0, 4 * time.Second, 12 * time.Second, 28 * time.Second}
		for at := time.Minute; at <= 10*time.Minute; at += time.Minute {
			want = append(want, at)
		}
		if !slices.Equal(writes, want) {
			t.Errorf("asked at %v, want %v", writes, want)
		}
		if len(reads) < 300 {
			t.Errorf("read %d times", len(reads))
		}
		const right, command = "the right Create is missing on topic leftoff-state of the secondary", "Try: kafka-acls --add --allow-principal User:ann --operation Create --topic leftoff-state"
		if p := m.problems(); len(p) != 1 || !strings.Contains(p[0], right) || !strings.HasSuffix(p[0], command) || strings.Count(p[0], "Try: ") != 1 {
			t.Fatalf("status says %q", p)
		}

		g.set(nil, noRight("produce", 29, "topic "+failover.Topic))
		time.Sleep(deniedAtMost + deniedAtFirst)
		if _, writes = g.asked(); writes[len(writes)-1]-writes[len(writes)-2] != deniedAtFirst {
			t.Errorf("another right is missing, and it was asked at %v", writes)
		}
		if p := m.problems(); len(p) != 1 || !strings.Contains(p[0], "the right Write is missing on") {
			t.Fatalf("status says %q", p)
		}
		g.set(nil, nil)
		time.Sleep(deniedAtMost)
		if p := m.problems(); len(p) != 0 || !slices.Equal(m.topics(), []string{"orders"}) {
			t.Fatalf("status says %q, and %q are listed", p, m.topics())
		}

		g.set(nil, noRight("produce", 29, "topic "+failover.Topic))
		topics.add("audit")
		_, before := g.asked()
		time.Sleep(15 * time.Second)
		if _, after := g.asked(); len(after)-len(before) != 3 { // once, and after 4 and 8 more
			t.Errorf("asked %d times in 15 s", len(after)-len(before))
		}
		g.set(nil, nil)
		time.Sleep(deniedAtMost)
		if p := m.problems(); len(p) != 0 || !slices.Equal(m.topics(), []string{"audit", "orders"}) {
			t.Errorf("status says %q, and %q are listed", p, m.topics())
		}
	})
}

// What may not be read lets the link begin with what this machine knows, as before, and is asked less and less often, too.
func TestNoRightToRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		denied := noRight("fetch", 29, "topic "+failover.Topic)
		g := &guarded{noRead: denied, noWrite: denied}
		m, _, stop := keeping(t, g)
		defer stop()
		synctest.Wait()
		m.await(t.Context())
		time.Sleep(10*time.Minute + time.Second)
		if reads, _ := g.asked(); len(reads) != 14 {
			t.Errorf("asked at %v", reads)
		}
		if p := m.problems(); len(p) != 1 || !strings.Contains(p[0], "the right Read is missing on topic leftoff-state") {
			t.Fatalf("status says %q", p)
		}
		g.set(nil, nil)
		time.Sleep(2 * deniedAtMost)
		if p := m.problems(); len(p) != 0 || !slices.Equal(m.topics(), []string{"orders"}) {
			t.Errorf("status says %q, and %q are listed", p, m.topics())
		}
	})
}

// A cluster that does not answer is asked as often as ever.
func TestOtherErrorsAreNotWaitedOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &guarded{noWrite: errors.New("no answer")}
		m, _, stop := keeping(t, g)
		defer stop()
		time.Sleep(time.Minute + time.Second)
		if _, writes := g.asked(); len(writes) != 31 {
			t.Errorf("asked at %v", writes)
		}
		g.set(nil, nil)
		time.Sleep(rememberEvery)
		if p := m.problems(); len(p) != 0 {
			t.Errorf("status says %q", p)
		}
	})
}

func TestDenied(t *testing.T) {
	for _, c := range []struct {
		err   error
		right string // empty: nothing else than before
	}{
		{noRight("create topic", 29, "topic leftoff-state"), "Create"},
		{noRight("produce", 29, "topic leftoff-state/0"), "Write"},
		{noRight("take a producer id", 31, "cluster "), "Write"},
		{noRight("describe topic", 29, "topic leftoff-state"), "Describe"},
		{noRight("list offsets", 29, "topic leftoff-state/0"), "Describe"},
		{noRight("fetch", 29, "topic leftoff-state/0"), "Read"},
		{noRight("produce", 29, "topic orders"), ""},
		{noRight("commit", 30, "group leftoff-state"), ""},
		{errors.New("no"), ""},
	} {
		right, said := denied(c.err)
		command := fmt.Sprintf("Try: kafka-acls --add --allow-principal User:ann --operation %s --topic leftoff-state", right)
		if right != c.right || right == "" && !errors.Is(said, c.err) || right != "" && !strings.HasSuffix(said.Error(), command) {
			t.Errorf("%v: %v", c.err, said)
		}
	}
}
