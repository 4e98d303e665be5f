package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/leftoff/leftoff/replicator/api"
	"github.com/leftoff/leftoff/replicator/failover"
	"github.com/leftoff/leftoff/replicator/kafka"
)

// homeAnswer is where a way home stands, with what the secondary never got.
type homeAnswer struct {
	api.FailoverAnswer
	// Divergence are the records of diverged: how many, and of which times.
	Divergence []failover.Span `json:"divergence,omitempty"`
}

// choose shows what the secondary never got, does with it what a person chose, and makes that the order's choice. Without a choice it only shows it.
func (a *app) choose(ctx context.Context, f *returning, p api.FailoverAnswer) ([]failover.Span, error) {
	s := p.State
	switch {
	case s.Step == failover.Return && f.replay: // one that was broken off keeps the way home from beginning
		return nil, a.withReplayer(ctx, p, func(r failover.Replayer) error {
			if s.Home.Choice != failover.Replay {
				return r.Settle(ctx)
			}
			return r.Replay(ctx, s.Home.Diverged)
		})
	case s.Step != failover.Diverge || len(p.Diverged) == 0:
		return nil, nil
	}
	spans, err := a.lookAt(ctx, p.Link, p.Diverged)
	if err != nil {
		return nil, err
	}
	a.printDiverged(spans)
	if f.choice() == "" {
		return spans, nil
	}
	if err := a.sure(f.yes, f.question(spans)); err != nil {
		return nil, err
	}
	done, err := a.carryOut(ctx, f, p, spans)
	if err != nil {
		return nil, err
	}
	fmt.Fprintln(a.err, done)
	if f.choice() == failover.Export {
		f.exported = done
	}
	f.order.Choice, f.order.Diverged = f.choice(), p.Diverged
	return spans, nil
}

// lookAt reads the records of a divergence.
func (a *app) lookAt(ctx context.Context, link string, all []failover.Unmirrored) ([]failover.Span, error) {
	primary, secondary, _, err := a.clustersOf(link)
	if err != nil {
		return nil, err
	}
	defer primary.Close()
	defer secondary.Close()
	say, end := a.saying()
	defer end()
	say("reading what the secondary never got")
	return failover.CountDivergence(ctx, primary, all)
}

func records(spans []failover.Span) string {
	n := 0
	for _, s := range spans {
		n += s.Records
	}
	return plural(n, "record")
}

// question is what a person is asked before a choice is carried out.
func (f *returning) question(spans []failover.Span) string {
	switch f.choice() {
	case failover.Export:
		return fmt.Sprintf("Write these %s to %s, and leave them on the primary only?", records(spans), f.export)
	case failover.Replay:
		return fmt.Sprintf("Produce these %s to the secondary, behind what it has? On the primary they stay where they are, once.", records(spans))
	}
	return fmt.Sprintf("Leave these %s on the primary, and only there?", records(spans))
}

// carryOut does with what the secondary never got what was chosen, and says what was done.
func (a *app) carryOut(ctx context.Context, f *returning, p api.FailoverAnswer, spans []failover.Span) (done string, err error) {
	err = a.withReplayer(ctx, p, func(r failover.Replayer) error {
		if f.choice() == failover.Replay {
			done = records(spans) + " produced to the secondary"
			return r.Replay(ctx, p.Diverged)
		}
		if err := r.Settle(ctx); err != nil {
			return err
		}
		if done = records(spans) + " left on the primary only"; f.choice() == failover.Discard {
			return nil
		}
		done = fmt.Sprintf("%s exported to %s", records(spans), f.export)
		return exportTo(ctx, f.export, r.From, p.Diverged)
	})
	return done, err
}

func exportTo(ctx context.Context, name string, from failover.Reader, all []failover.Unmirrored) error {
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("--export: %w. Try: the name of a file that is not there yet", err)
	}
	_, err = failover.ExportDivergence(ctx, from, all, file)
	if err == nil {
		err = file.Sync()
	}
	return errors.Join(err, file.Close())
}

// withReplayer gives f what a replay needs, of the way home that an answer is of.
func (a *app) withReplayer(ctx context.Context, p api.FailoverAnswer, f func(failover.Replayer) error) error {
	primary, secondary, there, err := a.clustersOf(p.Link)
	if err != nil {
		return err
	}
	defer primary.Close()
	defer secondary.Close()
	var ids [2]string
	for side, c := range []*kafka.Cluster{primary, secondary} {
		if ids[side], err = c.ClusterID(ctx); err != nil {
			return err
		}
	}
	stop := a.busy("reading and producing")
	defer stop()
	store := failover.NewStore(&failover.KafkaLog{Cluster: secondary}, failover.LinkID(p.Link, ids[0], ids[1]))
	return f(failover.Replayer{Store: store, ID: p.State.ID, Who: whoAmI(), From: primary, To: secondary, There: there})
}

// clustersOf opens the clusters of a link.
func (a *app) clustersOf(link string) (primary, secondary *kafka.Cluster, there func(string) string, err error) {
	log, err := a.logger("error")
	if err != nil {
		return nil, nil, nil, err
	}
	_, sides, err := a.sidesOfFile()
	if err != nil {
		return nil, nil, nil, err
	}
	for _, s := range sides {
		if s.Name == link {
			return kafka.Open(s.here, log), kafka.Open(s.there, log), s.Topics.Rename.Apply, nil
		}
	}
	return nil, nil, nil, usage("link %s is not in %s", link, a.config).hint("-c with the daemon's configuration")
}

// printDiverged lists what the secondary never got. For programs it is in the answer.
func (a *app) printDiverged(spans []failover.Span) {
	out := a.out
	if a.output == "json" {
		out = a.err
	}
	fmt.Fprintf(out, "What the primary has and the secondary never got: %s\n\n", records(spans))
	t := newTable("TOPIC", ">PARTITION", ">RECORDS", ">FIRST OFFSET", ">LAST", "FIRST TIMESTAMP", "LAST")
	for _, s := range spans {
		first, last := "-", "-"
		if s.Records > 0 {
			first, last = s.First.Format(time.RFC3339), s.Last.Format(time.RFC3339)
		}
		t.row(s.Topic, number(int64(s.Partition)), number(int64(s.Records)), number(s.From), number(s.To-1), first, last)
	}
	t.print(out)
	fmt.Fprintln(out)
}
