package acceptance

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/leftoff/leftoff/internal/rig"
	"github.com/leftoff/leftoff/replicator/failover"
)

// Issue 6, scenario 3, on real Kafka: leftoff is killed with SIGKILL at every step of every way, and started again, with its disk and without.
// It ends in the same place.
//
// Each life is one link over topics and groups of its own, and dies at one point of the table on the way there and at another on the
// way home. Which step it died at is read from the state topics after the kill; all of the table has to be hit.

// killPoint is where leftoff is killed.
type killPoint struct {
	way  way
	step failover.Step
	// inner is where the link stands that brings records and groups home, at step return. Its state is on the primary.
	inner failover.Step
	when  moment
}

func (k killPoint) String() string {
	step := string(k.step)
	if k.inner != "" {
		step += "." + string(k.inner)
	}
	return fmt.Sprintf("%s %s %s", k.way, step, k.when)
}

type way string

const (
	wayPlanned   way = "planned"
	wayUnplanned way = "unplanned"
	wayRound     way = "rollback"
	wayHome      way = "home"
)

// moment is how far a step has come when leftoff is killed. What it was about to write is held on its way to the broker, and lands when
// another leftoff has long gone on: a dead process may do that.
type moment string

const (
	entered  moment = "entered"           // the step is written down, and nothing of it done
	ofTopics moment = "writing of topics" // that they change hands
	ofGroups moment = "writing of groups" // the same; of topics it is written
	worked   moment = "worked"            // all of the step is done; that it is, is not written
)

// momentsOf are those of a step.
func momentsOf(s failover.Step) []moment {
	switch s {
	case failover.Switch:
		return []moment{entered, ofTopics, worked}
	case failover.HandOver:
		return []moment{entered, ofGroups, worked}
	case failover.Settle, failover.TakeBack:
		return []moment{entered, ofTopics, ofGroups, worked}
	case failover.Done, failover.AtHome, failover.RolledBack:
		return []moment{entered} // nothing is left to do
	}
	return []moment{entered, worked}
}

var (
	stepsHome = []failover.Step{failover.Diverge, failover.Return, failover.Settle, failover.AtHome}
	stepsBack = []failover.Step{failover.TakeBack, failover.RolledBack}
)

// stepsOn are those of a way, in order.
func stepsOn(w way) []failover.Step {
	switch w {
	case wayHome:
		return stepsHome
	case wayRound:
		return stepsBack
	}
	return failover.Steps(w == wayUnplanned)
}

// points are the kill points of a failover, or of its rollback.
func points(w way) (all []killPoint) {
	for _, step := range stepsOn(w) {
		for _, when := range momentsOf(step) {
			all = append(all, killPoint{way: w, step: step, when: when})
		}
	}
	return all
}

// pointsHome are those of a failback. Two of the link that goes home can't be hit, as nothing happens between them and what is in the table: it
// enters preflight and leaves it within one answer, and when it has come to done, the next thing written is the failback's own step.
func pointsHome() (all []killPoint) {
	for _, step := range stepsHome {
		if step != failover.Return {
			for _, when := range momentsOf(step) {
				all = append(all, killPoint{way: wayHome, step: step, when: when})
			}
			continue
		}
		for _, inner := range failover.Steps(false) {
			moments := momentsOf(inner)
			if inner == failover.Preflight || inner == failover.Done {
				moments = []moment{worked}
			}
			for _, when := range moments {
				all = append(all, killPoint{way: wayHome, step: step, inner: inner, when: when})
			}
		}
	}
	return all
}

// death is at a kill point, with its disk or without.
type death struct {
	killPoint
	burns bool
}

func (d death) String() string {
	if d.burns {
		return d.killPoint.String() + ", disk lost"
	}
	return d.killPoint.String()
}

// both are the deaths at points: with the disk, and without.
func both(at []killPoint) (all []death) {
	for _, k := range at {
		all = append(all, death{k, false}, death{k, true})
	}
	return all
}

// fate is what happens to one life.
type fate struct {
	away death
	home *death // nil: it does not come home
}

func (f fate) String() string {
	if f.home == nil {
		return f.away.String()
	}
	return f.away.String() + ", " + f.home.String()
}

// forgetsMarks: with the disk lost and the primary away nobody knows any more how far topics were mirrored, unless it was written
// down before. The failover goes on without; on the way home the records of both sides tell.
func (f fate) forgetsMarks() bool {
	d := f.away
	before := []failover.Step{failover.Freeze, failover.Sync, failover.Verify, failover.Switch}
	return d.way == wayUnplanned && d.burns && slices.Contains(before, d.step) && !(d.step == failover.Switch && d.when == worked)
}

// fates deals the deaths on the way home out over the lives that can come home.
func fates(random *rand.Rand) (all []fate) {
	for _, d := range both(slices.Concat(points(wayPlanned), points(wayUnplanned), points(wayRound))) {
		all = append(all, fate{away: d})
	}
	home := both(pointsHome())
	for _, forgetful := range []bool{true, false} { // those have most to find out on the way
		for _, i := range random.Perm(len(all)) {
			if len(home) > 0 && all[i].away.way != wayRound && all[i].forgetsMarks() == forgetful {
				all[i].home, home = &home[0], home[1:]
			}
		}
	}
	if len(home) > 0 {
		panic(fmt.Sprintf("%d deaths on the way home, and nobody to die them", len(home)))
	}
	return all
}

func TestKilledAtEveryStep(t *testing.T) {
	rig.RequireSoak(t)
	t.Parallel()
	primary, secondary := rig.StartPair(t, rig.Options{Proxied: true})
	g := newDeathbed(t, primary, secondary)
	all := fates(newRandom(t))
	regionUp, regionLost := split(all, func(f fate) bool { return f.away.way != wayUnplanned })
	g.live(t, regionUp, nil)
	g.live(t, regionLost, func() {
		g.settled.Wait()
		primary.KillAll(t)
		g.gone.open()
		g.through.Wait()
		primary.Restart(t, 1)
		g.back.open()
	})
	for _, f := range all {
		g.wasHit(t, f.away)
		if f.home != nil {
			g.wasHit(t, *f.home)
		}
	}
}

// TestKilledBetweenSteps is one life of the table, on clusters that others use: before topics change hands the machine is lost with its disk.
func TestKilledBetweenSteps(t *testing.T) {
	primary, secondary := rig.Shared(t)
	g := newDeathbed(t, primary, secondary)
	d := death{killPoint{way: wayPlanned, step: failover.Switch, when: entered}, true}
	g.live(t, []fate{{away: d}}, nil)
	g.wasHit(t, d)
}

func split(all []fate, first func(fate) bool) (yes, no []fate) {
	for _, f := range all {
		if first(f) {
			yes = append(yes, f)
		} else {
			no = append(no, f)
		}
	}
	return yes, no
}
