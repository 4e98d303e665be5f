package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/leftoff/leftoff/replicator/daemon"
	"github.com/leftoff/leftoff/replicator/kafka"
	"github.com/leftoff/leftoff/replicator/verify"
)

// verifyFlags are those of `leftoff verify` alone.
type verifyFlags struct {
	group, topic        string
	partition, parallel int
	all                 bool
}

func (a *app) verifyCommand() *cobra.Command {
	var f verifyFlags
	c := a.withLink(a.withOutput(&cobra.Command{
		Use: "verify", Short: "compare the records on both sides at every resume point", Args: cobra.NoArgs,
		Long: `Reads, for every offset that a group of the link has committed on the primary, the records around it, and those around the group's
offset on the secondary, and says whether the group would go on with the same record. It only reads, asks no daemon, and uses
neither leftoff's index nor its plan.

Printed are the numbers, and the positions that are not as they should be.

Exit status: 0 all groups resume where they should, at the worst reading records again; 1 something would be skipped, is
not the same, has no offset, or can't be told from its neighbours; 2 something could not be checked.`,
		Example: `  leftoff verify -c link.yml
  leftoff verify --group billing --topic payments --all -o json`,
		RunE: func(c *cobra.Command, _ []string) error { return a.verify(c.Context(), f) },
	}))
	c.Flags().DurationVar(&a.patience, "timeout", 10*time.Minute, "how long this may take")
	c.Flags().StringVar(&f.group, "group", "", "only this group")
	c.Flags().StringVar(&f.topic, "topic", "", "only this topic, by its name on the primary")
	c.Flags().IntVar(&f.partition, "partition", -1, "only this partition")
	c.Flags().IntVar(&f.parallel, "parallel", 8, "how many partitions are looked at side by side")
	c.Flags().BoolVar(&f.all, "all", false, "print the positions that are fine, too")
	return c
}

// verified is what `verify -o json` prints.
type verified struct {
	Links []verifiedLink `json:"links"`
}

type verifiedLink struct {
	Link      string `json:"link"`
	Primary   string `json:"primary"`
	Secondary string `json:"secondary"`
	verify.Report
}

func (a *app) verify(ctx context.Context, f verifyFlags) error {
	links, err := a.linksToVerify(f)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, a.patience)
	defer cancel()
	var v verified
	bad, unchecked, known := false, 0, false
	for _, l := range links {
		r, has, err := a.verifyLink(ctx, l, f)
		if errors.Is(err, context.DeadlineExceeded) {
			err = fmt.Errorf("not done after %s. Try: --timeout with more, or --group, --topic for a part", a.patience)
		}
		if err != nil {
			return err
		}
		bad, unchecked, known = bad || r.Bad(), unchecked+len(r.Problems)+r.Counts[verify.Unreadable], known || has
		if !f.all {
			r.Rows = notFine(r.Rows)
		}
		v.Links = append(v.Links, verifiedLink{l.Name, l.Primary.Name, l.Secondary.Name, r})
	}
	if !known {
		return noGroup(f.group, " on the primary")
	}
	if done, err := a.json(v); err != nil {
		return err
	} else if !done {
		printVerified(a.out, v)
	}
	switch {
	case bad:
		return errBad
	case unchecked > 0:
		return usage("%s could not be checked", plural(unchecked, "position")).hint("leftoff verify -o json names each of them, and why")
	}
	return nil
}

func (a *app) linksToVerify(f verifyFlags) (some []daemon.Link, err error) {
	if f.partition < -1 || f.parallel < 1 {
		return nil, usage("--partition and --parallel are not negative").hint("leftoff verify --partition 0 --parallel 8")
	}
	cfg, err := a.load()
	if err != nil {
		return nil, err
	}
	links, err := daemon.FromConfig(cfg)
	if err != nil {
		return nil, err
	}
	for _, l := range links {
		if a.link == "" || a.link == l.Name {
			some = append(some, l)
		}
	}
	if len(some) == 0 {
		return nil, usage("--link %s: no such link", a.link).hint("leftoff config print")
	}
	return some, nil
}

// verifyLink checks one link. has: the group that was asked for is there.
func (a *app) verifyLink(ctx context.Context, l daemon.Link, f verifyFlags) (r verify.Report, has bool, err error) {
	log, err := a.logger("error")
	if err != nil {
		return r, false, err
	}
	primary, secondary := kafka.Open(l.Primary, log), kafka.Open(l.Secondary, log)
	defer primary.Close()
	defer secondary.Close()
	say, end := a.saying()
	defer end()
	o := verify.Options{
		Groups: l.SelectGroup, Rename: l.Rename, Group: f.group, Topic: f.topic, Parallel: f.parallel,
		Progress: func(done, total int) {
			say(fmt.Sprintf("%s: %s of %s positions", l.Name, number(int64(done)), number(int64(total))))
		},
	}
	if f.partition >= 0 {
		p := int32(f.partition)
		o.Partition = &p
	}
	if r, err = verify.Check(ctx, primary, secondary, o); err != nil {
		return r, false, err
	}
	has, err = hasGroup(ctx, l, primary, r, f.group)
	return r, has, err
}

func notFine(all []verify.Row) []verify.Row {
	some := []verify.Row{}
	for _, row := range all {
		if !row.Verdict.Fine() {
			some = append(some, row)
		}
	}
	return some
}
