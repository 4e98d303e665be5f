package acceptance

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leftoff/leftoff/internal/judge"
	"github.com/leftoff/leftoff/internal/rig"
	"github.com/leftoff/leftoff/replicator/api"
	"github.com/leftoff/leftoff/replicator/drill"
)

// Issue 6, scenario 7: a drill on a live pair agrees with the judge, changes no group of the user's on either side, and leaves no shadow
// behind, also when it is interrupted or killed half-way.
func TestDrill(t *testing.T) {
	primary, secondary := rig.Shared(t)
	p, prefix := build(t), rig.Name(t, "drill")+"."
	plain, txn := prefix+"plain", prefix+"txn"
	primary.CreateTopic(t, plain, 2, nil)
	primary.CreateTopic(t, txn, 1, nil)
	fill(t, primary, plain, 0, 4_000, 0)
	fillTransactions(t, primary, txn, 50, 20, true)
	b := watch(t, primary, secondary, prefix)
	groups := 0
	for _, topic := range []string{plain, txn} {
		for _, lag := range []int64{0, 1, 7, 100, 500, 1 << 40} {
			commit(t, primary, fmt.Sprintf("%s-lag-%d", topic, lag), topic, lagging(ends(t, primary, topic), starts(t, primary, topic), lag))
			groups++
		}
	}
	stay(t, primary, prefix+"live", plain)
	orphan := drill.Prefix + "20261101t000000z-0000000a." + prefix + "live" // of a drill that was killed
	secondary.CreateTopic(t, prefix+"there", 1, nil)
	commit(t, secondary, orphan, prefix+"there", map[int32]int64{0: 0})
	file := config{primary: primary.Bootstrap(), secondary: secondary.Bootstrap(), prefix: prefix}.write(t)
	d := p.start(t, "run", "-c", file)
	const positions = 7*2 + 6 // groups of two partitions, and of one
	settled := func() bool {
		var now api.Status
		err := json.Unmarshal([]byte(p.asks(t, d, "status", "-o", "json")), &now)
		return err == nil && len(now.Links) == 1 && now.Links[0].Totals.Exact == positions && now.Links[0].Totals.Due == 0 && now.Links[0].Totals.LagRecords == 0
	}
	if !eventually(60*time.Second, settled) {
		t.Fatal("not settled:", p.asks(t, d, "status"))
	}
	copies := []*judge.Copies{b.compare(plain, judge.Options{}), b.compare(txn, judge.Options{})}
	b.exact(copies...)
	if !eventually(20*time.Second, func() bool { return len(shadows(t, secondary)) == 0 }) {
		t.Errorf("a daemon that does not drill leaves %v", shadows(t, secondary))
	}

	t.Run("agrees with the judge", func(t *testing.T) {
		stop := produceSteadily(t, primary, plain)
		defer stop()
		b.grew(plain)
		quiet := b.undisturbed(t)
		r := p.drill(t, 0, "-c", file, "--http", strings.TrimPrefix(d.http(), "http://"))
		quiet()
		stop()
		now := b.waitMirrored(20*time.Second, copyOf(plain, judge.Options{}))[0]
		b.agrees(t, r, now, copies[1])
		s := r.Summary
		if r.Result != drill.Passed || s.Groups != groups+1 || s.Positions != positions || s.Confidence["exact"] != s.Positions || !s.RPO.Known || r.Asked.ConfidenceFrom != "daemon" {
			t.Errorf("%s %+v %q %q", r.Result, s, r.Findings, r.Problems)
		}
		if most := now.Total().Primary - copies[0].Total().Primary; s.RPO.Records < 0 || s.RPO.Records >= most || s.RPO.Seconds > 5 {
			t.Errorf("of %d records that were written meanwhile: %+v", most, s.RPO)
		}
		t.Logf("%d positions: %s to resume at the most, %s in the median", s.Positions, time.Duration(s.RTO.MaxSeconds*1e9), time.Duration(s.RTO.MedianSeconds*1e9))
	})

	t.Run("interrupted", func(t *testing.T) {
		quiet := b.undisturbed(t)
		x := p.halfway(t, secondary, file, d)
		if err := x.cmd.Process.Signal(syscall.SIGINT); err != nil {
			t.Fatal(err)
		}
		x.ends(20*time.Second, 2, "interrupted")
		if left := shadows(t, secondary); len(left) > 0 {
			t.Errorf("left behind: %v", left)
		}
		quiet()
	})

	t.Run("killed", func(t *testing.T) {
		quiet := b.undisturbed(t)
		x := p.halfway(t, secondary, file, d)
		if err := x.cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		<-x.ended
		if left := shadows(t, secondary); len(left) < 2 {
			t.Errorf("it left nothing to delete: %v", left)
		}
		r := p.drill(t, 0, "-c", file, "--http", strings.TrimPrefix(d.http(), "http://"))
		if r.Result != drill.Passed || len(r.Cleanup.Earlier) != 1 || len(r.Cleanup.Running) > 0 {
			t.Errorf("%s %+v %q", r.Result, r.Cleanup, r.Problems)
		}
		quiet()
	})

	// The daemon is gone, and with it the mirror: what the primary takes from now on would be lost.
	t.Run("lost", func(t *testing.T) {
		if err := d.cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		<-d.ended
		fill(t, primary, plain, 10_000, 700, 0)
		quiet := b.undisturbed(t)
		r := p.drill(t, 1, "-c", file, "--rpo", "1ns")
		quiet()
		missing := b.compare(plain, judge.Options{}).Total().Waiting
		if rpo := r.Summary.RPO; rpo.Records != missing || missing != 700 || rpo.Seconds <= 0 || rpo.Seconds > 60 || rpo.AtLeast {
			t.Errorf("the judge misses %d records: %+v", missing, rpo)
		}
		if len(r.Findings) != 1 || !strings.Contains(r.Findings[0], "is not on the secondary") || r.Summary.Resumed != r.Summary.Positions {
			t.Errorf("%q %+v", r.Findings, r.Summary)
		}
	})
	b.lawful(judge.Rules{}, copies...)
}

// grew waits until every partition of a topic has more on the secondary than the primary has now.
func (b *bench) grew(topic string) {
	b.t.Helper()
	was := ends(b.t, b.primary, topic)
	more := func() bool {
		for p, end := range ends(b.t, b.secondary, topic) {
			if end <= was[p] {
				return false
			}
		}
		return true
	}
	if !eventually(20*time.Second, more) {
		b.t.Fatalf("%s: the primary was at %v, and the secondary is at %v", topic, was, ends(b.t, b.secondary, topic))
	}
}

// drill runs one to its end, and reads the report.
func (p program) drill(t *testing.T, status int, args ...string) (r drill.Report) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "report.json")
	p.start(t, append([]string{"drill", "--report", path, "--html", path + ".html"}, args...)...).ends(60*time.Second, status, path)
	encoded, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := drill.Check(encoded); err != nil {
		t.Error(err)
	}
	if err := json.Unmarshal(encoded, &r); err != nil {
		t.Fatal(err)
	}
	html, err := os.ReadFile(path + ".html")
	if err != nil || !strings.Contains(string(html), r.Checksum) {
		t.Errorf("the page: %v", err)
	}
	return r
}

// halfway starts a drill and returns when it has made a shadow group beside its beacon.
func (p program) halfway(t *testing.T, secondary *rig.Cluster, file string, d *process) *process {
	t.Helper()
	x := p.start(t, "drill", "--parallel", "1", "-c", file, "--http", strings.TrimPrefix(d.http(), "http://"))
	if !eventually(30*time.Second, func() bool { return len(shadows(t, secondary)) >= 2 }) {
		t.Fatal("no shadow group")
	}
	return x
}

// shadows are the drills' groups of a cluster.
func shadows(t *testing.T, c *rig.Cluster) []string {
	t.Helper()
	listed, err := c.Admin().ListGroups(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(listed.Groups(), func(g string) bool { return !strings.HasPrefix(g, drill.Prefix) })
}

// undisturbed notes how all groups stand. What it returns holds that none has changed: nobody but shadow groups wrote to either offsets topic, members
// are the same ones, and no shadow is left.
func (b *bench) undisturbed(t *testing.T) (check func()) {
	t.Helper()
	look := func() (states [2]string) {
		b.caughtUp()
		for i, side := range []struct {
			c   *rig.Cluster
			log *judge.Log
		}{{b.primary, b.history.Primary}, {b.secondary, b.history.Secondary}} {
			writes := 0
			for _, w := range side.log.Writes() {
				if strings.HasPrefix(w.Group, b.prefix) {
					writes++
				}
			}
			described, err := side.c.Admin().DescribeGroups(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			states[i] = fmt.Sprintf("%d writes\n", writes)
			for _, g := range described.Sorted() {
				if strings.HasPrefix(g.Group, b.prefix) || strings.HasPrefix(g.Group, drill.Prefix) {
					states[i] += fmt.Sprint(g.Group, " ", g.State)
					for _, m := range g.Members {
						states[i] += " " + m.MemberID
					}
					states[i] += "\n"
				}
			}
		}
		return states
	}
	before := look()
	return func() {
		t.Helper()
		if after := look(); after != before {
			t.Errorf("primary and secondary before:\n%s\n%s\nafter:\n%s\n%s", before[0], before[1], after[0], after[1])
		}
	}
}

// agrees holds that the report has every resume point that the judge knows, with the same offsets and the same verdict.
func (b *bench) agrees(t *testing.T, r drill.Report, copies ...*judge.Copies) {
	t.Helper()
	found := map[judge.Key]drill.Position{}
	for _, g := range r.Groups {
		for _, p := range g.Positions {
			found[judge.Key{Group: g.Group, Topic: p.Topic, Partition: p.Partition}] = p
		}
	}
	n := 0
	for _, resume := range b.history.Resumes(copies...) {
		if !strings.HasPrefix(resume.Group, b.prefix) {
			continue
		}
		n++
		p, ok := found[resume.Key]
		fine := p.Verdict == "same_record" || p.Verdict == "gap" || p.Verdict == "at_end"
		switch {
		case !ok || p.Secondary == nil || *p.Secondary != resume.Value.Offset || *p.Primary != resume.Committed || !p.Resumed:
			t.Errorf("%s: %+v", resume, p)
		case fine != resume.Exact || p.Read.Above != p.Read.AboveSame || p.Read.Below != p.Read.BelowSame, (p.Read.Above == 0) != (resume.Lag == 0):
			t.Errorf("%s: %+v", resume, p)
		}
	}
	if n != r.Summary.Positions || n == 0 {
		t.Errorf("the judge knows %d positions, the report %d", n, r.Summary.Positions)
	}
}

// stay is a consumer that reads and commits what there is, and stays a member until the test ends.
func stay(t *testing.T, c *rig.Cluster, group, topic string) {
	t.Helper()
	client := c.Client(t, kgo.ConsumerGroup(group), kgo.ConsumeTopics(topic), kgo.DisableAutoCommit(), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	for seen := 0; seen < 4_000; {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			t.Fatal(err)
		}
		seen += fetches.NumRecords()
	}
	if err := client.CommitUncommittedOffsets(ctx); err != nil {
		t.Fatal(err)
	}
}
