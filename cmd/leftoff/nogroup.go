package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/leftoff/leftoff/replicator/api"
	"github.com/leftoff/leftoff/replicator/daemon"
	"github.com/leftoff/leftoff/replicator/kafka"
	"github.com/leftoff/leftoff/replicator/verify"
)

// A name that is mistyped must not look like a group with which all is well.

func noGroup(name, why string) error {
	return usage("%s: no such group%s", name, why).hint("leftoff status, which lists them")
}

// saysNothing: a plan has not a word of the group that was asked for, and the links that it is of are read.
func saysNothing(p api.Plan, group string) bool {
	return group != "" && !slices.ContainsFunc(p.Links, func(l api.LinkPlan) bool {
		return !l.Ready || len(l.Write)+len(l.Hold)+len(l.Remove)+len(l.Uncommitted)+l.InStep > 0
	})
}

// mustKnow refuses a group that no link knows: none that has committed anything on the primary has that name.
func mustKnow(g api.Groups, name string) error {
	if slices.ContainsFunc(g.Links, func(l api.LinkGroups) bool { return len(l.Groups) > 0 }) {
		return nil
	}
	return noGroup(name, ", or it has committed nothing on the primary")
}

// hasGroup says whether a verify of a group may have found something: it did, or its primary has a group of that name.
func hasGroup(ctx context.Context, l daemon.Link, primary *kafka.Cluster, r verify.Report, name string) (bool, error) {
	if name == "" || len(r.Rows)+len(r.Problems)+r.Gone > 0 {
		return true, nil
	}
	all, err := primary.ListGroups(ctx)
	if err != nil && len(all) == 0 {
		return false, fmt.Errorf("link %s: list the primary's groups: %w", l.Name, err)
	}
	return err != nil || slices.ContainsFunc(all, func(g kafka.GroupInfo) bool { return g.Group == name }), nil
}
