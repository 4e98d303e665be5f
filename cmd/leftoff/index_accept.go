package main

import (
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/leftoff/leftoff/checkpoint"
	"github.com/leftoff/leftoff/translate"
)

// accepted is what `index accept` did, and its JSON.
type accepted struct {
	Link      string `json:"link"`
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	Spans     []span `json:"accepted"`
	Below     int64  `json:"below"`
}

type span struct {
	From int64 `json:"from"`
	To   int64 `json:"to"`
}

func (a *app) indexAcceptCommand() *cobra.Command {
	below := int64(-1)
	c := a.withLink(a.withOutput(&cobra.Command{
		Use: "accept TOPIC PARTITION", Short: "let positions pass records that somebody else wrote on the secondary", Args: cobra.ExactArgs(2),
		Long: `Records on the secondary that are nobody's copy keep every position below them: a group that resumed above would skip
them. Read them first (they are named in leftoff status). Accepting says that no group needs them. TOPIC is the
primary's name. The daemon must not be running.`,
		Example: `  leftoff index accept payments 0
  leftoff index accept payments 0 --below 1005`,
		RunE: func(_ *cobra.Command, args []string) error {
			n, err := strconv.ParseInt(args[1], 10, 32)
			if err != nil || n < 0 {
				return usage("partition %q is not a number", args[1])
			}
			done, err := a.accept(args[0], int32(n), below)
			if err != nil {
				return err
			}
			if asked, err := a.json(done); asked {
				return err
			}
			for _, s := range done.Spans {
				fmt.Fprintf(a.out, "%s/%d: accepted the records %d to %d\n", done.Topic, done.Partition, s.From, s.To-1)
			}
			return nil
		},
	}))
	c.Flags().Int64Var(&below, "below", below, "accept only records below this offset of the secondary; all of them by default")
	return c
}

func (a *app) accept(topic string, n int32, below int64) (accepted, error) {
	cfg, err := a.load()
	if err != nil {
		return accepted{}, err
	}
	links, err := a.chosenLinks(cfg)
	if err != nil {
		return accepted{}, err
	}
	if len(links) != 1 {
		return accepted{}, usage("there are %d links", len(links)).hint("--link NAME")
	}
	if err := indexThere(cfg, links[0]); err != nil {
		return accepted{}, err
	}
	x, err := checkpoint.Open(cfg.IndexPath(links[0]), checkpoint.Options{Link: checkpoint.Link{Name: links[0]}})
	if err != nil {
		return accepted{}, fmt.Errorf("link %s: %w", links[0], err)
	}
	done, err := acceptIn(x, topic, n, below)
	if closed := x.Close(); err == nil {
		err = closed
	}
	done.Link = links[0]
	return done, err
}

func acceptIn(x *checkpoint.Index, topic string, n int32, below int64) (accepted, error) {
	pair, ok := x.Lookup(topic)
	if !ok || n >= pair.Info().Partitions {
		return accepted{}, fmt.Errorf("%s/%d is not in the index. Try: leftoff index inspect, which lists what is", topic, n)
	}
	p := pair.Partition(n)
	done := accepted{Topic: topic, Partition: n, Below: below}
	spans := p.ForeignSpans()
	if below < 0 && len(spans) > 0 {
		done.Below = spans[len(spans)-1].To
	}
	done.Spans = spansBelow(spans, done.Below)
	if len(done.Spans) == 0 {
		return done, fmt.Errorf("%s/%d: no foreign records to accept", topic, n)
	}
	p.AcceptForeign(done.Below)
	return done, x.Flush()
}

func spansBelow(spans []translate.Span, limit int64) (cut []span) {
	for _, s := range spans {
		if s.From < limit {
			cut = append(cut, span{s.From, min(s.To, limit)})
		}
	}
	return cut
}
