package mirror

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/leftoff/leftoff/internal/judge"
	"github.com/leftoff/leftoff/internal/rig"
	"github.com/leftoff/leftoff/replicator"
)

// A broker comes back without the end of a partition, as after an unclean leader election. On the secondary what is lost
// is copied again; on the primary other records take the place of those lost, and are copied, too.
func TestTruncated(t *testing.T) {
	if testing.Short() {
		t.Skip("real Kafka under -short")
	}
	rig.Require(t)
	primary, secondary := rig.StartTwo(t, rig.Options{Name: "primary"}, rig.Options{Name: "secondary"})
	g := &ground{brokers: [2][]string{primary.Bootstrap(), secondary.Bootstrap()}}
	clusters := [2]*rig.Cluster{primary, secondary}

	for _, side := range []replicator.Side{replicator.Secondary, replicator.Primary} {
		t.Run(side.String(), func(t *testing.T) {
			topic := rig.Name(t, "cut")
			g.create(t, replicator.Primary, topic, 1, nil)
			r := g.mirror(t, t.TempDir(), topic)
			for i := range 10 {
				g.produce(t, replicator.Primary, topic, 100*i, 100)
				g.settle(t, r, topic)
			}
			clusters[side].Stop(t, 1)
			from := cutEnd(t, clusters[side], topic, 3)
			t.Logf("the %s ends at %d now", side, from)
			clusters[side].Restart(t, 1)
			clusters[side].WaitReady(t)
			g.produce(t, replicator.Primary, topic, 5000, 400)
			await(t, "the truncation is seen", 30*time.Second, func() bool { return r.State()[0].Truncated > 0 })
			g.settle(t, r, topic)
			accepted := judge.Options{Unpaired: judge.UnpairedIsForeign, Accepted: map[int32]int64{0: 1000}}
			if side == replicator.Primary { // the copies of what the primary lost are nobody's now
				pair, _ := r.index.Lookup(topic)
				pair.Partition(0).AcceptForeign(1000)
			}
			s := g.exact(t, r, topic, accepted)
			t.Logf("%+v; %+v", s, r.State())
			want := int64(1400)
			if side == replicator.Primary {
				want = from + 400
			}
			if s.Mirrored != want {
				t.Errorf("%d records are mirrored, want %d", s.Mirrored, want)
			}
		})
	}
}

// cutEnd takes the last batches off the log of a stopped broker, and returns the offset where it ends now.
func cutEnd(t testing.TB, c *rig.Cluster, topic string, batches int) int64 {
	t.Helper()
	_, dir, _ := strings.Cut(c.String(), "logs in ")
	var path string
	_ = filepath.WalkDir(dir, func(p string, d os.DirEntry, err error) error {
		if err == nil && filepath.Base(filepath.Dir(p)) == topic+"-0" && strings.HasSuffix(p, ".log") {
			path = p
		}
		return nil
	})
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var at []int
	for i := 0; i+12 <= len(b); i += 12 + int(binary.BigEndian.Uint32(b[i+8:])) {
		if binary.BigEndian.Uint32(b[i+8:]) == 0 {
			break
		}
		at = append(at, i)
	}
	if len(at) <= batches {
		t.Fatalf("%d batches in %s", len(at), path)
	}
	from := at[len(at)-batches]
	if err := os.Truncate(path, int64(from)); err != nil {
		t.Fatal(err)
	}
	for _, stale := range []string{"*.snapshot", "*.index", "*.timeindex"} {
		found, _ := filepath.Glob(filepath.Join(filepath.Dir(path), stale))
		for _, f := range found {
			_ = os.Remove(f)
		}
	}
	return int64(binary.BigEndian.Uint64(b[from:]))
}
