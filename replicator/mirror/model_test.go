package mirror

import (
	"context"
	"flag"
	"fmt"
	"os"
	"testing"
	"time"

	"go.uber.org/zap"
	"pgregory.net/rapid"

	"github.com/leftoff/leftoff/replicator/kafka"
	"github.com/leftoff/leftoff/translate"
)

// world is one partition on both clusters, a process that mirrors it, and everything that can go wrong. It runs in one
// goroutine: every action is one event, so any order of events can happen, and a failing one is found again by its seed.
type world struct {
	primary *fakeLog
	second  *broker
	late    []request // on their way since a process or connection died
	wire    *wire
	feed    *fakeFeed
	p       *partition
	index   *memory
	disk    *memory // what the last flush left
	clock   time.Time
	ids     int64
	step    int
	log     *zap.Logger

	content   func() byte
	unnoticed int // generation of p while a truncation has not been noticed
	blind     bool
	inexact   bool // something happened after which floors are allowed
	committed bool
	letters   int
	settled   bool
	cutShort  bool // the secondary was truncated, or the disk lost: what retention then takes cannot be told from what was never there
}

func newWorld(content func() byte) *world {
	w := &world{
		primary: &fakeLog{cut: 4}, second: &broker{producers: map[int64]*remembered{}}, content: content,
		clock: time.Unix(1e9, 0), disk: newMemory(), ids: 100, committed: true, log: zap.NewNop(),
	}
	w.second.cut = 5
	if os.Getenv("MIRROR_TRACE") != "" {
		w.log, _ = zap.NewDevelopment()
	}
	w.boot()
	return w
}

// boot starts a process on what the disk has.
func (w *world) boot() {
	w.index = w.disk.clone()
	w.wire, w.feed = &wire{}, &fakeFeed{log: w.primary}
	p := newPartition("orders", 0)
	p.log, p.now, p.limit = w.log, func() time.Time { return w.clock }, 200
	p.options = rules{committed: w.committed, prefetch: func() int { return 400 }, classify: classify, slots: make(chan struct{}, 1)}
	p.primary, p.secondary, p.feed, p.target, p.link, p.index = w.primary, &w.second.fakeLog, w.feed, w.wire, w, w.index
	w.p = p
	w.blind = false
}

func (w *world) Same(context.Context) error { return nil }
func (w *world) Settings(context.Context) (settings, error) {
	return settings{timestamp: true, batch: 200}, nil
}
func (w *world) NewID(context.Context, int64) (kafka.ProducerID, error) {
	w.ids++
	return kafka.ProducerID{ID: w.ids}, nil
}
func (w *world) Flush() error { w.disk = w.index.clone(); return nil }
func (w *world) Notify(bool)  {}

func (w *world) run() {
	w.clock = w.clock.Add(time.Minute)
	w.p.step(context.Background())
	w.inexact = w.inexact || w.p.counters.vanished > 0 // copies whose originals are gone are known as a stretch only
	if w.blind && w.p.generation > w.unnoticed {
		w.blind = false
	}
}

// crash kills the process: what it had on the wire arrives late or never.
func (w *world) crash(arrives func() bool) {
	for _, r := range w.wire.requests {
		if !arrives() {
			break
		}
		w.late = append(w.late, r)
	}
	w.boot()
}

func (w *world) cutOff(arrives func() bool) {
	for _, r := range w.wire.cutOff() {
		if !arrives() {
			break
		}
		w.late = append(w.late, r)
	}
}

func (w *world) landLate() bool {
	if len(w.late) == 0 {
		return false
	}
	r := w.late[0]
	w.late = w.late[1:]
	w.second.produce(r.batch)
	return true
}

func (w *world) look() {
	first, _ := w.primary.Ends(context.Background())
	second, err := w.second.Ends(context.Background())
	w.p.inbox.look(looked{primary: first, secondary: second, sends: w.p.quietSends(), err: err})
}

func (w *world) record() kafka.Record {
	w.step++
	c := w.content()
	r := kafka.Record{Value: []byte{c}}
	if c == 0 {
		r.Value = []byte(fmt.Sprintf("v%d", w.step))
	}
	return r
}

// write appends to the primary: records, then perhaps an aborted transaction with its marker, or a hole.
func (w *world) write(n int, kind cellKind) {
	for range n {
		c := cell{kind: kind, record: w.record(), epoch: w.primary.epoch, pid: -1}
		if kind == aborted {
			c.pid = 7
		}
		w.primary.cells = append(w.primary.cells, c)
	}
	if kind == aborted {
		w.primary.cells = append(w.primary.cells, cell{kind: marker, epoch: w.primary.epoch, pid: 7,
			record: kafka.Record{Key: []byte{0, 0, 0, 0}, Value: []byte{0, 0, 0, 0, 0, 0}}})
	}
}

func (w *world) intrude(n int) {
	origin := foreign
	if !w.disk.HasFrontier {
		origin = orphan // from before the mirror began: former content
	}
	for range n {
		r := w.record()
		r.Headers = []kafka.Header{{Key: []byte("foreign")}}
		w.second.cells = append(w.second.cells, cell{kind: data, record: r, pid: 9, epoch: w.second.epoch, origin: origin})
	}
}

// truncateSecondary is an unclean election there. Not below what a person accepted: that model knows no such person.
func (w *world) truncateSecondary(n int64) {
	from := max(w.second.start, w.second.end()-n)
	for from < w.second.end() && w.second.cells[from].origin == orphan {
		from++ // former content that is replaced by as much cannot be told apart, and need not be
	}
	for _, c := range w.second.cells[from:] {
		w.inexact = w.inexact || c.origin == foreign // a foreign record replaced by another record looks the same: positions stay below it
	}
	w.second.truncate(from)
	w.cutShort = true
	w.unsee()
}

func (w *world) truncatePrimary(n int64, rewrite int) {
	from := max(w.primary.start, w.primary.end()-n)
	if len(w.index.Main) == 0 || from <= w.index.Main[0].Primary || len(w.disk.Main) == 0 {
		return // with no copied record left on the primary there is nothing to compare
	}
	w.primary.cells = w.primary.cells[:from]
	w.primary.epoch++
	for i := range w.second.cells { // copies of what is gone are copies of nothing that is available
		if c := &w.second.cells[i]; c.origin >= from {
			c.origin = orphan
		}
	}
	for i := range w.late {
		w.orphan(w.late[i].batch, from)
	}
	for i := range w.wire.requests {
		w.orphan(w.wire.requests[i].batch, from)
	}
	w.write(rewrite, data)
	w.unsee()
	w.inexact = true
}

// orphan makes copies on their way copies of nothing.
func (w *world) orphan(b kafka.ProduceBatch, from int64) {
	for i := range b.Records {
		if b.Records[i].Offset >= from {
			b.Records[i].Offset = orphan
		}
	}
}

const orphan = int64(-2)

// unsee: until the process has looked again, its answers may be too high. Nobody can do better.
func (w *world) unsee() {
	w.blind, w.unnoticed = true, w.p.generation
}

func (w *world) forward(u int64) translate.Position {
	served, _, trusted, _ := w.p.view.answerable()
	if !trusted {
		return translate.Position{}
	}
	pos, err := w.index.Forward(u, served)
	if err != nil {
		panic(err)
	}
	return pos
}

// check holds the first safety rule at any moment: no position above T(u).
func (w *world) check(t interface{ Fatalf(string, ...any) }) {
	if w.blind {
		return
	}
	copies := last(w.primary, w.second)
	for u := int64(0); u <= w.primary.end()+1; u++ {
		pos := w.forward(u)
		if pos.Confidence == translate.Unmapped {
			continue
		}
		if w.letters > 0 {
			w.checkContent(t, u, pos.Offset)
			continue
		}
		if want := max(w.second.start, naive(w.primary, w.second, copies, u)); pos.Offset > want {
			t.Fatalf("ahead: Forward(%d) = %+v, T = %d\n%s", u, pos, want, w)
		}
		if pos.Offset > w.second.end() {
			t.Fatalf("past the end: Forward(%d) = %+v, end %d", u, pos, w.second.end())
		}
	}
	if err := w.index.Check(); err != nil {
		t.Fatalf("index: %v", err)
	}
}

// checkContent is the rule for records that cannot be told apart: no position skips a foreign record, and once things have
// settled, there are at least as many of each content from the position on as records at or after u.
func (w *world) checkContent(t interface{ Fatalf(string, ...any) }, u, position int64) {
	count := map[string]int{}
	for at, c := range w.second.cells {
		if c.kind == data && int64(at) >= position && c.origin != foreign {
			count[string(c.record.Value)]++
		}
		if int64(at) < position && c.origin == foreign {
			t.Fatalf("Forward(%d) = %d skips the foreign record at %d\n%s", u, position, at, w)
		}
	}
	for s := u; w.settled && s < w.primary.end(); s++ {
		v := string(w.primary.cells[s].record.Value)
		if w.primary.cells[s].kind != data {
			continue
		}
		if count[v]--; count[v] < 0 {
			t.Fatalf("Forward(%d) = %d skips a record %q\n%s", u, position, v, w)
		}
	}
}

// settle lets everything run until nothing moves, and then wants every record copied, and every position exact.
func (w *world) settle(t *rapid.T) {
	w.second.maxBatch, w.second.down, w.primary.down = 0, false, false
	for quiet, rounds := 0, 0; quiet < 5; quiet++ {
		before := w.second.end()
		if rounds++; rounds > 200 {
			t.Fatalf("does not settle\n%s", w)
		}
		w.look()
		w.run()
		for w.landLate() || w.feed.deliver(w.p) || w.wire.arrive(w.second) || w.wire.respond() {
			w.run()
			if rounds++; rounds > 2000 {
				t.Fatalf("does not settle\n%s", w)
			}
			quiet = 0
		}
		if w.second.end() != before {
			quiet = 0
		}
	}
	w.settled = true
	w.check(t)
	if w.letters > 0 {
		return
	}
	copies := last(w.primary, w.second)
	for u := w.primary.start; u <= w.primary.end(); u++ {
		if u < w.primary.end() && w.primary.cells[u].kind == data {
			if _, ok := copies[u]; !ok && !w.expired(u) && !(w.cutShort && w.second.start > 0) {
				t.Fatalf("record %d was never copied\n%s", u, w)
			}
		}
		inexact := w.inexact || w.second.start > 0 && w.repeated() // what is left of a re-copy that retention cut into is not known
		pos, want := w.forward(u), naive(w.primary, w.second, copies, u)
		want = min(max(want, w.second.start), w.second.end())
		if pos.Offset > want || (pos.Offset < want || pos.Confidence == translate.Unmapped) && !inexact {
			t.Fatalf("settled: Forward(%d) = %+v, T = %d\n%s", u, pos, want, w)
		}
	}
}

// repeated: some record has more than one copy.
func (w *world) repeated() bool {
	seen := map[int64]bool{}
	for _, c := range w.second.cells {
		if c.origin >= 0 && seen[c.origin] {
			return true
		}
		seen[c.origin] = true
	}
	return false
}

// expired: the copy was there and was deleted by the secondary's retention.
func (w *world) expired(u int64) bool {
	for at, c := range w.second.cells {
		if c.origin == u && int64(at) < w.second.start {
			return true
		}
	}
	return false
}

func (w *world) String() string {
	s := "primary  "
	for i, c := range w.primary.cells {
		s += fmt.Sprintf(" %d:%s", i, [...]string{"", "hole", "marker", "aborted"}[c.kind]+string(c.record.Value))
	}
	s += fmt.Sprintf(" start %d\nsecondary", w.primary.start)
	for i, c := range w.second.cells {
		s += fmt.Sprintf(" %d:%d", i, c.origin)
	}
	s += fmt.Sprintf(" start %d\nmain %v pending %v dead %v foreign %v frontier %v past %+v doubt %q expected %d", w.second.start, w.index.Main, w.index.Pending, w.index.Dead, w.index.Copies.Foreign, w.index.Copies.Frontier, w.index.Past, w.p.doubt, w.p.expected)
	return s
}

// The mirror under every order of events: never ahead at any moment, and exact once things settle.
func TestModel(t *testing.T) {
	checks := flag.Lookup("rapid.checks")
	if checks.Value.String() == checks.DefValue && !testing.Short() {
		_ = checks.Value.Set("1000")
		defer checks.Value.Set(checks.DefValue)
	}
	for _, c := range []struct {
		name    string
		letters int // distinct record contents; 0: every record is unique
		bad     []string
	}{
		{"crashes", 0, []string{"crash", "cutOff", "late"}},
		{"crashes and foreign writers", 0, []string{"crash", "cutOff", "late", "intrude"}},
		{"forgetful broker", 0, []string{"crash", "cutOff", "late", "forget"}},
		{"lost disk", 0, []string{"crash", "cutOff", "late", "lostDisk"}},
		{"truncated secondary", 0, []string{"crash", "cutOff", "late", "truncateSecondary"}},
		{"truncated primary", 0, []string{"crash", "cutOff", "truncatePrimary"}},
		{"retention", 0, []string{"crash", "cutOff", "late", "retention"}},
		{"retention of the primary", 0, []string{"crash", "cutOff", "late", "primaryRetention", "intrude"}},
		{"equal records", 2, []string{"crash", "cutOff", "late", "intrude"}},
		{"everything", 0, []string{"crash", "cutOff", "late", "intrude", "forget", "truncateSecondary", "retention"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) { drive(t, c.letters, c.bad) })
		})
	}
}

func drive(t *rapid.T, letters int, bad []string) {
	w := newWorld(func() byte {
		if letters == 0 {
			return 0
		}
		return byte('a' + rapid.IntRange(0, letters-1).Draw(t, "letter"))
	})
	w.letters = letters
	arrives := func() bool { return rapid.Bool().Draw(t, "arrives") }
	all := map[string]func(*rapid.T){
		"": w.checked,
		"write": func(t *rapid.T) {
			w.write(rapid.IntRange(1, 6).Draw(t, "n"), rapid.SampledFrom([]cellKind{data, data, data, hole, aborted}).Draw(t, "kind"))
		},
		"fetch":   func(*rapid.T) { w.feed.deliver(w.p) },
		"arrive":  func(*rapid.T) { w.wire.arrive(w.second) },
		"respond": func(*rapid.T) { w.wire.respond() },
		"step":    func(*rapid.T) { w.run() },
		"step2":   func(*rapid.T) { w.run() },
		"fetch2":  func(*rapid.T) { w.feed.deliver(w.p) },
		"look":    func(*rapid.T) { w.look(); w.run() },
		"flush":   func(*rapid.T) { w.disk = w.index.clone() },
		"refuse":  func(*rapid.T) { w.wire.refuse(coded(kafka.Refind, 6)) },
	}
	more := map[string]func(*rapid.T){
		"crash":   func(t *rapid.T) { w.crash(arrives) },
		"cutOff":  func(t *rapid.T) { w.cutOff(arrives) },
		"late":    func(*rapid.T) { w.landLate() },
		"intrude": func(t *rapid.T) { w.intrude(rapid.IntRange(1, 3).Draw(t, "n")) },
		"forget":  func(*rapid.T) { w.second.producers = map[int64]*remembered{} },
		"lostDisk": func(*rapid.T) {
			w.disk, w.cutShort = newMemory(), true
			w.crash(arrives)
		},
		"truncateSecondary": func(t *rapid.T) { w.truncateSecondary(rapid.Int64Range(1, 8).Draw(t, "n")) },
		"truncatePrimary": func(t *rapid.T) {
			w.truncatePrimary(rapid.Int64Range(1, 8).Draw(t, "n"), rapid.IntRange(0, 8).Draw(t, "rewrite"))
		},
		"retention": func(t *rapid.T) {
			w.second.start = rapid.Int64Range(w.second.start, w.second.end()).Draw(t, "start")
		},
	}
	more["primaryRetention"] = func(t *rapid.T) {
		w.primary.start = rapid.Int64Range(w.primary.start, w.primary.end()).Draw(t, "start")
	}
	for _, name := range bad {
		all[name] = more[name]
	}
	t.Repeat(all)
	w.settle(t)
}

func (w *world) checked(t *rapid.T) { w.check(t) }
