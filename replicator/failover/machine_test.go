package failover

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// world is a link, and the log on its secondary. It dies at a chosen call, before or after the call's effect.
type world struct {
	values [][]byte

	dieAt      int // number of the call; −1: never
	afterwards bool
	calls      int

	view      View
	members   map[string][]string
	behind    []Unmirrored
	open      []Unmirrored
	checked   Checked
	fenced    map[string]bool
	handed    map[string]string
	happened  []string // effects, in order, each once
	noPrimary bool

	looks   int // how often a check that was asked for is not done yet
	landing int // how often the mirror's records are not on the secondary yet

	start     int    // of the log
	mark      int64  // where the secondary ends at the switch; 0: 9
	onSwitch  func() // what happens while topics are being switched
	onMembers func()
	onOpen    func()
	unfenced  bool             // the mirror is not leftoff's
	produced  map[string]int64 // offsets that producers wrote on the secondary past the switch, by topic

	diverged []Unmirrored
	alien    alien
	returned int
	settled  map[string][]Mark
}

var errDied = errors.New("killed")

func newWorld() *world {
	w := &world{dieAt: -1, fenced: map[string]bool{}, handed: map[string]string{}, members: map[string][]string{}, checked: Checked{Verdicts: map[string]int{"same_record": 4}}}
	w.view = View{Ready: [2]bool{true, true}, Topics: []string{"orders", "payments"}}
	for _, name := range []string{"audit", "till"} {
		w.view.Groups = append(w.view.Groups, GroupView{Group: name, Offsets: 2, Confidence: "exact"})
	}
	return w
}

// call is where the process may be killed. One that is does nothing more.
func (w *world) call(effect func()) error {
	n := w.calls
	w.calls++
	if w.dieAt >= 0 && (n > w.dieAt || n == w.dieAt && !w.afterwards) {
		return errDied
	}
	if effect != nil {
		effect()
	}
	if n == w.dieAt {
		return errDied
	}
	return nil
}

func (w *world) once(what string) {
	if !slices.Contains(w.happened, what) {
		w.happened = append(w.happened, what)
	}
}

func (w *world) Append(_ context.Context, values [][]byte) error {
	return w.call(func() { w.values = append(w.values, values...) })
}

func (w *world) Read(_ context.Context, yield func(int64, []byte)) error {
	for i, v := range w.values[min(w.start, len(w.values)):] {
		yield(int64(w.start+i), v)
	}
	return w.call(nil)
}

func (w *world) Look(context.Context, Scope) (View, error) {
	v := w.view
	v.Groups = slices.Clone(v.Groups)
	for i := range v.Groups {
		v.Groups[i].Verdict = w.handed[v.Groups[i].Group]
	}
	return v, w.call(nil)
}

func (w *world) Members(context.Context, []string) (map[string][]string, error) {
	if w.noPrimary {
		return nil, errors.New("the primary is gone")
	}
	return w.members, w.call(w.onMembers)
}

func (w *world) Behind(_ context.Context, topics []string) ([]Unmirrored, error) {
	if w.noPrimary {
		return nil, errors.New("the primary is gone")
	}
	return of(topics, w.behind), w.call(nil)
}

func (w *world) Open(_ context.Context, topics []string) ([]Unmirrored, error) {
	if w.noPrimary {
		return nil, errors.New("the primary is gone")
	}
	return of(topics, w.open), w.call(w.onOpen)
}

func of(topics []string, all []Unmirrored) []Unmirrored {
	return slices.DeleteFunc(slices.Clone(all), func(u Unmirrored) bool { return !slices.Contains(topics, u.Topic) })
}

func (w *world) Land(context.Context, []string) (int64, error) {
	if w.landing > 0 {
		w.landing--
		return 5, w.call(nil)
	}
	return 0, w.call(nil)
}

func (w *world) Seen(context.Context, []string) (Seen, error) {
	return Seen{NeverMirrored: 7, Ends: time.Unix(1, 0)}, w.call(nil)
}

func (w *world) Check(_ context.Context, o Look) (Checked, []string, error) {
	if w.noPrimary && !o.Alone {
		return Checked{}, nil, errors.New("the primary is gone")
	}
	if o.Peek {
		return Checked{}, []string{fmt.Sprintf("%d positions to go", w.looks)}, w.call(nil)
	}
	if w.looks > 0 {
		w.looks--
		return Checked{}, []string{fmt.Sprintf("%d positions to go", w.looks)}, w.call(nil)
	}
	return w.checked, nil, w.call(func() { w.once("check") })
}

func (w *world) Switch(_ context.Context, topics []string) (all []TopicReport, err error) {
	err = w.call(func() {
		for _, t := range topics {
			w.fenced[t] = true
		}
		w.once("switch")
		if w.onSwitch != nil {
			w.onSwitch()
		}
	})
	end := int64(9)
	if w.mark > 0 {
		end = w.mark
	}
	for _, t := range topics {
		all = append(all, TopicReport{Topic: t, There: t, Fenced: !w.unfenced, Marks: []Mark{{0, 10, end}}})
	}
	return all, err
}

func (w *world) Written(_ context.Context, switched map[string]Role) (all []Written, err error) {
	for topic, role := range switched {
		if w.produced[topic] > 0 {
			from := role.Marks[0].Secondary
			all = append(all, Written{Topic: topic, There: topic, From: from, To: from + w.produced[topic], Fenced: true})
		}
	}
	slices.SortFunc(all, Written.Compare)
	return all, w.call(nil)
}

func (w *world) SwitchBack(_ context.Context, topics []string) error {
	return w.call(func() {
		for _, t := range topics {
			w.fenced[t] = false
		}
	})
}

func (w *world) HandOver(_ context.Context, groups []string, _ string) (map[string]string, error) {
	err := w.call(func() {
		for _, g := range groups {
			w.handed[g] = "handed_over"
		}
		w.once("hand over")
	})
	return w.handed, err
}

func (w *world) TakeBack(_ context.Context, groups []string, _ string) error {
	return w.call(func() {
		for _, g := range groups {
			w.handed[g] = "reclaimed"
		}
	})
}

func (w *world) machine() *Machine { return New(NewStore(w, "p→s"), w) }

// run is what an operator does: begin, and watch until it is over or waits for something.
func (w *world) run(o Order) (Progress, error) {
	m := w.machine()
	p, err := m.Begin(context.Background(), o)
	for i := 0; err == nil && !p.State.Over() && len(p.Waits) == 0; i++ {
		if i > 50 {
			return p, errors.New("it never ends")
		}
		p, err = m.Advance(context.Background(), o)
	}
	return p, err
}

func (w *world) known(t *testing.T) Known {
	t.Helper()
	w.dieAt = -1
	k, err := NewStore(w, "p→s").Load(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func (w *world) isOver(t *testing.T, what string) {
	t.Helper()
	k := w.known(t)
	if k.State == nil || k.State.Step != Done {
		t.Fatalf("%s: %+v", what, k.State)
	}
	for _, topic := range w.view.Topics {
		if k.Roles[topic].Name != Switched || !w.fenced[topic] || k.Roles[topic].Marks[0] != (Mark{0, 10, 9}) {
			t.Errorf("%s: role of %s is %+v, fenced %v", what, topic, k.Roles[topic], w.fenced[topic])
		}
	}
	for _, g := range w.view.Groups {
		if k.Groups[g.Group].Verdict != "handed_over" || w.handed[g.Group] != "handed_over" {
			t.Errorf("%s: %s is %q on the log and %q here", what, g.Group, k.Groups[g.Group].Verdict, w.handed[g.Group])
		}
	}
	if got := strings.Join(w.happened, ", "); got != "check, switch, hand over" {
		t.Errorf("%s: %s", what, got)
	}
	var steps []Step
	for _, p := range k.State.Past {
		steps = append(steps, p.Step)
	}
	want := Steps(k.State.Unplanned)
	if !slices.Equal(steps, want[:len(want)-1]) {
		t.Errorf("%s: went through %v", what, steps)
	}
}

// TestKilledAnywhere kills the process at every call that it makes, before and after the call's effect, and goes on with
// another one that knows nothing but the log. It ends in the same place.
func TestKilledAnywhere(t *testing.T) {
	for _, unplanned := range []bool{false, true} {
		o := Order{Unplanned: unplanned, Who: "me"}
		w := newWorld()
		w.noPrimary = unplanned
		if _, err := w.run(o); err != nil {
			t.Fatal(err)
		}
		w.isOver(t, "undisturbed")
		calls := w.calls
		if calls < 20 {
			t.Fatalf("%d calls only", calls)
		}
		for n := range calls {
			for _, afterwards := range []bool{false, true} {
				what := fmt.Sprintf("unplanned %v, killed at call %d, after its effect %v", unplanned, n, afterwards)
				w := newWorld()
				w.noPrimary, w.dieAt, w.afterwards = unplanned, n, afterwards
				if _, err := w.run(o); !errors.Is(err, errDied) {
					if w.calls > n {
						t.Fatalf("%s: %v", what, err)
					}
					continue // the log was shorter this time
				}
				w.dieAt = -1
				if p, err := w.run(o); err != nil {
					t.Fatalf("%s: %v %+v", what, err, p)
				}
				w.isOver(t, what)
			}
		}
	}
}

func TestWaits(t *testing.T) {
	for name, c := range map[string]struct {
		change func(w *world)
		order  Order
		step   Step
		says   string
		person bool
	}{
		"running":       {func(w *world) { w.members["till"] = []string{"consumer-1 on 10.0.0.1"} }, Order{}, Stop, "till still runs on the primary: consumer-1 on 10.0.0.1", false},
		"not mirrored":  {func(w *world) { w.behind = []Unmirrored{{"orders", 0, 3, 5}} }, Order{}, Drain, "2 offsets in 1 partitions", false},
		"due":           {func(w *world) { w.view.Groups[0].Due = 1 }, Order{}, Sync, "1 positions are being written", false},
		"inexact":       {func(w *world) { w.view.Groups[1].Confidence, w.view.Groups[1].Reread = "floor", 12 }, Order{}, Sync, "till is floor: up to 12", true},
		"held":          {func(w *world) { w.view.Groups[1].Held = map[string]int{"topic_missing": 1} }, Order{}, Preflight, "topic_missing", true},
		"taken":         {func(w *world) { w.view.Groups[1].Live = true }, Order{}, Preflight, "till run on the secondary", true},
		"differs":       {func(w *world) { w.checked.Bad = []string{"till orders/0: skips 3"} }, Order{}, Verify, "skips 3", true},
		"no groups":     {func(w *world) { w.view.Groups = nil }, Order{}, Preflight, "no group", true},
		"not read":      {func(w *world) { w.view.Ready[1] = false }, Order{}, Preflight, "secondary", false},
		"not read, too": {func(w *world) { w.view.Ready[1] = false }, Order{Unplanned: true}, Freeze, "secondary", false},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			c.change(w)
			p, err := w.run(c.order)
			if err != nil || p.State.Step != c.step || p.Needs != c.person || !strings.Contains(strings.Join(p.Waits, "; "), c.says) {
				t.Errorf("%v, at %s, person %v: %q", err, p.State.Step, p.Needs, p.Waits)
			}
			if len(w.handed) > 0 || len(w.fenced) > 0 {
				t.Errorf("something changed hands: %v %v", w.handed, w.fenced)
			}
		})
	}
}

// What is not exact, or could not be checked, goes on when a person says so, and that is written down.
func TestAccept(t *testing.T) {
	w := newWorld()
	w.view.Groups[1].Confidence, w.view.Groups[1].Reread = "floor", 12
	w.view.Groups[0].Held = map[string]int{"unmapped": 1}
	w.checked.Bad = []string{"till orders/0: reads again 3"}
	p, err := w.run(Order{Who: "me", Accept: true})
	if err != nil || p.State.Step != Done || len(p.State.Accepted) != 3 {
		t.Fatalf("%v %+v", err, p)
	}
}

// The unplanned one asks nothing of the primary, and says what is not known.
func TestUnplanned(t *testing.T) {
	w := newWorld()
	w.noPrimary, w.view.Ready[0], w.view.Error[0] = true, false, "connection refused"
	w.view.Groups[0].Confidence = "behind"
	p, err := w.run(Order{Unplanned: true, Who: "me"})
	if err != nil || p.State.Step != Done {
		t.Fatalf("%v %+v", err, p)
	}
	if s := p.State; s.Seen.NeverMirrored != 7 || !s.Checked.Alone || !strings.Contains(s.Past[0].Said, "at least 7 records") {
		t.Errorf("%+v", s)
	}
}

func TestSecondOperator(t *testing.T) {
	w := newWorld()
	w.members["till"] = []string{"one"}
	if _, err := w.run(Order{Who: "ann"}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.run(Order{Who: "bob", Unplanned: true}); !errors.Is(err, ErrUnderWay) || !strings.Contains(err.Error(), "ann") {
		t.Error(err)
	}
	if _, err := w.run(Order{Who: "bob", Scope: Scope{Groups: []string{"till"}}}); !errors.Is(err, ErrUnderWay) {
		t.Error(err)
	}
	if p, err := w.run(Order{Who: "bob"}); err != nil || p.State.Step != Stop {
		t.Errorf("the same order goes on: %v %+v", err, p)
	}
}

// Of two that write at the same time one loses, and what it wrote counts for nothing.
func TestRace(t *testing.T) {
	w := newWorld()
	store := NewStore(w, "p→s")
	ctx := context.Background()
	k, err := store.Load(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.Change(ctx, k, State{ID: "1", Who: "ann", Step: Preflight}); err != nil {
		t.Fatal(err)
	}
	after, err := store.Change(ctx, k, State{ID: "2", Who: "bob", Step: Preflight})
	if !errors.Is(err, ErrOvertaken) || !strings.Contains(err.Error(), "ann") || after.State.ID != "1" {
		t.Errorf("%v %+v", err, after.State)
	}
	if other, err := NewStore(w, "q→s").Load(ctx); err != nil || other.State != nil {
		t.Errorf("another link sees %+v, %v", other.State, err)
	}
}

func TestRollback(t *testing.T) {
	o, ctx := Order{Who: "me"}, context.Background()
	w := newWorld()
	if _, err := w.run(o); err != nil {
		t.Fatal(err)
	}
	m := w.machine()
	p, err := m.Rollback(ctx, o)
	for err == nil && !p.State.Over() && len(p.Waits) == 0 {
		p, err = m.Advance(ctx, o)
	}
	if err != nil || p.State.Step != RolledBack {
		t.Fatalf("%v %+v", err, p)
	}
	k := w.known(t)
	if w.fenced["orders"] || w.handed["till"] != "reclaimed" || k.Roles["orders"].Name != Forward || k.Groups["till"].Verdict != "reclaimed" {
		t.Errorf("%v %v %+v", w.fenced, w.handed, k)
	}
	if p, err := w.run(o); err != nil || p.State.Step != Done {
		t.Errorf("the next one: %v %+v", err, p)
	}
}

func TestNoRollbackOfWhatStarted(t *testing.T) {
	o := Order{Who: "me"}
	w := newWorld()
	if _, err := w.run(o); err != nil {
		t.Fatal(err)
	}
	w.view.Groups[1].Live = true
	if _, err := w.machine().Rollback(context.Background(), o); !errors.Is(err, ErrStarted) || !strings.Contains(err.Error(), "till") {
		t.Error(err)
	}
}

// With single groups the topics stay with the mirror: the other groups go on.
func TestSingleGroups(t *testing.T) {
	w := newWorld()
	p, err := w.run(Order{Who: "me", Scope: Scope{Groups: []string{"till", "audit"}}})
	if err != nil || p.State.Step != Done || len(w.fenced) > 0 || len(w.handed) != 2 {
		t.Errorf("%v %+v %v", err, p, w.fenced)
	}
}

func TestUnreadableLogStopsEverything(t *testing.T) {
	w := newWorld()
	w.values = [][]byte{[]byte("no json")}
	if _, err := w.run(Order{}); err == nil || !strings.Contains(err.Error(), Topic) {
		t.Error(err)
	}
}
