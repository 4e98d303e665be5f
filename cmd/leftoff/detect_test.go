package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leftoff/leftoff/internal/region"
)

// startPair starts two regions that end with the script, and sets $WEST and $EAST to their addresses: start-pair.
func startPair(ts *testscript.TestScript, _ bool, _ []string) {
	for _, name := range []string{"WEST", "EAST"} {
		r, err := region.Start(region.Options{Name: name})
		ts.Check(err)
		ts.Defer(r.Close)
		ts.Setenv(name, r.Bootstrap()[0])
	}
}

// fillTopic makes a topic on a cluster and writes records FROM to TO−1, the same for the same numbers: fill-topic ADDRESS
// TOPIC FROM TO. MirrorMaker 2's offset-syncs topic gets syncs of topic orders instead: at those numbers on the primary, and
// five less on the secondary.
func fillTopic(ts *testscript.TestScript, _ bool, args []string) {
	cl, err := kgo.NewClient(kgo.SeedBrokers(args[0]))
	ts.Check(err)
	defer cl.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if _, err = kadm.NewClient(cl).CreateTopic(ctx, 1, 1, nil, args[1]); !errors.Is(err, kerr.TopicAlreadyExists) {
		ts.Check(err)
	}
	var from, to int
	_, err = fmt.Sscan(args[2]+" "+args[3], &from, &to)
	ts.Check(err)
	for i := from; i < to; i++ {
		r := &kgo.Record{Topic: args[1], Key: fmt.Append(nil, "k", i), Value: fmt.Append(nil, "v", i), Timestamp: time.UnixMilli(1_700_000_000_000 + 1000*int64(i))}
		if args[1] == "mm2-offset-syncs.east.internal" {
			r.Key = []byte("\x00\x06orders\x00\x00\x00\x00")
			r.Value = []byte{0, 0, 0, 0, 0, 0, 0, byte(i), 0, 0, 0, 0, 0, 0, 0, byte(i - 5)}
		}
		ts.Check(cl.ProduceSync(ctx, r).FirstErr())
	}
}
