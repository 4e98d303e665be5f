package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/leftoff/leftoff/replicator/failover"
)

// oneOf refuses flags of which each makes the others mean nothing.
func oneOf(c *cobra.Command, names ...string) error {
	var given []string
	for _, name := range names {
		if c.Flags().Changed(name) {
			given = append(given, "--"+name)
		}
	}
	if len(given) < 2 {
		return nil
	}
	return usage("%s: one of them at a time", strings.Join(given, ", ")).hint("leftoff failback alone, which says what there is to choose about")
}

// tooLate is what there is to say to a choice that is given when it was made already, or where there was nothing to choose about. Empty: nothing.
func (f *returning) tooLate(s *failover.State) string {
	now := f.choice()
	if now == "" || s.Step == failover.Diverge {
		return ""
	}
	nothing := map[string]string{
		failover.Export: "nothing is written to " + f.export, failover.Replay: "--replay produces nothing", failover.Discard: "--discard changes nothing",
	}[now]
	made := s.Home.Choice
	if made == "" {
		return "the primary had nothing that the secondary never got: " + nothing
	}
	said := "the choice was made: " + made
	if i := slices.IndexFunc(s.Past, func(p failover.Passed) bool { return p.Step == failover.Diverge }); i >= 0 {
		said += fmt.Sprintf(", by %s, at %s", cmp.Or(s.Past[i].Who, "somebody unknown"), clock(time.Now(), s.Past[i].At))
	}
	if made == now && now != failover.Export {
		return said
	}
	return said + ": " + nothing
}

// home prints how a way home stands that is not followed any more, and last what was exported.
func (a *app) home(f *returning, h homeAnswer) error {
	err := a.ended(h)
	if a.output != "json" && f.exported != "" {
		fmt.Fprintln(a.out, f.exported)
	}
	return err
}
