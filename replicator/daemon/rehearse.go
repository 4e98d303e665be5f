package daemon

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/replicator/api"
	"github.com/leftoff/leftoff/replicator/drill"
	"github.com/leftoff/leftoff/replicator/failover"
	"github.com/leftoff/leftoff/replicator/kafka"
)

// Drill says how a link rehearses by itself.
type Drill struct {
	Every    time.Duration // 0: never
	RPO, RTO time.Duration
	Sample   int
	Dir      string // where reports are kept
	Keep     int    // how many
	SignKey  string // file; empty: not signed
}

// rehearsals makes the schedule, before anything runs: a key that can't be used is found at the start, not in the night. nil: there are none.
func (l *link) rehearsals(version string) (*drill.Schedule, error) {
	if l.Drill.Every <= 0 || l.ReadOnly {
		return nil, nil
	}
	var key ed25519.PrivateKey
	if l.Drill.SignKey != "" {
		var err error
		if key, err = drill.LoadKey(l.Drill.SignKey); err != nil {
			return nil, fmt.Errorf("drill.sign_key: %w", err)
		}
	}
	return &drill.Schedule{
		Every: l.Drill.Every, Shelf: drill.Shelf{Dir: l.Drill.Dir, Keep: l.Drill.Keep}, Logger: l.log.Named("drill"),
		Run:   func(ctx context.Context) (drill.Report, error) { return l.rehearse(ctx, version, key) },
		Ready: l.tooEarly, Held: l.failingOver,
	}, nil
}

// tooEarly: what has not been read yet can't be rehearsed.
func (l *link) tooEarly() string {
	r := l.started()
	if r == nil {
		return "the clusters do not answer yet"
	}
	select {
	case <-r.memory.read:
	default:
		return "what is kept on the secondary is still being read"
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	s, err := r.loop.Snapshot(ctx, false)
	switch source, waits := r.source.(interface{ Ready() bool }); {
	case err != nil || !s.Writable:
		return "both sides are still being read"
	case waits && !source.Ready():
		return "records are still being compared"
	}
	return ""
}

// failingOver: a rehearsal and the day itself never at a time. What another machine begins is known here two seconds later.
func (l *link) failingOver() string {
	r := l.started()
	if r == nil {
		return ""
	}
	return r.memory.failover()
}

// failover says that one is under way, or that the link has failed over as a whole: then there is nothing to rehearse until it is home again.
func (m *memory) failover() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch s := m.state; {
	case s == nil:
		return ""
	case !s.Over():
		return fmt.Sprintf("a failover is under way, at %s", strings.ReplaceAll(string(s.Step), "_", " "))
	case s.Step == failover.Done && len(s.Scope.Groups) == 0 && len(s.Scope.Topics) == 0:
		return "the link has failed over"
	}
	return ""
}

// rehearse drills over connections of its own: nothing that follows the groups waits for it.
func (l *link) rehearse(ctx context.Context, version string, key ed25519.PrivateKey) (drill.Report, error) {
	log := l.log.Named("drill")
	primary, secondary := kafka.Open(l.Primary, log), kafka.Open(l.Secondary, log)
	defer primary.Close()
	defer secondary.Close()
	w, closeIt := drill.NewWriter(secondary)
	defer closeIt()
	return drill.Run(ctx, primary, secondary, w, drill.Options{
		Link: l.Name, Version: version, Mapping: l.Mapping, PrimaryName: l.config.Primary, SecondaryName: l.config.Secondary,
		Groups: l.SelectGroup, Rename: l.Rename, Invert: l.Invert, Sample: l.Drill.Sample, RPO: l.Drill.RPO, RTO: l.Drill.RTO, Key: key,
		Plan: func(ctx context.Context) (drill.Plan, error) {
			s, err := l.snapshot(ctx, true)
			return DrillPlan(api.NewGroups([]replicator.Snapshot{s}, "", ""), "daemon"), err
		},
	})
}

// sweepDrills deletes what drills left behind that were killed, where no drill of this daemon will. Who may not, or can't, leaves it to the
// next drill.
func (l *link) sweepDrills(ctx context.Context) error {
	secondary := l.clusters[replicator.Secondary]
	w, closeIt := drill.NewWriter(secondary)
	defer closeIt()
	switch done, err := drill.Sweep(ctx, secondary, w); {
	case err != nil:
		l.log.Debug("look for what drills left behind", zap.Error(err))
	case len(done.Left) > 0:
		l.log.Warn("groups of drills that were killed can't be deleted", zap.Strings("groups", done.Left))
	case len(done.Earlier) > 0:
		l.log.Info("deleted the groups of drills that were killed", zap.Strings("drills", done.Earlier))
	}
	return nil
}

// DrillPlan is what leftoff thinks of its positions, for a drill.
func DrillPlan(groups api.Groups, from string) drill.Plan {
	plan := drill.Plan{From: from, Positions: map[drill.Key]drill.Planned{}, LetGo: map[string]string{}}
	for _, l := range groups.Links {
		for _, g := range l.Groups {
			if g.State == api.Live || g.State == api.TakenOver || g.State == api.HandedOver {
				plan.LetGo[g.Group] = strings.ReplaceAll(string(g.State), "_", " ") + " on the secondary"
			}
			for _, e := range g.Entries {
				plan.Positions[drill.Key{Group: e.Group, Topic: e.Topic, Partition: e.Partition}] = drill.Planned{Confidence: e.Confidence, Reread: e.RereadRecords}
			}
		}
	}
	return plan
}

// drilled adds what is known of drills to a snapshot.
func (l *link) drilled(s *replicator.Snapshot) {
	l.mu.Lock()
	schedule := l.schedule
	l.mu.Unlock()
	if schedule == nil {
		return
	}
	d := schedule.State()
	s.Drill = &d
	switch {
	case d.Result == string(drill.Failed):
		s.Problems = append(s.Problems, fmt.Sprintf("the drill of %s failed: %s. Try: read %s", d.Last.Format(time.RFC3339), d.Said, d.Report))
	case d.Error != "":
		s.Problems = append(s.Problems, "a drill could not be done: "+d.Error)
	}
}
