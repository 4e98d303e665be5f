package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/leftoff/leftoff/replicator/api"
)

// someGroups is how many groups are listed before those in step are left out.
const someGroups = 40

func (a *app) statusCommand() *cobra.Command {
	var all bool
	c := a.withPatience(a.withOutput(&cobra.Command{
		Use: "status", Short: "every group: confidence, lag behind, records at risk, why it is held", Args: cobra.NoArgs,
		Long: `Asks the running daemon; where there is none, reads both clusters once without writing anything.

  LAG BEHIND  records that would be read again now, because the secondary does not hold the newest position yet
  CONFIDENCE  the least of the group's positions: exact, behind (rises as the mirror does), floor (safe, and under "Not exact"
              what would make it exact) or unmapped (nothing provable)
  RE-READ     bound of what is read again besides, where a position is not exact; ? where no bound is known
  AT RISK     records that would be skipped, because something else wrote a higher offset on the secondary

Exit status: 1 where records would be skipped, a side does not answer or is still being read, or a hold needs a person.`,
		Example: `  leftoff status
  leftoff status -o json | jq '.links[].holds'`,
		RunE: func(c *cobra.Command, _ []string) error {
			s, err := a.asker().Status(c.Context())
			if err != nil {
				return err
			}
			if done, err := a.json(s); !done {
				printStatus(a.out, s, all)
			} else if err != nil {
				return err
			}
			return verdict(s)
		},
	}))
	c.Flags().BoolVarP(&all, "all", "a", false, fmt.Sprintf("list groups in step, too, where there are more than %d", someGroups))
	return c
}

// verdict is the exit status of a Status.
func verdict(s api.Status) error {
	for _, l := range s.Links {
		if !l.Ready || l.Primary.Error != "" || l.Secondary.Error != "" || l.Totals.SkipRecords > 0 || len(l.Problems) > 0 || needsPerson(l.Holds) {
			return errBad
		}
	}
	return nil
}

// needsPerson says whether a hold is of a kind that does not pass and was not wished.
func needsPerson(holds []api.Hold) bool {
	return slices.ContainsFunc(holds, func(h api.Hold) bool { return h.Rank <= 1 })
}

func printStatus(w io.Writer, s api.Status, all bool) {
	for i, l := range s.Links {
		if i > 0 {
			fmt.Fprintln(w)
		}
		printLink(w, l)
		printGroups(w, l.Groups, all)
		printHolds(w, l.Holds)
		printFloors(w, l.Floors, false)
		printDeleted(w, l.Deleted)
	}
}

func printLink(w io.Writer, l api.Link) {
	t := l.Totals
	fmt.Fprintf(w, "%s: %s; %s, %s: %s\n", l.Name, writing(l), plural(t.Groups, "group"), plural(t.Offsets, "offset"), confidences(t))
	printFailoverLine(w, l.Failover, l.At)
	printSide(w, "primary  ", l.Primary)
	printSide(w, "secondary", l.Secondary)
	printCompare(w, l.Source)
	printDrills(w, l.Drill, l.At)
	for _, p := range l.Problems {
		fmt.Fprintf(w, "  ! %s\n", p)
	}
	if t.SkipRecords > 0 {
		fmt.Fprintf(w, "  ! %s would be skipped\n", plural(int(t.SkipRecords), "record"))
	}
	if t.Missing > 0 {
		fmt.Fprintf(w, "  ! %s on the secondary without an offset: auto.offset.reset would decide there\n", plural(t.Missing, "partition"))
	}
	if t.Uncommitted > 0 {
		fmt.Fprintf(w, "  ! %s mirrored, but without a commit of their group on the primary: auto.offset.reset decides, there as here\n", plural(t.Uncommitted, "partition"))
	}
	if l.Stamp == "dropped" {
		fmt.Fprintln(w, "  this secondary drops leftoff's mark: idle offsets are written again every few hours")
	}
}

func writing(l api.Link) string {
	switch {
	case l.Writable:
		return "writing"
	case l.Ready:
		return "looking only, nothing is written"
	}
	return "not writing yet"
}

func confidences(t api.Totals) string {
	parts := []string{number(int64(t.Exact)) + " exact"}
	for _, part := range []struct {
		n    int
		word string
	}{{t.Behind, "behind"}, {t.Floor, "floor"}, {t.Unmapped, "unmapped"}, {t.Held, "held"}} {
		if part.n > 0 {
			parts = append(parts, number(int64(part.n))+" "+part.word)
		}
	}
	return strings.Join(parts, ", ")
}

func printSide(w io.Writer, name string, s api.Side) {
	state := "caught up"
	switch {
	case s.Error != "":
		state = "does not answer"
	case !s.CaughtUp:
		state = "being read"
	}
	fmt.Fprintf(w, "  %s  %s, %s, cluster %s\n", name, state, plural(s.Offsets, "offset"), cmp.Or(s.ClusterID, "unknown"))
	if s.Error != "" {
		fmt.Fprintf(w, "             %s\n", s.Error)
	}
}
