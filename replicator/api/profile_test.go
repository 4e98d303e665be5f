package api

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/leftoff/leftoff/replicator"
)

// TestProfilesOnlyWhereAsked: /debug/pprof is not there unless it is turned on, and then the other paths still are.
func TestProfilesOnlyWhereAsked(t *testing.T) {
	for _, on := range []bool{false, true} {
		s, err := Listen("127.0.0.1:0", Options{Source: &fake{all: []replicator.Snapshot{made()}}, Profiles: on})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- s.Serve(ctx) }()
		want := map[bool]int{false: http.StatusNotFound, true: http.StatusOK}[on]
		for path, code := range map[string]int{"/debug/pprof/goroutine?debug=1": want, "/debug/pprof/profile?seconds=1": want, "/healthz": http.StatusOK} {
			got, body := ask(t, "http://"+s.Addr()+path)
			if got != code {
				t.Errorf("profiles %t: %s answers %d, want %d", on, path, got, code)
			}
			if on && strings.Contains(path, "goroutine") && !strings.HasPrefix(body, "goroutine profile: total ") {
				t.Errorf("%s says %.60q", path, body)
			}
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// TestProfilesStayOnLoopback: a listener that others can reach is refused.
func TestProfilesStayOnLoopback(t *testing.T) {
	if s, err := Listen("0.0.0.0:0", Options{Profiles: true}); err == nil || !strings.Contains(err.Error(), "Try: ") {
		t.Errorf("listens on %v: %v", s, err)
	}
}

func ask(t *testing.T, url string) (code int, body string) {
	t.Helper()
	c := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := c.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}
