package checkpoint

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/leftoff/leftoff/translate"
)

func TestPairs(t *testing.T) {
	path := file(t)
	x := mustOpen(t, path, Link{})
	id := func(n byte) (id [16]byte) { id[0] = n; return id }
	topics := func(primary, secondary byte, partitions int32) Topics {
		return Topics{Topic{"orders", id(primary)}, Topic{"west.orders", id(secondary)}, partitions, "mirror"}
	}
	renamed := topics(2, 6, 5)
	renamed.Secondary.Name = "orders"
	for i, tc := range []struct {
		what    string
		topics  Topics
		number  uint32
		created bool
	}{
		{"new", topics(0, 0, 3), 1, true},
		{"again", topics(0, 0, 3), 1, false},
		{"the primary's id becomes known", topics(1, 0, 3), 1, false},
		{"and the secondary's", topics(1, 5, 3), 1, false},
		{"a broker that does not know ids", topics(0, 0, 3), 1, false},
		{"partitions are added", topics(1, 5, 4), 1, false},
		{"the primary's topic was recreated", topics(2, 5, 4), 2, true},
		{"the secondary's", topics(2, 6, 4), 3, true},
		{"fewer partitions can only be another topic", topics(0, 0, 2), 4, true},
		{"another name on the secondary", renamed, 5, true},
	} {
		pair, created, err := x.Pair(tc.topics)
		if err != nil || pair.Info().Number != tc.number || created != tc.created {
			t.Fatalf("%d, %s: pair %+v, created %v, %v", i, tc.what, pair.Info(), created, err)
		}
		if live, ok := x.Lookup("orders"); !ok || live != pair {
			t.Errorf("%s: another pair is live", tc.what)
		}
	}
	x.Close()
	x = mustOpen(t, path, Link{})
	if live, ok := x.Lookup("orders"); !ok || live.Info().Number != 5 || len(x.Pairs()) != 5 {
		t.Errorf("after opening again: %+v", x.Pairs())
	}
	pair, created, err := x.Pair(renamed)
	if err != nil || created || pair.Info().Number != 5 {
		t.Errorf("after opening again: %+v, %v, %v", pair.Info(), created, err)
	}
}

// A recreated topic's runs are not used again, and leave the file.
func TestRetired(t *testing.T) {
	path := file(t)
	x := mustOpen(t, path, Link{})
	old := mustPair(t, x, drivenTopics)
	p := old.Partition(0)
	for i := range int64(1000) {
		if err := p.Append(translate.Run{Primary: i * 11, Secondary: i * 10, Length: 10, Closed: true}); err != nil {
			t.Fatal(err)
		}
	}
	p.Epoch(Secondary, 1, 5)
	if err := x.Flush(); err != nil {
		t.Fatal(err)
	}
	p.SetCursor([]byte("dirty when it is retired"))
	again := drivenTopics
	again.Primary.ID[0] = 99
	fresh := mustPair(t, x, again)
	if err := p.Append(translate.Run{Primary: 1 << 20, Secondary: 1 << 20, Length: 1}); !errors.Is(err, ErrRetired) {
		t.Errorf("append to a retired pair: %v", err)
	}
	if pos := fresh.Partition(0).Forward(5, translate.Bounds{End: 100}); pos.Confidence != translate.Unmapped {
		t.Errorf("stale: %+v", pos)
	}
	x.Close()
	x = mustOpen(t, path, Link{})
	if err := x.Flush(); err != nil {
		t.Fatal(err)
	}
	if s, err := x.Stats(); err != nil || s.Runs != 0 {
		t.Errorf("%+v, %v", s, err)
	}
	if places, err := x.places(); err != nil || len(places) != 0 {
		t.Errorf("left on disk: %v, %v", places, err)
	}
}

func TestGroups(t *testing.T) {
	path := file(t)
	x := mustOpen(t, path, Link{})
	v := Verdict{Kind: TakenOver, At: time.UnixMilli(1234567).UTC(), Why: "a member joined", LogEpoch: 3, LogOffset: 77}
	key := func(g string) OffsetKey { return OffsetKey{g, "orders", 2} }
	for _, err := range []error{x.SetVerdict("g", v), x.SetVerdict("", v), x.SetVerdict("h", v), x.ClearVerdict("h"), x.ClearVerdict("never"),
		x.PutIntents([]Intent{{key(""), 5, v.At}, {key("g"), 6, v.At}, {key("h"), 7, v.At}}), x.DropIntents([]OffsetKey{key("h")})} {
		if err != nil {
			t.Fatal(err)
		}
	}
	x.PutHeld([]Held{{OffsetKey: key("a"), Offset: 1}, {OffsetKey: key("b"), Offset: 2}, {OffsetKey: key("c"), Offset: 3}})
	if err := x.Flush(); err != nil {
		t.Fatal(err)
	}
	x.DropHeld([]OffsetKey{key("a")})
	x.PutHeld([]Held{{OffsetKey: key("b"), Offset: 22, Metadata: "m"}})
	look := func() string {
		var s []string
		for group, v := range x.Verdicts() {
			if v.Kind != TakenOver || v.LogOffset != 77 {
				t.Errorf("verdict %+v", v)
			}
			s = append(s, "v"+group)
		}
		err := x.Intents(func(i Intent) bool { s = append(s, fmt.Sprint("i", i.Group, i.Offset)); return true })
		err2 := x.Held(func(h Held) bool { s = append(s, fmt.Sprint("h", h.Group, h.Offset)); return true })
		if err != nil || err2 != nil {
			t.Fatal(err, err2)
		}
		sortStrings(s)
		return fmt.Sprint(s)
	}
	want := "[hb22 hc3 i5 ig6 v vg]"
	if got := look(); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	x.Close()
	x = mustOpen(t, path, Link{})
	if got := look(); got != want {
		t.Errorf("after opening again: %s, want %s", got, want)
	}
	if got, ok := x.Verdict("g"); !ok || got != v {
		t.Errorf("verdict %+v", got)
	}
}

func TestEpochs(t *testing.T) {
	path := file(t)
	x := mustOpen(t, path, Link{})
	p := mustPair(t, x, drivenTopics).Partition(1)
	for _, e := range []EpochStart{{0, 0}, {2, 50}, {2, 40}, {2, 60}, {1, 20}, {5, 90}, {-1, 3}} {
		p.Epoch(Primary, e.Epoch, e.Start)
	}
	p.Epoch(Secondary, 7, 10)
	check := func(side Side, want string) {
		t.Helper()
		if got := fmt.Sprint(p.Epochs(side)); got != want {
			t.Errorf("epochs %s, want %s", got, want)
		}
	}
	check(Primary, "[{0 0} {1 20} {2 40} {5 90}]")
	p.Prune(45, 0)
	check(Primary, "[{2 40} {5 90}]")
	x.Close()
	x = mustOpen(t, path, Link{})
	p = mustPair(t, x, drivenTopics).Partition(1)
	check(Primary, "[{2 40} {5 90}]")
	check(Secondary, "[{7 10}]")
	if err := p.TruncatePrimary(90); err != nil {
		t.Fatal(err)
	}
	check(Primary, "[{2 40}]")
	if _, err := p.TruncateSecondary(10); err != nil {
		t.Fatal(err)
	}
	check(Secondary, "[]")
}

// Export, import and compact give the same index.
func TestExport(t *testing.T) {
	small(t, 3, 1)
	path := file(t)
	x := mustOpen(t, path, Link{"a", "west", "east"})
	p := mustPair(t, x, drivenTopics).Partition(1)
	for i := range int64(50) {
		if err := p.Append(translate.Run{Primary: i * 11, Secondary: i * 10, Length: 10, Closed: i%7 > 0}); err != nil {
			t.Fatal(err)
		}
	}
	for _, err := range []error{p.Append(translate.Run{Primary: 300, Secondary: 600, Length: 25, Closed: true}), p.Foreign(translate.Span{From: 625, To: 630}),
		p.Advance(translate.Frontier{Primary: 549, Secondary: 640}), x.SetVerdict("g", Verdict{Kind: HandedOver}),
		x.SetSwitched(map[string]Switched{"orders": {Topic: "orders", At: time.UnixMilli(7).UTC(), ID: "f", Marks: []Mark{{1, 549, -1}}}}),
		x.PutIntents([]Intent{{OffsetKey{"g", "orders", 1}, 5, time.UnixMilli(5).UTC()}})} {
		if err != nil {
			t.Fatal(err)
		}
	}
	p.SetCursor([]byte("cursor"))
	p.Epoch(Primary, 4, 44)
	x.PutHeld([]Held{{OffsetKey: OffsetKey{"g", "orders", 1}, Offset: 9}})
	var first, second bytes.Buffer
	if err := x.Export(&first); err != nil {
		t.Fatal(err)
	}
	text := first.String()
	copied := filepath.Join(t.TempDir(), "copy.db")
	if err := Import(copied, bytes.NewReader(first.Bytes())); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if err := Import(copied, bytes.NewReader(first.Bytes())); err == nil {
		t.Error("imported over an index")
	}
	if _, _, err := Compact(copied); err != nil {
		t.Fatal(err)
	}
	if err := mustOpen(t, copied, Link{"a", "west", "east"}).Export(&second); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(text, `"switched":{"orders":`) || second.String() != text {
		t.Errorf("exported\n%s\nthen\n%s", text, second.String())
	}
}

// Lookups, writes and flushes run side by side (for the race detector), and what is appended is found at once.
func TestSideBySide(t *testing.T) {
	small(t, 4, 1)
	x := mustOpen(t, file(t), Link{})
	x.db.NoSync = true
	pair := mustPair(t, x, drivenTopics)
	var wg sync.WaitGroup
	stop := make(chan struct{})
	wg.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				if err := x.Flush(); err != nil {
					t.Error(err)
					return
				}
			}
		}
	})
	for n := range int32(2) {
		wg.Go(func() {
			p := pair.Partition(n)
			for i := range int64(2000) {
				p.Together(func() error {
					if err := p.Append(translate.Run{Primary: i * 11, Secondary: i * 10, Length: 10, Closed: true}); err != nil {
						t.Error(err)
					}
					return p.Advance(translate.Frontier{Primary: i*11 + 10, Secondary: i*10 + 10})
				})
				for _, u := range []int64{i * 11, i / 2 * 11} {
					if pos := p.Forward(u, translate.Bounds{End: 1 << 40}); pos.Confidence != translate.Exact || pos.Offset != u/11*10 && u >= i*11/3 {
						t.Errorf("forward %d = %+v", u, pos)
					}
				}
				if i%50 == 0 {
					p.Prune(i*11/3, i*10/3)
				}
			}
		})
	}
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	pair.Partition(0).Runs(func(translate.Run) bool { return true })
	p := pair.Partition(0)
	for f, _ := p.Frontier(); f.Primary < 1999*11; f, _ = p.Frontier() {
		p.Reverse(f.Secondary/2, translate.Bounds{End: 1 << 40})
	}
	close(stop)
	<-done
}
