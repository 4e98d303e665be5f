package mirror

import (
	"testing"

	"github.com/leftoff/leftoff/internal/judge"
	"github.com/leftoff/leftoff/internal/rig"
	"github.com/leftoff/leftoff/replicator"
)

// grounds runs a test on the embedded pair, and on real Kafka.
func grounds(t *testing.T, f func(*testing.T, *ground)) {
	t.Run("embedded", func(t *testing.T) { f(t, embedded(t)) })
	t.Run("kafka", func(t *testing.T) { f(t, real(t)) })
}

func TestPlain(t *testing.T) {
	grounds(t, func(t *testing.T, g *ground) {
		topic := rig.Name(t, "plain")
		g.create(t, replicator.Primary, topic, 4, nil)
		g.produce(t, replicator.Primary, topic, 0, 5000)
		r := g.mirror(t, t.TempDir(), topic)
		g.settle(t, r, topic)
		g.exact(t, r, topic, judge.Options{})
		g.produce(t, replicator.Primary, topic, 5000, 5000)
		g.settle(t, r, topic)
		if s := g.exact(t, r, topic, judge.Options{}); s.Mirrored != 10000 || s.Duplicates+s.Foreign > 0 {
			t.Errorf("%+v", s)
		}
	})
}

func TestTransactions(t *testing.T) {
	grounds(t, func(t *testing.T, g *ground) {
		topic := rig.Name(t, "tx")
		g.create(t, replicator.Primary, topic, 2, nil)
		r := g.mirror(t, t.TempDir(), topic)
		g.transact(t, topic, 0, 41, 7)
		g.settle(t, r, topic)
		if s := g.exact(t, r, topic, judge.Options{}); s.Duplicates+s.Foreign > 0 {
			t.Errorf("%+v", s)
		}
	})
}

// A clean restart goes on where it was, and copies nothing twice; so does one without its index.
func TestRestart(t *testing.T) {
	grounds(t, func(t *testing.T, g *ground) {
		topic := rig.Name(t, "restart")
		g.create(t, replicator.Primary, topic, 2, nil)
		dir := t.TempDir()
		r := g.mirror(t, dir, topic)
		g.produce(t, replicator.Primary, topic, 0, 1000)
		g.settle(t, r, topic)
		r.stop(t)
		g.produce(t, replicator.Primary, topic, 1000, 1000)
		r = g.mirror(t, dir, topic)
		g.settle(t, r, topic)
		g.exact(t, r, topic, judge.Options{})
		r.stop(t)
		r = g.mirror(t, t.TempDir(), topic) // the disk is lost
		g.settle(t, r, topic)
		g.produce(t, replicator.Primary, topic, 2000, 1000)
		g.settle(t, r, topic)
		if s := g.exact(t, r, topic, judge.Options{}); s.Mirrored != 3000 || s.Duplicates+s.Foreign > 0 {
			t.Errorf("%+v", s)
		}
	})
}
