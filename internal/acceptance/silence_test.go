package acceptance

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leftoff/leftoff/internal/judge"
	"github.com/leftoff/leftoff/internal/region"
	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/replicator/daemon"
)

// Scenario 10: opposite links over the same two clusters in one daemon, mirrors over different topics and identity over the
// same one, groups that committed on one side or on both and stopped: an hour later nobody has written anything more to
// either `__consumer_offsets`. Then a commit still arrives: the silence was not death.
func TestAnHourOfSilence(t *testing.T) {
	t.Parallel()
	length := time.Hour
	if testing.Short() {
		length = 5 * time.Minute // an hour costs 15 s: thousands of long polls
	}
	synctest.Test(t, func(t *testing.T) { silence(t, length) })
}

func silence(t *testing.T, length time.Duration) {
	network := new(region.Network)
	west, east := newEmbedded(t, network, "west"), newEmbedded(t, network, "east")
	west.fill("payments", 100)
	east.fill("orders", 100)
	for _, e := range []*embedded{west, east} {
		e.fill("both", 100)
	}
	west.commit("idle", "payments", 40)
	west.commit("idle", "both", 41)
	east.commit("late", "orders", 30)
	east.commit("late", "both", 31)
	for _, e := range []*embedded{west, east} {
		e.commit("equal", "both", 50)
	}
	west.commit("outside", "both", 10)
	east.commit("outside", "both", 20)
	west.consume("moved", "both", 60) // a consumer that ran on the west, and then on the east
	west.consume("moved", "payments", 61)
	east.consume("moved", "both", 70)
	east.consume("moved", "orders", 71)

	d := fourLinks(t, network, west, east)
	arrived := func() bool {
		return east.holds("idle", "payments") == 40 && east.holds("idle", "both") == 41 &&
			west.holds("late", "orders") == 30 && west.holds("late", "both") == 31
	}
	if !eventually(time.Minute, arrived) {
		t.Fatalf("not arrived: %+v", d.snapshots())
	}
	time.Sleep(10 * time.Second) // fake: what remains to be written is
	for _, e := range []*embedded{west, east} {
		if got := e.holds("equal", "both"); got != 50 {
			t.Errorf("%s: equal moved to %d", e.Name(), got)
		}
	}
	if a, b := east.holds("moved", "both"), east.holds("moved", "orders"); a != 70 || b != 71 {
		t.Errorf("leftoff wrote a group that lived on the east: %d, %d", a, b)
	}

	before := [2]int64{west.written(), east.written()}
	time.Sleep(length)
	if after := [2]int64{west.written(), east.written()}; after != before {
		t.Errorf("records in the offsets topics of west and east: %v, %v later %v\n%s", before, length, after, newest(t, west, east))
	}
	west.commit("idle", "payments", 45)
	if !eventually(time.Minute, func() bool { return east.holds("idle", "payments") == 45 }) {
		t.Errorf("the daemon is not silent but dead: %+v", d.snapshots())
	}
}

// newest lists the latest writes of either side.
func newest(t *testing.T, west, east *embedded) string {
	h, err := judge.Watch(context.Background(), judge.Cluster{Opts: west.KgoOpts()}, judge.Cluster{Opts: east.KgoOpts()})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	if err := h.CaughtUp(context.Background()); err != nil {
		t.Fatal(err)
	}
	var lines strings.Builder
	for _, side := range []struct {
		name string
		log  *judge.Log
	}{{"west", h.Primary}, {"east", h.Secondary}} {
		all := side.log.Writes()
		slices.SortStableFunc(all, func(a, b judge.Write) int { return a.At.Compare(b.At) })
		for _, w := range all {
			fmt.Fprintf(&lines, "%s %s %s %s", w.At.UTC().Format(time.TimeOnly), side.name, w.Group, w.Topic)
			if w.Value != nil {
				fmt.Fprintf(&lines, " %d, stamped %v", w.Value.Offset, w.Value.Stamped())
			}
			lines.WriteString("\n")
		}
	}
	return lines.String()
}

// fourLinks runs four links between two regions in one daemon.
func fourLinks(t *testing.T, network *region.Network, west, east *embedded) *quiet {
	dir := t.TempDir()
	link := func(name, mapping, topic string, from, to *embedded) daemon.Link {
		s := spec{Mapping: mapping, Groups: ".*"}
		l := s.link(name, from.Bootstrap(), to.Bootstrap(), topic, filepath.Join(dir, name+".db"))
		l.Primary.Dial, l.Secondary.Dial = network.DialContext, network.DialContext
		return l
	}
	logs := &logKeeper{}
	q := &quiet{t, daemon.New(daemon.Options{Logger: logs.logger(), Links: []daemon.Link{
		link("mirror-east", "mirror", "payments", west, east), link("mirror-west", "mirror", "orders", east, west),
		link("identity-east", "identity", "both", west, east), link("identity-west", "identity", "both", east, west),
	}})}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- q.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("daemon: %v", err)
		}
		if t.Failed() {
			t.Logf("daemon's log:\n%s", logs.tail(80))
		}
	})
	return q
}

// quiet is a daemon of several links.
type quiet struct {
	t *testing.T
	*daemon.Daemon
}

func (q *quiet) snapshots() (groups []string) {
	all, err := q.Snapshots(context.Background(), true)
	if err != nil {
		q.t.Fatal(err)
	}
	for _, s := range all {
		for _, g := range s.Groups {
			for _, e := range g.Entries {
				if e.Reason != replicator.NoReason || !e.HasWritten || e.Written != e.Position.Offset {
					groups = append(groups, fmt.Sprintf("%s: %s: %+v\n", s.Link, g.Group, e))
				}
			}
		}
	}
	return groups
}
