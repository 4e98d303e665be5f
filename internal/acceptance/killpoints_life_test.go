package acceptance

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leftoff/leftoff/internal/rig"
	"github.com/leftoff/leftoff/replicator/api"
	"github.com/leftoff/leftoff/replicator/failover"
)

// soon is long enough for anything that waits for nothing.
const soon = 30 * time.Second

// life is one link: a topic, groups at different lags, and a leftoff that dies.
type life struct {
	*deathbed
	t    *testing.T
	fate fate

	link, topic string
	groups      []string
	file        string // configuration
	dataDir     string
	d           *process // leftoff run
	judge       *bench

	isSettled, isThrough func() // of a region that will be lost

	records   int                        // produced so far, so that each is another
	at, there map[string]map[int32]int64 // what groups committed last on the primary, and on the secondary
	mirrored  map[int32]int64            // P*: the primary's ends when topics change hands
	lost      int                        // records that only the primary has
}

var lifeLags = []int64{0, 7, 100}

const lifePartitions = 2

func newLife(t *testing.T, g *deathbed, n int, f fate) *life {
	prefix := rig.Name(t, "life") + "."
	l := &life{deathbed: g, t: t, fate: f, link: fmt.Sprintf("life-%d-%s", n, f.away.way), topic: prefix + "payments", dataDir: filepath.Join(t.TempDir(), "data"),
		at: map[string]map[int32]int64{}, there: map[string]map[int32]int64{}}
	for _, lag := range lifeLags {
		l.groups = append(l.groups, fmt.Sprintf("%sgroup-%d", prefix, lag))
	}
	l.judge = &bench{t, g.primary, g.secondary, g.history, prefix}
	l.file = config{primary: g.primary.Bootstrap(), secondary: g.secondary.Bootstrap(), link: l.link, prefix: prefix, dataDir: l.dataDir}.write(t)
	return l
}

func (l *life) run() {
	l.turns <- struct{}{}
	defer func() { <-l.turns }()
	l.begins()
	switch l.fate.away.way {
	case wayUnplanned:
		l.waits(l.isSettled, l.gone)
	case wayRound:
		l.turnsBack()
		return
	}
	late := l.dies(l.fate.away)
	l.goesThrough(l.fate.away.killPoint)
	l.isAway()
	l.landsLate(late)
	if l.fate.away.way == wayUnplanned {
		l.waits(l.isThrough, l.back)
	}
	l.resumesAway()
	l.isLeftAlone()
	if l.fate.home != nil {
		l.comesHome(*l.fate.home)
	}
	l.ends()
}

// turnsBack: a failover that is done is turned round, and everything follows the primary again.
func (l *life) turnsBack() {
	l.goesThrough(killPoint{way: wayPlanned})
	l.isLeftAlone()
	l.lost = 0 // what the primary got meanwhile is mirrored now
	late := l.dies(l.fate.away)
	l.goesThrough(l.fate.away.killPoint)
	l.follows(failover.RolledBack, append(slices.Clone(failover.Steps(false)), failover.TakeBack))
	l.landsLate(late)
	l.isFollowed()
	l.ends()
}

// waits lets others live until a gate opens.
func (l *life) waits(arrived func(), g gate) {
	arrived()
	<-l.turns
	<-g.passed
	l.turns <- struct{}{}
}

// begins is an ordinary day: records, groups behind them, and a leftoff that is in step.
func (l *life) begins() {
	l.primary.CreateTopic(l.t, l.topic, lifePartitions, nil)
	l.produces(l.primary, 300)
	l.commits(l.primary, l.at)
	l.starts()
	l.inStep()
	if l.fate.away.way == wayUnplanned {
		pause(1500 * time.Millisecond) // a kill may cost the index its last second, and the primary can't be asked then
	}
	l.mirrored = ends(l.t, l.primary, l.topic)
}

func (l *life) starts() { l.d = l.leftoff.start(l.t, "run", "-c", l.file) }

func (l *life) produces(c *rig.Cluster, n int) {
	fill(l.t, c, l.topic, l.records, n, 20)
	l.records += n
}

// commits is what the groups do where they run.
func (l *life) commits(c *rig.Cluster, noted map[string]map[int32]int64) {
	end, start := ends(l.t, c, l.topic), starts(l.t, c, l.topic)
	for i, group := range l.groups {
		noted[group] = lagging(end, start, lifeLags[i])
		commit(l.t, c, group, l.topic, noted[group])
	}
}

// inStep waits until every commit of the primary is written on the secondary, and exact.
func (l *life) inStep() {
	l.t.Helper()
	last := ""
	if !eventually(time.Minute, func() bool {
		last = l.entries(func(e api.Entry) bool {
			return e.Reason == "" && e.Confidence == "exact" && e.Written != nil && e.Position != nil && *e.Written == *e.Position
		})
		return last == ""
	}) {
		l.t.Fatalf("not in step: %s", last)
	}
}

// entries holds what leftoff says of the newest commits against what is wanted of each, and names the first that is not so.
func (l *life) entries(as func(api.Entry) bool) string {
	ctx, cancel := context.WithTimeout(context.Background(), soon)
	defer cancel()
	got, err := api.NewClient(l.d.http()).Groups(ctx, l.link, "")
	if err != nil || len(got.Links) == 0 {
		return fmt.Sprintf("%d links, %v", len(got.Links), err)
	}
	seen := 0
	for _, g := range got.Links[0].Groups {
		for _, e := range g.Entries {
			at, known := l.at[g.Group][e.Partition]
			if !known || e.Offset != at || !as(e) {
				said, _ := json.Marshal(e)
				return fmt.Sprintf("%s, the newest commit is %d: %s", g.Verdict, at, said)
			}
			seen++
		}
	}
	if want := len(l.groups) * lifePartitions; seen != want {
		return fmt.Sprintf("%d offsets of %d are known", seen, want)
	}
	return ""
}

// ask is a step over HTTP.
func (l *life) ask(verb api.FailoverVerb, o failover.Order) (api.FailoverAnswer, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	return api.NewClient(l.d.http()).Failover(ctx, api.FailoverOrder{Link: l.link, Verb: verb, Order: o})
}

// command is what a person types.
func (l *life) command(w way) *process {
	args := map[way][]string{wayPlanned: {"failover"}, wayUnplanned: {"failover", "--unplanned"}, wayRound: {"failover", "rollback"}, wayHome: {"failback", "--discard"}}[w]
	return l.leftoff.start(l.t, append(slices.Clone(args), "--yes", "-c", l.file, "--http", strings.TrimPrefix(l.d.http(), "http://"))...)
}

// id is how the state topic on the secondary knows the link.
func (l *life) id() string { return failover.LinkID(l.link, l.primary.ID(), l.secondary.ID()) }

// homeID is how the one on the primary knows the link that goes home.
func (l *life) homeID() string {
	s := l.away.of(l.t, l.id()).State
	return failover.LinkID(l.link+"-home-"+s.ID, l.secondary.ID(), l.primary.ID())
}

// stands is the step that is written down, and that of the link that goes home.
func (l *life) stands() (step, inner failover.Step) {
	s := l.away.of(l.t, l.id()).State
	if s == nil {
		return "", ""
	}
	if s.Home != nil {
		if at := l.home.of(l.t, l.homeID()).State; at != nil {
			inner = at.Step
		}
	}
	return s.Step, inner
}

// comesHome dies on the way home, after life went on over there.
func (l *life) comesHome(d death) {
	l.produces(l.secondary, 60)
	l.commits(l.secondary, l.there)
	late := l.dies(d)
	l.goesThrough(d.killPoint)
	if !atHomeAlready(d.killPoint) {
		l.resumesHome()
	}
	l.isHome()
	l.landsLate(late)
	l.isFollowed()
}

// atHomeAlready: the primary's producers and consumers run again, because failback said so.
func atHomeAlready(k killPoint) bool { return k.step == failover.Settle || k.step == failover.AtHome }
