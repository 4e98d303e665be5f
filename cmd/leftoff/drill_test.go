package main

import (
	"context"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
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

// replaceIn replaces text in a file that has it: replace FILE OLD NEW.
func replaceIn(ts *testscript.TestScript, _ bool, args []string) {
	text := ts.ReadFile(args[0])
	if !strings.Contains(text, args[1]) {
		ts.Fatalf("%s does not have %q", args[0], args[1])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(strings.Replace(text, args[1], args[2], 1)), 0o644))
}
