package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/translate"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serve starts a server on a free port and joins it when the test ends.
func serve(t *testing.T, source Source) *Server {
	t.Helper()
	s, err := Listen("127.0.0.1:0", Options{Source: source, Version: "v0"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestClientAndServer(t *testing.T) {
	f := &fake{all: []replicator.Snapshot{made()}}
	c := NewClient(serve(t, f).Addr())
	ctx := t.Context()

	status, err := c.Status(ctx)
	if err != nil || len(status.Links) != 1 || status.Links[0].Totals.Groups != 5 {
		t.Errorf("status: %v %+v", err, status)
	}
	plan, err := c.Plan(ctx, "west-east", "lagging")
	if err != nil || len(plan.Links[0].Write) != 1 || plan.Links[0].InStep != 1 {
		t.Errorf("plan: %v %+v", err, plan)
	}
	groups, err := c.Groups(ctx, "", "payments")
	if err != nil || len(groups.Links[0].Groups) != 1 || len(groups.Links[0].Groups[0].Entries) != 1 {
		t.Errorf("groups: %v %+v", err, groups)
	}
	f.mapping = replicator.Mapping{Position: translate.Position{Offset: 41, Confidence: translate.Exact}, Topic: "orders"}
	tr, err := c.Translate(ctx, Query{Topic: "orders", Partition: 3, Offset: 42, Reverse: true})
	if err != nil || tr.Position == nil || *tr.Position != 41 || *tr.RereadRecords != 0 {
		t.Errorf("translate: %v %+v", err, tr)
	}
	if f.asked != (Query{Topic: "orders", Partition: 3, Offset: 42, Reverse: true}) {
		t.Errorf("asked %+v", f.asked)
	}
	re, err := c.Reclaim(ctx, Reclaim{Group: "billing", Who: "ann", Why: "drill over"})
	if err != nil || re.Verdict != "reclaimed" || re.Why != "ann: drill over" || !re.At.Equal(noon) {
		t.Errorf("reclaim: %v %+v", err, re)
	}
}

// audited is a fake that keeps who reclaimed a group.
type audited struct {
	fake
	by []string
}

func (a *audited) ReclaimBy(_ context.Context, link, group, who, why string) (replicator.Verdict, error) {
	a.by = append(a.by, link, group, who, why)
	return replicator.Verdict{Kind: replicator.VerdictReclaimed, At: noon.UnixMilli(), Why: why}, a.err
}

// Where it is kept who reclaimed a group, the person is told apart from the reason; what the verdict says has both.
func TestReclaimSaysWho(t *testing.T) {
	a := &audited{fake: fake{all: []replicator.Snapshot{made()}}}
	c := NewClient(serve(t, a).Addr())
	re, err := c.Reclaim(t.Context(), Reclaim{Link: "l", Group: "billing", Who: " ann ", Why: "drill over"})
	if err != nil || re.Why != "ann: drill over" || !slices.Equal(a.by, []string{"l", "billing", "ann", "ann: drill over"}) || len(a.reclaimed) > 0 {
		t.Errorf("%v %+v, asked %q and %q", err, re, a.by, a.reclaimed)
	}
}

func TestErrorsKeepTheirHint(t *testing.T) {
	f := &fake{all: []replicator.Snapshot{made()}}
	c := NewClient(serve(t, f).Addr())
	for _, want := range []struct {
		err    error
		status int
	}{
		{fmt.Errorf("group %q: %w", "x", replicator.ErrUnknownGroup), 404}, {replicator.ErrGroupLive, 409}, {ErrUnknownTopic, 404},
		{errors.New("disk on fire. Try: water"), 500}, {context.DeadlineExceeded, 503},
	} {
		f.err = want.err
		_, err := c.Reclaim(t.Context(), Reclaim{Group: "x"})
		var r *Refusal
		if !errors.As(err, &r) || r.Status != want.status || err.Error() != want.err.Error() {
			t.Errorf("%v became %v (%+v)", want.err, err, r)
		}
	}
	f.err = nil
	if _, err := c.Plan(t.Context(), "nowhere", ""); err == nil || !strings.Contains(err.Error(), "no such link") {
		t.Errorf("unknown link: %v", err)
	}
}

func TestNoDaemon(t *testing.T) {
	s, err := Listen("127.0.0.1:0", Options{Source: &fake{}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(s.Addr(), Options{Source: &fake{}}); err == nil || !strings.Contains(err.Error(), "Try: ") {
		t.Errorf("busy address: %v", err)
	}
	s.listener.Close()
	if _, err := NewClient(s.Addr()).Status(t.Context()); !errors.Is(err, ErrNoDaemon) {
		t.Errorf("%v", err)
	}
}

func TestReadyz(t *testing.T) {
	s := made()
	h := Handler(Options{Source: &fake{all: []replicator.Snapshot{s}}})
	if code, _ := get(h, "/readyz"); code != http.StatusOK {
		t.Error(code)
	}
	s.Sides[1].CaughtUp, s.Sides[1].Error = false, "connection refused"
	h = Handler(Options{Source: &fake{all: []replicator.Snapshot{made(), s}}})
	if code, body := get(h, "/readyz"); code != http.StatusServiceUnavailable || !strings.Contains(body, "secondary: connection refused") {
		t.Error(code, body)
	}
	if code, _ := get(h, "/healthz"); code != http.StatusOK {
		t.Error(code)
	}
}

func TestBadQuestions(t *testing.T) {
	h := Handler(Options{Source: &fake{}})
	for _, path := range []string{"/translate", "/translate?topic=a&partition=x&offset=1", "/translate?topic=a&partition=0&offset=-1", "/translate?partition=0&offset=1"} {
		if code, body := get(h, path); code != http.StatusBadRequest || !strings.Contains(body, "hint") {
			t.Error(path, code, body)
		}
	}
	r := httptest.NewRecorder()
	h.ServeHTTP(r, httptest.NewRequest("POST", "/reclaim", strings.NewReader(`{"group":"g"}`)))
	if r.Code != http.StatusBadRequest {
		t.Error("a form post passes", r.Code)
	}
}

// TestBrowsersCantBeTricked: another site's page can neither reclaim a group nor read through a rebound name.
func TestBrowsersCantBeTricked(t *testing.T) {
	f := &fake{all: []replicator.Snapshot{made()}}
	s := serve(t, f)
	ask := func(method, path, host, origin string) int {
		r, err := http.NewRequestWithContext(t.Context(), method, "http://"+s.Addr()+path, strings.NewReader(`{"group":"g"}`))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		if origin != "" {
			r.Header.Set("Origin", origin)
			r.Header.Set("Sec-Fetch-Site", "cross-site")
		}
		if host != "" {
			r.Host = host
		}
		r.Close = true
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		_, _ = io.Copy(io.Discard, answer.Body)
		return answer.StatusCode
	}
	if code := ask("POST", "/reclaim", "", "https://evil.example"); code != http.StatusForbidden || len(f.reclaimed) > 0 {
		t.Error("cross-origin post:", code, f.reclaimed)
	}
	if code := ask("GET", "/status", "evil.example:9780", ""); code != http.StatusForbidden {
		t.Error("rebound name:", code)
	}
	if code := ask("GET", "/status", "localhost:9780", ""); code != http.StatusOK {
		t.Error("localhost:", code)
	}
}

func TestPage(t *testing.T) {
	code, body := get(Handler(Options{Source: &fake{}}), "/")
	if code != http.StatusOK || !strings.Contains(body, "<title>leftoff</title>") {
		t.Error(code)
	}
	for _, outside := range []string{"http://", "https://", "src="} {
		if strings.Contains(body, outside) {
			t.Errorf("the page refers to something outside: %s", outside)
		}
	}
}

// TestPageKnowsTheJSON: whatever field the page reads is in the answer it reads.
func TestPageKnowsTheJSON(t *testing.T) {
	body, err := json.Marshal(NewStatus("v0", noon, []replicator.Snapshot{made()}))
	if err != nil {
		t.Fatal(err)
	}
	fields := regexp.MustCompile(`\b[ltcfghs]\.([a-z][a-z_]*)\b(?:[^(]|$)`).FindAllStringSubmatch(string(pageHTML), -1)
	if len(fields) < 20 {
		t.Fatalf("only %d fields found", len(fields))
	}
	for _, f := range fields {
		switch f[1] {
		case "error", "length", "map": // where there is none; of lists
		default:
			if !strings.Contains(string(body), `"`+f[1]+`":`) {
				t.Errorf("the page reads %s, which no status has", f[1])
			}
		}
	}
}

func get(h http.Handler, path string) (int, string) {
	r := httptest.NewRecorder()
	h.ServeHTTP(r, httptest.NewRequest("GET", path, nil))
	return r.Code, r.Body.String()
}
