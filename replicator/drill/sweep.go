package drill

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/leftoff/leftoff/replicator/kafka"
)

// sweeper deletes what earlier drills left behind.
type sweeper struct {
	c     Cluster
	guard guard
	// seen: drills whose beacon had a member, and when that was seen first. The member of one that was killed goes with its session.
	seen map[string]time.Time
	out  *Cleanup
}

// Sweep deletes what drills left behind on the secondary that were killed. Those that run are left alone; one whose beacon may only not be
// out yet is waited for, ten seconds at the most.
func Sweep(ctx context.Context, secondary Cluster, w Writer) (Cleanup, error) {
	var o Options
	o.setDefaults()
	var out Cleanup
	s := sweeper{c: bounded{secondary, o.Wait}, guard: guard{to: w, id: newID(time.Now())}, seen: map[string]time.Time{}, out: &out}
	err := s.settle(ctx, time.Now)
	return out, err
}

// sweep looks once, and returns the ids of drills that may be running.
func (s *sweeper) sweep(ctx context.Context, now time.Time) ([]string, error) {
	groups, err := s.c.ListGroups(ctx)
	if err != nil {
		return nil, fmt.Errorf("list the secondary's groups: %w", err)
	}
	by := map[string][]string{}
	for _, g := range groups {
		if id, ok := drillOf(g.Group); ok && id != s.guard.id {
			by[id] = append(by[id], g.Group)
		}
	}
	var running []string
	for _, id := range slices.Sorted(maps.Keys(by)) {
		alive, err := s.alive(ctx, id)
		if err != nil {
			return nil, err
		}
		if alive {
			if s.seen[id].IsZero() {
				s.seen[id] = now
			}
			running = append(running, id)
			continue
		}
		for _, g := range by[id] {
			if err := s.drop(ctx, g); err != nil {
				s.out.Left = append(s.out.Left, g)
				continue
			}
			if !slices.Contains(s.out.Earlier, id) {
				s.out.Earlier = append(s.out.Earlier, id)
			}
		}
	}
	return running, nil
}

// settle sweeps again those that were killed so shortly ago that their beacons were still lit, and waits for those that would be out soon.
func (s *sweeper) settle(ctx context.Context, now func() time.Time) error {
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	for {
		running, err := s.sweep(ctx, now())
		if err != nil {
			return err
		}
		s.out.Running = running
		young := slices.ContainsFunc(running, func(id string) bool { return now().Sub(s.seen[id]) < session+2*time.Second })
		if !young {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil // they are said to be running
		}
	}
}

// alive says whether a drill's beacon has a member.
func (s *sweeper) alive(ctx context.Context, id string) (bool, error) {
	d, err := s.c.DescribeGroup(ctx, beacon(id))
	if err != nil {
		return false, fmt.Errorf("look whether drill %s is running: %w", id, err)
	}
	return d.Live(), nil
}

// drop empties and deletes a shadow group.
func (s *sweeper) drop(ctx context.Context, group string) error {
	err := s.guard.delete(ctx, group)
	if kafka.Classify(err) != kafka.Live {
		return err
	}
	d, err := s.c.DescribeGroup(ctx, group)
	if err != nil {
		return err
	}
	var ids []string
	for _, m := range d.Members {
		ids = append(ids, m.ID)
	}
	if err := s.guard.removeMembers(ctx, group, ids); err != nil {
		return err
	}
	return s.guard.delete(ctx, group)
}
