package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/leftoff/leftoff/replicator/api"
)

func (a *app) planCommand() *cobra.Command {
	var group string
	c := a.withPatience(a.withLink(a.withOutput(&cobra.Command{
		Use: "plan", Short: "what would be written now, and why the rest would not", Args: cobra.NoArgs,
		Long: `Asks the running daemon; where there is none, reads both clusters once without writing anything.

  RE-READ  bound of what is read again because the position is not exact; ? where no bound is known
  WHY      the reason of a hold, and [n]: line n below says what would make the position exact
  remove   would be deleted on the secondary, because it was deleted on the primary (policy tombstones: delete)

Exit status: 1 where a hold needs a person; 2 where no link knows the group.`,
		Example: `  leftoff plan
  leftoff plan --group payments -o json`,
		RunE: func(c *cobra.Command, _ []string) error {
			p, err := a.asker().Plan(c.Context(), a.link, group)
			if err != nil {
				return err
			}
			if done, err := a.json(p); !done {
				printPlan(a.out, p)
			} else if err != nil {
				return err
			}
			for _, l := range p.Links {
				if needsPerson(l.Holds) {
					return errBad
				}
			}
			return nil
		},
	})))
	c.Flags().StringVar(&group, "group", "", "one group only")
	return c
}

func printPlan(w io.Writer, p api.Plan) {
	for i, l := range p.Links {
		if i > 0 {
			fmt.Fprintln(w)
		}
		fmt.Fprintf(w, "%s: %s\n", l.Name, planCounts(l))
		t := newTable("", "GROUP", "TOPIC", ">PARTITION", ">COMMITTED", ">POSITION", ">NOW THERE", "CONFIDENCE", ">RE-READ", "WHY")
		for _, e := range l.Write {
			t.row(planned("write", e, l.Floors)...)
		}
		for _, e := range l.Hold {
			t.row(planned("hold", e, l.Floors)...)
		}
		for _, r := range l.Remove {
			t.row("remove", r.Group, r.Topic, number(int64(r.Partition)), "-", "-", number(r.Written), "", "", removalWhy(r))
		}
		for _, k := range l.Uncommitted {
			t.row("none", k.Group, k.Topic, number(int64(k.Partition)), "-", "-", "-", "", "", "no commit on the primary")
		}
		if len(t.rows) > 0 {
			fmt.Fprintln(w)
		}
		t.print(w)
		printHolds(w, l.Holds)
		printFloors(w, l.Floors, true)
	}
}

// planCounts says how much is of which kind. Removals are named where there are some.
func planCounts(l api.LinkPlan) string {
	due, held := 0, len(l.Hold)
	for _, r := range l.Remove {
		if r.Held == "" {
			due++
		} else {
			held++
		}
	}
	remove := ""
	if len(l.Remove) > 0 {
		remove = fmt.Sprintf("%d to remove, ", due)
	}
	return fmt.Sprintf("%d to write, %s%d held, %d in step", len(l.Write), remove, held, l.InStep)
}

func removalWhy(r api.Removal) string {
	why := "deleted on the primary"
	if r.Held != "" {
		why += "; held: " + r.Held
	}
	return why
}

func planned(what string, e api.Entry, floors []api.Floor) []string {
	why := strings.TrimSpace(e.Reason + " " + note(floors, e))
	return []string{what, e.Group, e.Topic, number(int64(e.Partition)), number(e.Offset), maybe(e.Position, "-"), maybe(e.Written, "-"),
		e.Confidence, maybe(e.RereadRecords, "?"), why}
}
