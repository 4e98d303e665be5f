package main

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/leftoff/leftoff/replicator/api"
)

func (a *app) translateCommand() *cobra.Command {
	var reverse bool
	c := a.withPatience(a.withLink(a.withOutput(&cobra.Command{
		Use:   "translate TOPIC PARTITION OFFSET | TOPIC/PARTITION@OFFSET ... | -",
		Short: "where offsets lie on the other side", Args: cobra.MinimumNArgs(1),
		Long: `An offset is the next record to read, as consumers commit it. - reads lines of topic,partition,offset from standard input.
Asks the running daemon; where there is none, reads the index and both clusters once without writing anything.

  CONFIDENCE  exact (nothing skipped, nothing read again), floor (safe; WHY says what would make it exact), behind (past what
              is mirrored: it rises as the mirror does) or unmapped (nothing provable)
  RE-READ     bound of what is read again from there; ? where no bound is known

Exit status: 1 where an answer is not exact.`,
		Example: `  leftoff translate payments 3 120417
  leftoff translate --reverse payments/3@98231 -o json`,
		RunE: func(c *cobra.Command, args []string) error {
			asked, err := a.readQueries(args)
			if err != nil {
				return err
			}
			for i := range asked {
				asked[i].Link, asked[i].Reverse = a.link, reverse
			}
			answers, err := a.asker().Translate(c.Context(), asked)
			if err != nil {
				return err
			}
			return a.printTranslations(answers)
		},
	})))
	c.Flags().BoolVarP(&reverse, "reverse", "r", false, "from the secondary to the primary")
	return c
}

var errPlace = usage("that is no place in a topic").hint("leftoff translate payments 3 120417, or payments/3@120417")

func (a *app) readQueries(args []string) ([]api.Query, error) {
	if len(args) == 1 && args[0] == "-" {
		return readCSV(a.in)
	}
	if len(args) == 3 && !strings.Contains(args[0], "@") {
		q, err := newQuery(args[0], args[1], args[2])
		return []api.Query{q}, err
	}
	var all []api.Query
	for _, arg := range args {
		place, offset, ok := cutLast(arg, "@")
		topic, partition, ok2 := cutLast(place, "/")
		if !ok || !ok2 {
			return nil, fmt.Errorf("%q: %w", arg, errPlace)
		}
		q, err := newQuery(topic, partition, offset)
		if err != nil {
			return nil, err
		}
		all = append(all, q)
	}
	return all, nil
}

func cutLast(s, sep string) (before, after string, ok bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

func newQuery(topic, partition, offset string) (api.Query, error) {
	p, err := strconv.ParseInt(partition, 10, 32)
	o, err2 := strconv.ParseInt(offset, 10, 64)
	if err != nil || err2 != nil || p < 0 || o < 0 || topic == "" {
		return api.Query{}, fmt.Errorf("%q %q %q: %w", topic, partition, offset, errPlace)
	}
	return api.Query{Topic: topic, Partition: int32(p), Offset: o}, nil
}

func readCSV(r io.Reader) ([]api.Query, error) {
	lines := csv.NewReader(bufio.NewReader(r))
	lines.FieldsPerRecord, lines.Comment, lines.TrimLeadingSpace = 3, '#', true
	var all []api.Query
	for {
		fields, err := lines.Read()
		switch {
		case errors.Is(err, io.EOF):
			return all, nil
		case err != nil:
			return nil, fmt.Errorf("standard input: %w. Try: lines of topic,partition,offset", err)
		case len(all) == 0 && fields[0] == "topic":
			continue // a heading
		}
		q, err := newQuery(fields[0], strings.TrimSpace(fields[1]), strings.TrimSpace(fields[2]))
		if err != nil {
			return nil, err
		}
		all = append(all, q)
	}
}
