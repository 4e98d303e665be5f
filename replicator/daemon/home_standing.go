package daemon

import (
	"context"
	"fmt"
	"strings"

	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/replicator/failover"
)

// Standing says what Return waits for. It begins nothing, and changes nothing.
func (g ground) Standing(ctx context.Context, s failover.State) (waits []string, person bool, err error) {
	w := g.wayOf(s.ID)
	if w == nil {
		return []string{"nobody takes it further: records and groups come home while leftoff failback is run. Try: leftoff failback, which goes on from here"}, false, nil
	}
	r := w.started()
	if r == nil {
		return w.unreached(), false, nil
	}
	back := ground{w.link, r}
	if waits, person, _, err = back.claims(ctx); err != nil || len(waits) > 0 {
		return append(waits, w.troubles(r)...), person, err
	}
	if waits, err = g.idlers(ctx); err != nil || len(waits) > 0 {
		return append(waits, w.troubles(r)...), false, err
	}
	p, err := failover.New(r.memory.store, back).Where(ctx)
	if err != nil {
		return nil, false, turnedErr(err)
	}
	if p.State == nil {
		return w.troubles(r), false, nil
	}
	return w.standing(p, r), p.Needs, nil
}

// idlers are groups that were handed over, have members on the secondary, and have not committed there: the link the other way, which goes by commits,
// does not know of them.
func (g ground) idlers(ctx context.Context) (waits []string, err error) {
	s, err := g.l.snapshot(ctx, true)
	if err != nil {
		return nil, err
	}
	for i := range s.Groups {
		group := &s.Groups[i]
		if !group.Live || group.Verdict != replicator.VerdictHandedOver.String() {
			continue
		}
		d, err := g.l.clusters[replicator.Secondary].DescribeGroup(ctx, group.Group)
		if err != nil {
			return nil, fmt.Errorf("group %s on the secondary: %w", group.Group, err)
		}
		var who []string
		for _, m := range d.Members {
			who = append(who, m.ClientID+" on "+m.ClientHost)
		}
		if len(who) > 0 {
			waits = append(waits, fmt.Sprintf("%s still runs on the secondary: %s", group.Group, strings.Join(who, ", ")))
		}
	}
	return waits, nil
}

// wayOf is the way home that runs in this process; nil: none does.
func (g ground) wayOf(id string) *way {
	g.l.home.mu.Lock()
	defer g.l.home.mu.Unlock()
	if w := g.l.home.one; w != nil && w.id == id {
		return w
	}
	return nil
}

// standing is what the link the other way waits for, in words of the link, and what is wrong with it: rights that are missing on the primary, above all.
func (w *way) standing(p failover.Progress, r *running) []string {
	waits := allTurned(p.Waits)
	if len(waits) == 0 {
		waits = []string{"on the way home: " + strings.ReplaceAll(string(p.State.Step), "_", " ")}
	}
	if p.State.Step == failover.Sync && p.Needs && len(w.home.replays) > 0 {
		waits = append(waits, rereads)
	}
	return append(waits, w.troubles(r)...)
}

// troubles are the problems of the link the other way.
func (w *way) troubles(r *running) (all []string) {
	for _, p := range w.problems(r) {
		all = append(all, "on the way home: "+turned(p))
	}
	return all
}

// unreached says which cluster a way home waits for that has not begun yet.
func (w *way) unreached() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := []string{"the way home waits for both clusters"}
	for side, err := range w.errs {
		if err != nil {
			all = append(all, turned(fmt.Sprintf("the %s does not answer: %v", replicator.Side(side), err)))
		}
	}
	return all
}
