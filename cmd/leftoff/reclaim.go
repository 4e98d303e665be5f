package main

import (
	"fmt"
	"io"
	"os/user"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/replicator/api"
)

func (a *app) reclaimCommand() *cobra.Command {
	var yes bool
	var why string
	c := a.withLink(a.withOutput(&cobra.Command{
		Use: "reclaim GROUP", Short: "let leftoff write a group again; shows both sides and asks", Args: cobra.ExactArgs(1),
		Long: `A group that ran on the secondary belongs to its consumers there: leftoff does not write it until a person gives it back. Stop
the consumers first. From then on the secondary follows the primary again, and what was committed on the secondary is lost.
This asks the running daemon and needs one.`,
		Example: `  leftoff reclaim payments
  leftoff reclaim payments --link west-east --yes --why "drill is over"`,
		RunE: func(c *cobra.Command, args []string) error {
			client, err := a.client()
			if err != nil {
				return err
			}
			return a.reclaim(c, client, args[0], why, yes)
		},
	}))
	c.Flags().BoolVarP(&yes, "yes", "y", false, "don't ask")
	c.Flags().StringVar(&why, "why", "", "what to remember as the reason")
	return c
}

func (a *app) reclaim(c *cobra.Command, client *api.Client, group, why string, yes bool) error {
	link, found, err := a.findGroup(c, client, group)
	if err != nil {
		return needsDaemon(err)
	}
	if a.output != "json" {
		printBothSides(a.out, link, found)
	}
	if found.Live {
		return usage("group %q has members on the secondary", group).hint("stop its consumers there first")
	}
	if !needsReclaim(found) {
		fmt.Fprintf(a.err, "\n%s is leftoff's already: nothing to reclaim\n", group)
		return nil
	}
	if !yes {
		if err := a.ask("Give it back to leftoff, and let the secondary follow the primary again?"); err != nil {
			return err
		}
	}
	done, err := client.Reclaim(c.Context(), api.Reclaim{Link: link, Group: group, Who: whoAmI(), Why: why})
	if err != nil {
		return err
	}
	if printed, err := a.json(done); printed {
		return err
	}
	if n := staying(found); n > 0 {
		fmt.Fprintf(a.out, "%s is leftoff's again; %s of its %s offsets stay as they are: leftoff plan --group %s says why.\n",
			group, number(int64(n)), number(int64(len(found.Entries))), group)
		return nil
	}
	fmt.Fprintf(a.out, "%s follows the primary again.\n", group)
	return nil
}

// staying counts the offsets that a reclaim moves nowhere: their topics were switched, or something else holds them.
func staying(g api.Group) (n int) {
	for _, e := range g.Entries {
		if e.Position == nil {
			n++
		}
	}
	return n
}

// needsReclaim: somebody else has it, or has written to it.
func needsReclaim(g api.Group) bool {
	return g.State == api.TakenOver || g.State == api.HandedOver || slices.ContainsFunc(g.Reasons, func(r string) bool {
		return r == replicator.ForeignValue.String() || r == replicator.AheadOnSecondary.String()
	})
}

// findGroup finds the one link that knows the group.
func (a *app) findGroup(c *cobra.Command, client *api.Client, group string) (link string, g api.Group, err error) {
	all, err := client.Groups(c.Context(), a.link, group)
	if err != nil {
		return "", g, err
	}
	var names []string
	for _, l := range all.Links {
		for _, one := range l.Groups {
			names = append(names, l.Name)
			link, g = l.Name, one
		}
	}
	switch len(names) {
	case 0:
		return "", g, usage("no link knows a group %q", group).hint("leftoff status, which lists the groups")
	case 1:
		return link, g, nil
	}
	return "", g, usage("group %q is on several links", group).hint("--link with one of " + strings.Join(names, ", "))
}

func printBothSides(w io.Writer, link string, g api.Group) {
	fmt.Fprintf(w, "%s on %s: %s", g.Group, link, strings.ReplaceAll(string(g.State), "_", " "))
	if g.Why != "" {
		fmt.Fprintf(w, " (%s)", g.Why)
	}
	if g.Since != nil {
		fmt.Fprintf(w, " since %s", g.Since.Local().Format("2006-01-02 15:04:05"))
	}
	fmt.Fprint(w, "\n\n")
	t := newTable("TOPIC", ">PARTITION", ">PRIMARY HAS", ">SECONDARY HAS", ">WOULD BECOME", "WHICH MEANS")
	for _, e := range g.Entries {
		t.row(e.Topic, number(int64(e.Partition)), number(e.Offset), maybe(e.Written, "-"), maybe(e.Position, "-"), meaning(e))
	}
	t.print(w)
}

// meaning says what the consumers on the secondary would notice.
func meaning(e api.Entry) string {
	switch {
	case e.Position == nil:
		return "stays: " + e.Confidence
	case e.Written == nil:
		return "a first offset"
	case *e.Position < *e.Written:
		return number(*e.Written-*e.Position) + " records again"
	case *e.Position > *e.Written:
		return number(*e.Position-*e.Written) + " records on"
	}
	return "the same"
}

func whoAmI() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return ""
}
