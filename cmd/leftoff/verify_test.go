package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// commitOffset commits from outside a group, in partition 0: commit ADDRESS GROUP TOPIC OFFSET.
func commitOffset(ts *testscript.TestScript, _ bool, args []string) {
	cl, err := kgo.NewClient(kgo.SeedBrokers(args[0]))
	ts.Check(err)
	defer cl.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var at int64
	_, err = fmt.Sscan(args[3], &at)
	ts.Check(err)
	o := kadm.Offsets{}
	o.Add(kadm.Offset{Topic: args[2], At: at, LeaderEpoch: -1})
	ts.Check(kadm.NewClient(cl).CommitAllOffsets(ctx, args[1], o))
}

// envsubst puts variables into a file: envsubst FILE.
func envsubst(ts *testscript.TestScript, _ bool, args []string) {
	text := os.Expand(ts.ReadFile(args[0]), ts.Getenv)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text), 0o644))
}
