package main

import (
	"context"
	"fmt"
	"regexp"
	"sync"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// asking opens an admin client for a moment.
func asking(ts *testscript.TestScript, address string, f func(context.Context, *kadm.Client)) {
	cl, err := kgo.NewClient(kgo.SeedBrokers(address))
	ts.Check(err)
	defer cl.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	f(ctx, kadm.NewClient(cl))
}

// endsAt fails where a topic's only partition does not end at an offset: ends ADDRESS TOPIC OFFSET.
func endsAt(ts *testscript.TestScript, _ bool, args []string) {
	asking(ts, args[0], func(ctx context.Context, a *kadm.Client) {
		ends, err := a.ListEndOffsets(ctx, args[1])
		ts.Check(err)
		if end, _ := ends.Lookup(args[1], 0); fmt.Sprint(end.Offset) != args[2] {
			ts.Fatalf("%s ends at %d, want %s", args[1], end.Offset, args[2])
		}
	})
}

// committedAt fails where a group has not committed an offset of partition 0: committed ADDRESS GROUP TOPIC OFFSET.
func committedAt(ts *testscript.TestScript, _ bool, args []string) {
	asking(ts, args[0], func(ctx context.Context, a *kadm.Client) {
		offsets, err := a.FetchOffsets(ctx, args[1])
		ts.Check(err)
		if o, ok := offsets.Lookup(args[2], 0); !ok || fmt.Sprint(o.At) != args[3] {
			ts.Fatalf("%s is at %d (%t), want %s", args[1], o.At, ok, args[3])
		}
	})
}

// members are how to end those that a script has joined.
var members sync.Map

// leave ends the member of a group: leave GROUP.
func leave(ts *testscript.TestScript, _ bool, args []string) {
	end, ok := members.LoadAndDelete(memberOf{ts, args[0]})
	if !ok {
		ts.Fatalf("%s has no member", args[0])
	}
	end.(func())()
}

type memberOf struct {
	ts    *testscript.TestScript
	group string
}

// join puts a member into a group, until the script ends or leaves it: join ADDRESS GROUP TOPIC.
func join(ts *testscript.TestScript, _ bool, args []string) {
	cl, err := kgo.NewClient(kgo.SeedBrokers(args[0]), kgo.ConsumerGroup(args[1]), kgo.ConsumeTopics(args[2]), kgo.ClientID("till"), kgo.DisableAutoCommit())
	ts.Check(err)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			cl.PollFetches(ctx)
		}
	}()
	end := sync.OnceFunc(func() { cancel(); cl.Close(); <-done })
	members.Store(memberOf{ts, args[1]}, end)
	ts.Defer(end)
	asking(ts, args[0], func(ctx context.Context, a *kadm.Client) {
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for range tick.C {
			groups, err := a.DescribeGroups(ctx, args[1])
			ts.Check(err)
			if len(groups[args[1]].Members) > 0 && groups[args[1]].State == "Stable" {
				return
			}
		}
	})
}

// until runs a command until its output matches: until PATTERN COMMAND…. What it printed last is there for stdout.
func until(ts *testscript.TestScript, _ bool, args []string) {
	pattern := regexp.MustCompile(args[0])
	deadline, tick := time.Now().Add(30*time.Second), time.NewTicker(200*time.Millisecond)
	defer tick.Stop()
	for range tick.C {
		err := ts.Exec(args[1], args[2:]...)
		if out := ts.ReadFile("stdout"); pattern.MatchString(out) {
			return
		} else if time.Now().After(deadline) {
			ts.Fatalf("%v\n%s%s", err, out, ts.ReadFile("stderr"))
		}
	}
}
