package daemon

import (
	"context"
	"fmt"
	"slices"

	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/replicator/failover"
	"github.com/leftoff/leftoff/replicator/verify"
)

// checkBoth compares the records on both sides.
func (g ground) checkBoth(ctx context.Context, in failover.Scope, progress func(done, total int)) (failover.Checked, error) {
	v, err := g.Look(ctx, in)
	if err != nil {
		return failover.Checked{}, err
	}
	known := map[string]bool{} // groups without a commit of their own are nobody's to move
	for _, group := range v.Groups {
		known[group.Group] = true
	}
	report, err := verify.Check(ctx, g.l.clusters[replicator.Primary], g.l.clusters[replicator.Secondary], verify.Options{
		Groups:   func(group string) bool { return known[group] },
		Progress: progress,
		Rename: func(topic string) (string, bool) {
			to, ok := g.l.Rename(topic)
			return to, ok && chosen(in.Topics, topic)
		},
	})
	c := failover.Checked{Verdicts: map[string]int{}}
	if err != nil {
		return c, err
	}
	for _, row := range report.Rows {
		c.Verdicts[string(row.Verdict)]++
		if !row.Verdict.Fine() {
			if !slices.Contains(c.Of, row.Group) {
				c.Of = append(c.Of, row.Group)
			}
			c.Bad = append(c.Bad, fmt.Sprintf("%s, %s/%d at %d: %s, %s", row.Group, row.Topic, row.Partition, row.Primary, row.Verdict, row.Why))
		}
	}
	c.Bad = append(c.Bad, report.Problems...)
	c.Bad = c.Bad[:min(len(c.Bad), someBad)]
	return c, nil
}
