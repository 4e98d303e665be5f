package drill

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leftoff/leftoff/replicator/kafka"
)

// pair is a primary with 100 records and a secondary with their copies, five offsets further on, where five others stand. Groups at several
// lags have the right offsets there.
func pair() (west, east *fake) {
	west, east = newFake("idW"), newFake("idE")
	west.fill("orders", 0, 0, 100)
	east.fill("orders", 0, 900, 905)
	east.fill("orders", 0, 0, 100)
	for _, at := range []int64{0, 1, 50, 99, 100} {
		west.commits(fmt.Sprint("at-", at), "orders", 0, at)
		east.commits(fmt.Sprint("at-", at), "orders", 0, at+5)
	}
	return west, east
}

// then is when tests take place: 50 s after record 100 was due.
var then = time.UnixMilli(1_700_000_150_000)

func options() Options {
	return Options{Link: "west-east", Version: "v0", PrimaryName: "west", SecondaryName: "east", Now: func() time.Time { return then }}
}

// drilled drills, and holds what every drill promises: no group but shadows was touched, and none of those is left.
func drilled(t *testing.T, west, east *fake, o Options) Report {
	t.Helper()
	before := [2]string{west.state(), east.state()}
	r, err := Run(t.Context(), west, east, east, o)
	if err != nil {
		t.Fatal(err)
	}
	undisturbed(t, west, east, before)
	return r
}

func undisturbed(t *testing.T, west, east *fake, before [2]string) {
	t.Helper()
	if after := [2]string{west.state(), east.state()}; after != before {
		t.Errorf("before:\n%s\n%s\nafter:\n%s\n%s", before[0], before[1], after[0], after[1])
	}
	if len(west.touched) > 0 {
		t.Errorf("groups of the primary were touched: %v", west.touched)
	}
	for g := range east.touched {
		if !strings.HasPrefix(g, Prefix) {
			t.Errorf("group %s was touched", g)
		}
	}
}

func positionOf(t *testing.T, r Report, group string) Position {
	t.Helper()
	for _, g := range r.Groups {
		if g.Group == group && len(g.Positions) == 1 {
			return g.Positions[0]
		}
	}
	t.Fatalf("no position of %s: %+v", group, r.Groups)
	return Position{}
}

func TestPassed(t *testing.T) {
	west, east := pair()
	bound := int64(0)
	o := options()
	o.Plan = func(context.Context) (Plan, error) {
		return Plan{From: "daemon", Positions: map[Key]Planned{{"at-50", "orders", 0}: {"exact", &bound}}}, nil
	}
	r := drilled(t, west, east, o)
	s := r.Summary
	if r.Result != Passed || s.Groups != 5 || s.Positions != 5 || s.Resumed != 5 || s.Compared != 5 || s.SkippedRecords+s.RTO.RereadRecords+s.RPO.Records != 0 || !s.RPO.Known {
		t.Errorf("%+v\n%v\n%v", r.Summary, r.Findings, r.Problems)
	}
	p := positionOf(t, r, "at-50")
	if p.Verdict != "same_record" || p.Confidence != "exact" || p.Read.Above != 20 || p.Read.AboveSame != 20 || p.Read.Below != 5 || p.Read.BelowSame != 5 ||
		p.Read.First.Offset != 55 || p.Read.PrimaryFirst.Offset != 50 || p.Read.First.SHA256 != p.Read.PrimaryFirst.SHA256 {
		t.Errorf("%+v", p)
	}
	if s.Confidence["exact"] != 1 || s.Confidence["unknown"] != 4 {
		t.Error(s.Confidence)
	}
	if r.Cleanup.Deleted != 6 { // five groups, and the beacon
		t.Errorf("%+v", r.Cleanup)
	}
	if p := positionOf(t, r, "at-100"); p.Verdict != "at_end" || !p.Resumed || p.Read.First != nil {
		t.Errorf("%+v", p)
	}
}

func TestFailures(t *testing.T) {
	for name, c := range map[string]struct {
		spoil    func(west, east *fake)
		verdict  string
		finding  string
		failure  string
		skipped  int64
		lost     int64
		reread   int64
		result   Result
		resumed  bool
		position string
	}{
		"skips":        {func(_, east *fake) { east.commits("at-50", "orders", 0, 58) }, "skips", "1 position would not continue where the group left off: 1 skips", "", 3, 0, 0, Failed, true, "at-50"},
		"rereads":      {func(_, east *fake) { east.commits("at-50", "orders", 0, 51) }, "rereads", "", "", 0, 0, 4, Passed, true, "at-50"},
		"no offset":    {func(_, east *fake) { delete(east.groups, "at-50") }, "no_offset", "1 position did not resume: at-50", "there is no offset on the secondary", 0, 0, 0, Failed, false, "at-50"},
		"out of range": {func(_, east *fake) { east.commits("at-50", "orders", 0, 500) }, "out_of_range", "1 position did not resume", "offset 500 is out of range", 0, 0, 0, Failed, false, "at-50"},
		"log start":    {func(_, east *fake) { east.logs[kafka.TopicPartition{Topic: "orders"}].start = 30 }, "out_of_range", "2 positions did not resume: at-0, at-1", "offset 5 is out of range", 0, 0, 0, Failed, false, "at-0"},
		"topic gone":   {func(_, east *fake) { delete(east.logs, kafka.TopicPartition{Topic: "orders"}) }, "topic_missing", "5 positions did not resume", "assigned to nobody", 0, 0, 0, Failed, false, "at-50"},
		"mirror behind": {func(west, _ *fake) {
			west.fill("orders", 0, 100, 130)
			west.commits("at-100", "orders", 0, 120)
		}, "not_mirrored_yet", "a record 50s old is not on the secondary; the target is 10s", "", 0, 30, 0, Failed, true, "at-100"},
	} {
		t.Run(name, func(t *testing.T) {
			west, east := pair()
			c.spoil(west, east)
			o := options()
			o.RPO = 10 * time.Second
			r := drilled(t, west, east, o)
			p := positionOf(t, r, c.position)
			if p.Verdict != c.verdict || !strings.Contains(p.Failure, c.failure) || (p.Failure == "") != (c.failure == "") || p.Resumed != c.resumed {
				t.Errorf("%+v", p)
			}
			if all := strings.Join(r.Findings, "; "); r.Result != c.result || !strings.Contains(all, c.finding) || (all == "") != (c.finding == "") {
				t.Errorf("%s: %q, %q", r.Result, all, r.Problems)
			}
			if s := r.Summary; s.SkippedRecords != c.skipped || s.RPO.Records != c.lost || s.RTO.RereadRecords != c.reread {
				t.Errorf("%+v", s)
			}
		})
	}
}

// A primary that is gone: everybody resumes, and what could not be compared is said.
func TestWithoutThePrimary(t *testing.T) {
	west, east := pair()
	west.down = errors.New("unreachable")
	r := drilled(t, west, east, options())
	if r.Result != Incomplete || r.Summary.Resumed != 5 || r.Summary.Compared != 0 || r.Summary.RPO.Known || len(r.Problems) != 1 || r.Primary.Error != "unreachable" {
		t.Errorf("%s %+v %q", r.Result, r.Summary, r.Problems)
	}
	east.commits("at-50", "orders", 0, 500)
	if r := drilled(t, west, east, options()); r.Result != Failed || r.Summary.Resumed != 4 {
		t.Errorf("%s %+v", r.Result, r.Summary)
	}
}

// Groups that live on the secondary are left alone, and so are those of others.
func TestSelection(t *testing.T) {
	west, east := pair()
	east.group("at-1").members = []string{"somebody"}
	o := options()
	o.Plan = func(context.Context) (Plan, error) {
		return Plan{LetGo: map[string]string{"at-0": "taken over on the secondary"}}, nil
	}
	o.Groups = func(g string) bool { return g != "at-99" }
	r := drilled(t, west, east, o)
	if s := r.Summary; s.Groups != 2 || s.GroupsLeftOut != 2 || s.Positions != 2 || r.Result != Passed {
		t.Errorf("%+v %s", s, r.Result)
	}
	o = options()
	o.Sample, o.Seed = 2, 7
	one, two := drilled(t, west, east, o), drilled(t, west, east, o)
	if one.Summary.Positions != 2 || one.Summary.PositionsKnown != 4 || one.Asked.Seed != "7" || fmt.Sprint(groupsOf(one)) != fmt.Sprint(groupsOf(two)) {
		t.Errorf("%v, %v, %+v", groupsOf(one), groupsOf(two), one.Summary)
	}
	o = options()
	o.Topic = "payments"
	if r := drilled(t, west, east, o); r.Result != Incomplete || !slices.Contains(r.Problems, "there was no position to check") {
		t.Errorf("%s %q", r.Result, r.Problems)
	}
	west.id = "idE"
	if _, err := Run(t.Context(), west, east, east, options()); !errors.Is(err, ErrSameCluster) {
		t.Error(err)
	}
}

func groupsOf(r Report) (all []string) {
	for _, g := range r.Groups {
		if g.LeftOut == "" {
			all = append(all, g.Group)
		}
	}
	return all
}

// A group that commits backwards between the two questions was not caught skipping; one that skips each time it is looked at was.
func TestRewindBetweenTheQuestions(t *testing.T) {
	for _, c := range []struct {
		again   int64 // where the secondary stands when it is looked at once more
		verdict string
	}{{35, "moving"}, {40, "skips"}} {
		west, east := pair()
		west.commits("at-50", "orders", 0, 30) // the secondary has not followed yet
		o := options()
		o.Group = "at-50"
		o.Progress = func(what string) {
			if what == "deleting the shadow groups" {
				return
			}
			if strings.HasPrefix(what, "1 of 1 positions") {
				east.mu.Lock()
				east.commits("at-50", "orders", 0, c.again)
				east.mu.Unlock()
			}
		}
		r, err := Run(t.Context(), west, east, east, o)
		if err != nil {
			t.Fatal(err)
		}
		if p := positionOf(t, r, "at-50"); p.Verdict != c.verdict || (r.Result == Failed) != (c.verdict == "skips") {
			t.Errorf("%+v %s", p, r.Result)
		}
	}
}

// Whatever goes wrong, and wherever the drill is interrupted, no shadow is left and nobody else was touched.
func TestInterruptedAnywhere(t *testing.T) {
	count := func(before func(n int, cancel func(), f *fake) error) (calls int) {
		west, east := pair()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		was := [2]string{west.state(), east.state()}
		east.before = func(string, string) error {
			east.mu.Lock()
			calls++
			n := calls
			east.mu.Unlock()
			return before(n, cancel, east)
		}
		_, err := Run(ctx, west, east, east, options())
		if ctx.Err() != nil && !errors.Is(err, context.Canceled) && err != nil {
			t.Errorf("interrupted: %v", err)
		}
		undisturbed(t, west, east, was)
		return calls
	}
	all := count(func(int, func(), *fake) error { return nil })
	for at := 1; at <= all; at++ {
		count(func(n int, cancel func(), _ *fake) error {
			if n == at {
				cancel()
			}
			return nil
		})
		count(func(n int, _ func(), _ *fake) error {
			if n == at {
				return errors.New("broken")
			}
			return nil
		})
	}
	if all < 20 {
		t.Errorf("only %d changes", all)
	}
}

// What a killed drill left is deleted by the next one, members included; what a running one needs is not.
func TestEarlierDrills(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		west, east := pair()
		was := [2]string{west.state(), east.state()}
		const killed, dying, running = "20261101t000000z-00000001", "20261101t000000z-00000002", "20261101t000000z-00000003"
		for _, id := range []string{killed, dying, running} {
			east.commits(shadow(id, "at-50"), "orders", 0, 7)
			east.group(shadow(id, "at-1")).members = []string{"m"}
		}
		east.group(beacon(dying)).members = []string{"m"}
		east.group(beacon(running)).members = []string{"m"}
		east.group("leftoff-drill.mine").members = []string{"somebody"} // not a drill's name
		o := options()
		o.Now = time.Now
		go func() {
			time.Sleep(session)
			east.mu.Lock()
			defer east.mu.Unlock()
			east.group(beacon(dying)).members = nil
		}()
		r, err := Run(t.Context(), west, east, east, o)
		if err != nil {
			t.Fatal(err)
		}
		if c := r.Cleanup; fmt.Sprint(c.Earlier) != fmt.Sprint([]string{killed, dying}) || fmt.Sprint(c.Running) != fmt.Sprint([]string{running}) || len(c.Left) > 0 {
			t.Errorf("%+v", c)
		}
		if len(east.groups) != 5+3+1 || len(east.group("leftoff-drill.mine").members) != 1 || east.touched["leftoff-drill.mine"] {
			t.Errorf("left:\n%s", east.state())
		}
		for g := range east.groups {
			if id, ok := drillOf(g); ok && id == running || g == "leftoff-drill.mine" {
				delete(east.groups, g)
			}
		}
		undisturbed(t, west, east, was)
	})
}

// What a killed drill left is also deleted by who does not drill; what a running one needs is not, and nobody else's group.
func TestSweep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, east := pair()
		const killed, running = "20261101t000000z-00000001", "20261101t000000z-00000003"
		for _, id := range []string{killed, running} {
			east.commits(shadow(id, "at-50"), "orders", 0, 7)
			east.group(shadow(id, "at-1")).members = []string{"m"}
		}
		east.group(beacon(running)).members = []string{"m"}
		was := len(east.groups)
		done, err := Sweep(t.Context(), east, east)
		if err != nil || fmt.Sprint(done.Earlier) != fmt.Sprint([]string{killed}) || fmt.Sprint(done.Running) != fmt.Sprint([]string{running}) || len(done.Left) > 0 {
			t.Errorf("%+v %v", done, err)
		}
		for g := range east.touched {
			if id, _ := drillOf(g); id != killed {
				t.Errorf("group %s was touched", g)
			}
		}
		if len(east.groups) != was-2 {
			t.Errorf("left:\n%s", east.state())
		}
		east.down = errors.New("down")
		if _, err := Sweep(t.Context(), east, east); err == nil {
			t.Error("nothing is said of a secondary that is down")
		}
	})
}

// A shadow that can't be deleted is in the report, and in the error.
func TestLeftBehind(t *testing.T) {
	west, east := pair()
	east.before = func(op, group string) error {
		if op == "delete" && strings.HasSuffix(group, ".at-50") {
			return errors.New("not allowed")
		}
		return nil
	}
	r, err := Run(t.Context(), west, east, east, options())
	if err != nil || r.Result != Incomplete || len(r.Cleanup.Left) != 1 || !strings.HasSuffix(r.Cleanup.Left[0], ".at-50") {
		t.Errorf("%s %+v, %v", r.Result, r.Cleanup, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	o := options()
	o.Progress = func(what string) {
		if strings.HasPrefix(what, "5 of 5 groups") {
			cancel()
		}
	}
	_, err = Run(ctx, west, east, east, o)
	if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), ".at-50 is left behind on the secondary: not allowed. Try: ") {
		t.Error(err)
	}
}

// What is missing to join is asked for once and for all.
func TestRights(t *testing.T) {
	west, east := pair()
	east.before = func(op, group string) error {
		return &kafka.Error{Class: kafka.Unauthorized, Err: kafka.ErrUnauthorized, Hint: "kafka-acls --add --allow-principal User:me --operation Read --group " + group}
	}
	_, err := Run(t.Context(), west, east, east, options())
	if err == nil || !strings.Contains(err.Error(), "Try: kafka-acls --add --allow-principal User:me --operation Read --operation Delete --group leftoff-drill. --resource-pattern-type prefixed\n") {
		t.Error(err)
	}
}

func TestPage(t *testing.T) {
	west, east := pair()
	west.commits("<script>alert(1)</script>", "orders", 0, 50)
	west.fill("orders", 0, 100, 130)       // never mirrored
	east.commits("at-50", "orders", 0, 51) // 46 to 49 again
	o := options()
	o.RTO = 5 * time.Second
	o.Plan = func(context.Context) (Plan, error) {
		return Plan{From: "daemon", Positions: map[Key]Planned{
			{"at-0", "orders", 0}: {"exact", nil}, {"at-1", "orders", 0}: {"exact", nil}, {"at-50", "orders", 0}: {"floor", nil}, {"at-99", "orders", 0}: {"behind", nil},
			{"at-100", "orders", 0}: {"unmapped", nil},
		}}, nil
	}
	r := drilled(t, west, east, o)
	var b bytes.Buffer
	if err := Page(&b, r); err != nil {
		t.Fatal(err)
	}
	html := b.String()
	for _, phrase := range []string{
		r.Checksum, r.ID, "idW", "idE", "leftoff v0", ">failed<", "5 of 6", "auto.offset.reset would decide", "2023-11-14",
		"Lost (RPO)<b>at least 30</b>records of 1 partitions that groups read; the oldest 50s old",
		`<p class="dim">what would be lost is counted in the 1 partition that the checked positions lie in`,
		"Back to work (RTO)<b>0s</b>slowest group; median 0s; 4 records read again", "no RPO, RTO 5s",
		"2 exact, 1 behind, 1 floor, 1 unknown, 1 unmapped", "<td>floor</td>", "<td>behind</td>", "<td>unmapped</td>", "rereads: 4<br>",
		"<b>exact</b>: nothing is skipped", "<b>behind</b>: the mirror", "<b>floor</b>: safe", "<b>unmapped</b>: nothing is proven",
	} {
		if !strings.Contains(html, phrase) {
			t.Errorf("the page does not say %q", phrase)
		}
	}
	for _, phrase := range []string{"<script", "http:", "https:", "src=", "url(", "<no value>", "ZgotmplZ"} {
		if strings.Contains(html, phrase) {
			t.Errorf("the page has %q", phrase)
		}
	}
}

func TestChecksum(t *testing.T) {
	west, east := pair()
	r := drilled(t, west, east, options())
	encoded, err := json.MarshalIndent(r, " ", "\t")
	if err != nil {
		t.Fatal(err)
	}
	if again, err := Check(encoded); err != nil || again.ID != r.ID {
		t.Fatal(err)
	}
	var reordered map[string]any
	if err := json.Unmarshal(encoded, &reordered); err != nil {
		t.Fatal(err)
	}
	for old, changed := range map[string]string{
		`"result": "passed"`: `"result": "failed"`, `"lost`: `"lost`, `"records": 0`: `"records": 1`, `"schema": 1`: `"schema": 1, "more": true`, `"at-50"`: `"at-51"`,
	} {
		if forged := strings.Replace(string(encoded), old, changed, 1); forged != string(encoded) {
			if _, err := Check([]byte(forged)); !errors.Is(err, ErrChanged) {
				t.Errorf("%s: %v", changed, err)
			}
		}
	}
	for _, no := range []string{"", "{}", "[]", `{"schema": 1}`, string(encoded) + "x", `{"schema": "one", "id": 3, "checksum": "x"}`} {
		if _, err := Check([]byte(no)); !errors.Is(err, ErrNotAReport) {
			t.Errorf("%.20q: %v", no, err)
		}
	}
}

func TestNames(t *testing.T) {
	id := newID(then)
	for group, want := range map[string]bool{
		shadow(id, "payments"): true, shadow(id, "a.b.c"): true, shadow(id, ""): true, beacon(id): true,
		"payments": false, "": false, "leftoff-drill": false, "leftoff-drill.": false, "leftoff-drill.x": false, "leftoff-drill.payments.daily": false,
		"leftoff-drill.20261101t000000z": false, "leftoff-drill.20261101t000000z-xyz": false, "leftoff-drill.20261101t000000z-0000000g": false,
		"leftoff-other." + id: false, " " + beacon(id): false, "leftoff-drill." + id + "x": false,
	} {
		if got, ok := drillOf(group); ok != want || ok && got != id {
			t.Errorf("%q: %q, %v", group, got, ok)
		}
	}
}

// The guard lets nothing pass but shadows: its own to join and commit, any drill's to empty and delete.
func TestGuard(t *testing.T) {
	own, other := newID(then), newID(then)
	for _, c := range []struct {
		group     string
		own, gone bool
	}{
		{shadow(own, "g"), true, true}, {beacon(own), true, true}, {shadow(other, "g"), false, true}, {"payments", false, false},
		{"", false, false}, {"leftoff-drill.payments", false, false}, {Prefix + own + "x.g", false, false},
	} {
		for op, try := range map[string]func(guard) error{
			"commit": func(g guard) error {
				_, err := g.commit(t.Context(), c.group, []kafka.CommitOffset{{Topic: "t"}})
				return err
			},
			"join":   func(g guard) error { _, err := g.join(t.Context(), c.group, nil); return err },
			"remove": func(g guard) error { return g.removeMembers(t.Context(), c.group, []string{"m"}) },
			"delete": func(g guard) error { return g.delete(t.Context(), c.group) },
		} {
			f := newFake("id")
			err := try(guard{f, own})
			want := c.gone
			if op == "commit" || op == "join" {
				want = c.own
			}
			if (err == nil) != want || f.touched[c.group] != want || err != nil && !errors.Is(err, errNotAShadow) {
				t.Errorf("%s %q: %v, touched %v", op, c.group, err, f.touched)
			}
		}
	}
}
