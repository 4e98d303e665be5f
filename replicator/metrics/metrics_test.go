package metrics

import (
	"context"
	"errors"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/translate"
)

type fake struct {
	all   []replicator.Snapshot
	err   error
	asked int
}

func (f *fake) Snapshots(context.Context, bool) ([]replicator.Snapshot, error) {
	f.asked++
	return f.all, f.err
}

func snapshot() replicator.Snapshot {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	k := replicator.Key{Group: "g", Topic: "t"}
	return replicator.Snapshot{
		At: now, Link: "west-east", Writable: true, Stamp: "kept",
		Sides:    [2]replicator.SideState{{CaughtUp: true, Pairs: 3}, {CaughtUp: true, Error: "gone"}},
		Problems: []string{"orders/0 was switched to the secondary at 60, and a mirror still copies records of the primary there. Try: stop that mirror"},
		Counters: replicator.Counters{Commits: 12, Written: 11},
		Groups: []replicator.GroupSnapshot{{Group: "g", Verdict: "taken_over", Entries: []replicator.Entry{
			{Commit: replicator.Commit{Key: k}, Reason: replicator.TakenOver, Position: translate.Position{Confidence: translate.Exact}},
		}}, {Group: "h", Entries: []replicator.Entry{{
			Commit: replicator.Commit{Key: k, CommittedAt: now.Add(-3 * time.Second).UnixMilli()}, Write: true, HasWritten: true, Written: 5,
			Position: translate.Position{Offset: 9, Confidence: translate.Exact},
		}}}},
	}
}

func scrape(t *testing.T, c *Collector) string {
	t.Helper()
	r := httptest.NewRecorder()
	Handler(c).ServeHTTP(r, httptest.NewRequest("GET", "/metrics", nil))
	if r.Code != 200 {
		t.Fatal(r.Code, r.Body)
	}
	return r.Body.String()
}

func TestScrape(t *testing.T) {
	text := scrape(t, New(Options{Source: &fake{all: []replicator.Snapshot{snapshot()}}, PerGroup: true, Version: "v0"}))
	for _, line := range []string{
		`leftoff_build_info{version="v0"} 1`,
		`leftoff_cluster_up{link="west-east",side="primary"} 1`,
		`leftoff_cluster_up{link="west-east",side="secondary"} 0`,
		`leftoff_offsets_held{link="west-east",reason="taken_over"} 1`,
		`leftoff_offsets_held{link="west-east",reason="unmapped"} 0`,
		`leftoff_groups_by_verdict{link="west-east",verdict="taken_over"} 1`,
		`leftoff_offsets{confidence="exact",link="west-east"} 2`,
		`leftoff_lag_records{link="west-east"} 4`,
		`leftoff_problems{link="west-east"} 1`,
		`leftoff_oldest_due_seconds{link="west-east"} 3`,
		`leftoff_commits_read_total{link="west-east"} 12`,
		`leftoff_group_lag_records{group="h",link="west-east"} 4`,
	} {
		if !strings.Contains(text, line+"\n") {
			t.Errorf("missing: %s", line)
		}
	}
}

// TestComparing: what a mapping spends on looking at records, and nothing of it where none are compared.
func TestComparing(t *testing.T) {
	s := snapshot()
	e := &s.Groups[0].Entries[0]
	e.Position, e.Pending = translate.Position{Confidence: translate.Floor, Reread: 40}, true
	if text := scrape(t, New(Options{Source: &fake{all: []replicator.Snapshot{s}}})); strings.Contains(text, "leftoff_compare_") {
		t.Error("nothing is compared, and it has metrics:", text)
	}
	s.Source = replicator.SourceState{Mapping: "match", Partitions: 40, Ready: 12, Wanted: 3, Probes: 70, Conflicts: 2, Fetches: [2]int64{7, 5}, Bytes: [2]int64{400, 300}}
	text := scrape(t, New(Options{Source: &fake{all: []replicator.Snapshot{s}}}))
	for _, line := range []string{
		`leftoff_offsets_pending{link="west-east"} 1`,
		`leftoff_reread_records{link="west-east"} 40`,
		`leftoff_compare_partitions{link="west-east",state="looked_at"} 12`,
		`leftoff_compare_partitions{link="west-east",state="waiting"} 28`,
		`leftoff_compare_wanted{link="west-east"} 3`,
		`leftoff_compare_probes_total{link="west-east"} 70`,
		`leftoff_compare_conflicts_total{link="west-east"} 2`,
		`leftoff_compare_fetches_total{link="west-east",side="primary"} 7`,
		`leftoff_compare_fetches_total{link="west-east",side="secondary"} 5`,
		`leftoff_compare_bytes_total{link="west-east",side="primary"} 400`,
		`leftoff_compare_bytes_total{link="west-east",side="secondary"} 300`,
	} {
		if !strings.Contains(text, line+"\n") {
			t.Errorf("missing: %s", line)
		}
	}
}

func TestGroupsAreOptIn(t *testing.T) {
	text := scrape(t, New(Options{Source: &fake{all: []replicator.Snapshot{snapshot()}}}))
	if strings.Contains(text, `group=`) {
		t.Error("a group's name is a label without being asked for")
	}
}

func TestSnapshotsAreKept(t *testing.T) {
	now := time.Unix(0, 0)
	f := &fake{all: []replicator.Snapshot{snapshot()}}
	c := New(Options{Source: f, Now: func() time.Time { return now }})
	scrape(t, c)
	scrape(t, c)
	now = now.Add(6 * time.Second)
	scrape(t, c)
	if f.asked != 2 {
		t.Errorf("asked %d times", f.asked)
	}
}

func TestNoSnapshotIsNoError(t *testing.T) {
	text := scrape(t, New(Options{Source: &fake{err: errors.New("no")}}))
	if !strings.Contains(text, "leftoff_build_info") || strings.Contains(text, "leftoff_writable{") {
		t.Error(text)
	}
}

var (
	fqName = regexp.MustCompile(`fqName: "([a-z_]+)", help: "(.*?)".*variableLabels: \{(.*?)\}`)
	row    = regexp.MustCompile("(?m)^\\| `(leftoff_[a-z_]+)` \\| (.*?) \\| (.*?) \\|")
)

// TestDocumented holds docs/metrics.md to the registry: name, labels and help, both ways.
func TestDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string]string{}
	for _, m := range row.FindAllStringSubmatch(string(page), -1) {
		documented[m[1]] = strings.NewReplacer("`", "", " ", "").Replace(m[2]) + ": " + m[3]
	}
	descs := make(chan *prometheus.Desc, 100)
	New(Options{}).Describe(descs)
	close(descs)
	for d := range descs {
		m := fqName.FindStringSubmatch(d.String())
		if m == nil {
			t.Fatalf("can't read %s", d)
		}
		want := m[3] + ": " + m[2]
		if documented[m[1]] != want {
			t.Errorf("docs/metrics.md says %q of %s, the registry %q", documented[m[1]], m[1], want)
		}
		delete(documented, m[1])
	}
	for name := range documented {
		t.Errorf("docs/metrics.md has %s, the registry has not", name)
	}
}
