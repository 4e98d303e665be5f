package acceptance

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/leftoff/leftoff/checkpoint"
	"github.com/leftoff/leftoff/internal/judge"
	"github.com/leftoff/leftoff/internal/rig"
	"github.com/leftoff/leftoff/replicator/api"
	"github.com/leftoff/leftoff/replicator/failover"
)

// isAway is where a failover ends, wherever leftoff was killed.
func (l *life) isAway() {
	l.t.Helper()
	k, lost := l.away.of(l.t, l.id()), l.fate.away.way == wayUnplanned
	s := k.State
	if s.Step != failover.Done || s.Unplanned != lost || !slices.Equal(stepsOf(s), failover.Steps(lost)[:len(failover.Steps(lost))-1]) {
		l.t.Errorf("at %s, by %v", s.Step, stepsOf(s))
	}
	if !lost {
		l.mirrored = ends(l.t, l.primary, l.topic)
	}
	role, there := k.Roles[l.topic], ends(l.t, l.secondary, l.topic)
	if role.Name != failover.Switched || len(role.Marks) != len(there) {
		l.t.Errorf("role %+v", role)
	}
	for _, m := range role.Marks {
		want := failover.Mark{Partition: m.Partition, Primary: l.mirrored[m.Partition], Secondary: there[m.Partition]}
		if l.fate.forgetsMarks() {
			want.Primary = -1
		}
		if m != want {
			l.t.Errorf("changed hands at %+v, want %+v", m, want)
		}
	}
	if len(s.Groups) != len(l.groups) {
		l.t.Errorf("handed over: %+v", s.Groups)
	}
	for _, group := range l.groups {
		if got := k.Groups[group].Verdict; got != "handed_over" {
			l.t.Errorf("%s is %q", group, got)
		}
	}
}

func stepsOf(s *failover.State) (all []failover.Step) {
	for _, p := range s.Past {
		all = append(all, p.Step)
	}
	return all
}

// compare asks the judge. A broker on a busy machine may lose its session, and with it its leaders, for a moment.
func (l *life) compare(from, to *rig.Cluster, o judge.Options) (copies *judge.Copies) {
	l.t.Helper()
	var err error
	if !eventually(soon, func() bool {
		ctx, cancel := context.WithTimeout(context.Background(), soon)
		defer cancel()
		copies, err = judge.Compare(ctx, judge.At(from.Direct()...), judge.At(to.Direct()...), l.topic, l.topic, o)
		return err == nil || errors.Is(err, judge.ErrAmbiguous)
	}) || err != nil {
		l.t.Fatal(err)
	}
	return copies
}

// resumesAway: every group stands exactly where the judge says, and never stood above it.
func (l *life) resumesAway() {
	l.t.Helper()
	copies := l.compare(l.primary, l.secondary, judge.Options{})
	l.resumesAt(l.secondary, l.at, copies)
	l.judge.lawful(judge.Rules{}, copies)
}

// resumesAt: every group stands on a cluster exactly where the judge says, by what it committed where it ran.
func (l *life) resumesAt(c *rig.Cluster, ran map[string]map[int32]int64, copies *judge.Copies) {
	l.t.Helper()
	for group, at := range ran {
		held := committed(l.t, c, group, l.topic)
		for n, u := range at {
			if want := copies.T(n, u); held[n] != want {
				l.t.Errorf("%s/%d was at %d where it ran, and is at %d where it goes on: want %d", group, n, u, held[n], want)
			}
		}
	}
}

// isLeftAlone: what the primary's producers and consumers still do changes nothing on the secondary.
func (l *life) isLeftAlone() {
	l.t.Helper()
	ask := func() string {
		all := fmt.Sprint(ends(l.t, l.secondary, l.topic))
		for _, group := range l.groups {
			all += fmt.Sprint(committed(l.t, l.secondary, group, l.topic))
		}
		return all
	}
	before := ask()
	l.produces(l.primary, 40)
	l.lost += 40
	l.commits(l.primary, l.at)
	last := ""
	if !eventually(soon, func() bool {
		last = l.entries(func(e api.Entry) bool { return e.Reason == "handed_over" })
		return last == ""
	}) {
		l.t.Errorf("not handed over: %s", last)
	}
	unchanged(l.t, 500*time.Millisecond, ask, before)
}

// resumesHome: every record is on the primary, once, and every group stands exactly where the judge says.
func (l *life) resumesHome() {
	l.t.Helper()
	back := l.compare(l.secondary, l.primary, judge.Options{Unpaired: judge.UnpairedIsGone}) // what was left out stays on the primary
	if sum := back.Total(); sum.Missing != 0 || sum.Waiting != 0 || sum.Duplicates != 0 {
		l.t.Errorf("not all came home, or came twice: %+v", sum)
	}
	l.resumesAt(l.primary, l.there, back)
}

// isHome is where a failback ends, wherever leftoff was killed.
func (l *life) isHome() {
	l.t.Helper()
	l.follows(failover.AtHome, stepsHome[:len(stepsHome)-1])
	s := l.home.of(l.t, l.homeID()).State
	if all := failover.Steps(false); s.Step != failover.Done || !slices.Equal(stepsOf(s), all[:len(all)-1]) {
		l.t.Errorf("the link that goes home is at %s, by %v", s.Step, stepsOf(s))
	}
}

// follows: by the log, topic and groups follow the primary again.
func (l *life) follows(at failover.Step, by []failover.Step) {
	l.t.Helper()
	k := l.away.of(l.t, l.id())
	if k.State.Step != at || !slices.Equal(stepsOf(k.State), by) {
		l.t.Errorf("at %s, by %v: want %s, by %v", k.State.Step, stepsOf(k.State), at, by)
	}
	if role := k.Roles[l.topic]; role.Name != failover.Forward {
		l.t.Errorf("role %+v", role)
	}
	for _, group := range l.groups {
		if v := k.Groups[group].Verdict; v == "handed_over" || v == "taken_over" {
			l.t.Errorf("%s is still %s", group, v)
		}
	}
}

// isFollowed: the original link goes on. It copies what is new, once, and none of what came home or was left out.
func (l *life) isFollowed() {
	l.t.Helper()
	l.produces(l.primary, 30)
	l.commits(l.primary, l.at)
	l.inStep()
	copies := l.compare(l.primary, l.secondary, judge.Options{})
	if sum := copies.Total(); sum.Duplicates != 0 || sum.Foreign != 0 || int(sum.Missing+sum.Waiting) != l.lost {
		l.t.Errorf("the secondary lacks %d records, want the %d that were left out, and nothing else: %+v", sum.Missing+sum.Waiting, l.lost, sum)
	}
	l.resumesAt(l.secondary, l.at, copies)
}

// ends stops leftoff the clean way and looks at what it leaves behind.
func (l *life) ends() {
	l.t.Helper()
	if err := l.d.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		l.t.Fatal(err)
	}
	if status := l.d.status(soon); status != 0 {
		l.t.Errorf("leftoff ended with %d", status)
	}
	x, err := checkpoint.Open(filepath.Join(l.dataDir, l.link+".db"), checkpoint.Options{ReadOnly: true})
	if err != nil {
		l.t.Fatal(err)
	}
	if err := x.Check(); err != nil {
		l.t.Error(err)
	}
	if err := x.Close(); err != nil {
		l.t.Error(err)
	}
}
