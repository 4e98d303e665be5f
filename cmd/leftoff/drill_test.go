package main

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leftoff/leftoff/replicator/api"
)

// onlyGroups holds that a cluster has these groups, and no others: groups ADDRESS GROUP….
func onlyGroups(ts *testscript.TestScript, _ bool, args []string) {
	cl, err := kgo.NewClient(kgo.SeedBrokers(args[0]))
	ts.Check(err)
	defer cl.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	listed, err := kadm.NewClient(cl).ListGroups(ctx)
	ts.Check(err)
	if got := listed.Groups(); !slices.Equal(got, args[1:]) {
		ts.Fatalf("groups %v, want %v", got, args[1:])
	}
}

// makeKeys makes a pair of Ed25519 keys: make-keys PRIVATE PUBLIC.
func makeKeys(ts *testscript.TestScript, _ bool, args []string) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	ts.Check(err)
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	ts.Check(err)
	open, err := x509.MarshalPKIXPublicKey(public)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), 0o600))
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: open}), 0o644))
}

// TestDrillsInStatus: how the drills that a link makes by itself stand, in a line.
func TestDrillsInStatus(t *testing.T) {
	now := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	at := func(d time.Duration) *time.Time { then := now.Add(d); return &then }
	for _, c := range []struct {
		d    *api.Drill
		want string
	}{
		{nil, ""},
		{&api.Drill{Held: "both sides are still being read"}, "none yet; the next one waits: both sides are still being read"},
		{&api.Drill{Running: true}, "none yet; one is running"},
		{&api.Drill{Last: at(-3 * time.Hour), Success: at(-3 * time.Hour), Result: "passed", Positions: map[string]int{"same_record": 1200, "at_end": 4}, Next: at(21 * time.Hour)},
			"passed 3 hours ago, 1,204 positions; the next one in 21 hours"},
		{&api.Drill{Last: at(-5 * time.Minute), Success: at(-50 * time.Hour), Result: "failed", Said: "1 position did not resume: late", Positions: map[string]int{"no_offset": 1}, Held: "a failover is under way, at drain"},
			"failed 5 minutes ago, 1 position: 1 position did not resume: late (passed last: 2 days ago); the next one waits: a failover is under way, at drain"},
		{&api.Drill{Last: at(-90 * time.Second), Result: "incomplete", Said: "there was no position to check", Next: at(-time.Second)},
			"incomplete 90 seconds ago, 0 positions: there was no position to check (passed last: never)"},
	} {
		var out strings.Builder
		printDrills(&out, c.d, now)
		want := ""
		if c.d != nil {
			want = "  drill      " + c.want + "\n"
		}
		if out.String() != want {
			t.Errorf("got  %q\nwant %q", out.String(), want)
		}
	}
}

// TestDeletedInStatus: what stays on the secondary although the primary has it no more, by group.
func TestDeletedInStatus(t *testing.T) {
	var out strings.Builder
	if printDeleted(&out, nil); out.String() != "" {
		t.Errorf("%q", out.String())
	}
	var many []api.Deleted
	for _, g := range []string{"a", "b", "c", "d", "e", "f", "g"} {
		many = append(many, api.Deleted{Group: g, Offsets: 2})
	}
	printDeleted(&out, many)
	if want := "\nDeleted, or expired, on the primary; on the secondary they stay: 14 offsets of a, b, c, d, e and 2 more\n"; out.String() != want {
		t.Errorf("%q", out.String())
	}
}

// replaceIn replaces text in a file that has it: replace FILE OLD NEW.
func replaceIn(ts *testscript.TestScript, _ bool, args []string) {
	text := ts.ReadFile(args[0])
	if !strings.Contains(text, args[1]) {
		ts.Fatalf("%s does not have %q", args[0], args[1])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(strings.Replace(text, args[1], args[2], 1)), 0o644))
}
