package verify

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/leftoff/leftoff/replicator/kafka"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// pair is a primary with records 0 to n−1 of topic t, and a secondary with those listed, in that order.
func pair(n int, copies ...int) (a, b *fake) {
	a, b = newFake(), newFake()
	for i := range n {
		a.log("t").put(entry{Record: record(i)})
	}
	a.log("t")
	b.log("t")
	for _, i := range copies {
		b.log("t").put(entry{Record: record(i)})
	}
	return a, b
}

// span is from … to−1, without those left out.
func span(from, to int, without ...int) (all []int) {
	for i := from; i < to; i++ {
		if !slices.Contains(without, i) {
			all = append(all, i)
		}
	}
	return all
}

func at(t *testing.T, a, b *fake, o Options, u, s int64) Row {
	t.Helper()
	a.commit("g", "t", u)
	b.commit("g", "t", s)
	r, err := Check(t.Context(), a, b, o)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Rows) != 1 || r.Counts[r.Rows[0].Verdict] != 1 {
		t.Fatalf("%+v", r)
	}
	return r.Rows[0]
}

func TestVerdicts(t *testing.T) {
	small := Options{Near: 4, Deep: 100}
	twice := append(span(0, 100), span(40, 200)...) // copied 40 to 99 twice
	for _, c := range []struct {
		name    string
		n       int
		copies  []int
		o       Options
		u, s    int64
		verdict Verdict
		records int64
		atLeast bool
		why     string
	}{
		{name: "same offsets", n: 100, copies: span(0, 100), u: 50, s: 50, verdict: SameRecord},
		{name: "from the start", n: 100, copies: span(0, 100), verdict: SameRecord},
		{name: "five less", n: 100, copies: span(5, 100), u: 50, s: 45, verdict: SameRecord},
		{name: "start cut", n: 100, copies: span(50, 100), u: 50, verdict: Gap, why: "nothing below"},
		{name: "all read", n: 100, copies: span(5, 100), u: 100, s: 95, verdict: AtEnd},
		{name: "one skipped", n: 100, copies: span(5, 100), u: 50, s: 46, verdict: Skips, records: 1},
		{name: "forty skipped", n: 100, copies: span(5, 100), u: 50, s: 85, verdict: Skips, records: 40},
		{name: "everything skipped", n: 100, copies: span(5, 100), u: 50, s: 95, verdict: Skips, records: 50},
		{name: "more skipped than the window holds", n: 3000, copies: span(0, 3000), o: small, u: 1000, s: 1150, verdict: Skips, records: 150},
		{name: "skipped far away", n: 3000, copies: span(0, 3000), o: small, u: 1000, s: 2500, verdict: Skips, records: 1500, why: "far below"},
		{name: "skipped to the end", n: 3000, copies: span(0, 3000), o: small, u: 1000, s: 3000, verdict: Skips, records: 2000},
		{name: "one read again", n: 100, copies: span(5, 100), u: 50, s: 44, verdict: Rereads, records: 1},
		{name: "all read, and one again", n: 100, copies: span(5, 100), u: 100, s: 94, verdict: Rereads, records: 1},
		{name: "read again from far away", n: 3000, copies: span(0, 3000), o: small, u: 2500, s: 10, verdict: Rereads, records: 2490},
		{name: "lagging", n: 100, copies: span(5, 60), u: 60, s: 55, verdict: NotMirroredYet},
		{name: "lagging behind", n: 100, copies: span(5, 60), u: 90, s: 55, verdict: NotMirroredYet},
		{name: "lagging, and read again", n: 100, copies: span(5, 60), u: 60, s: 53, verdict: Rereads, records: 2},
		{name: "nothing mirrored", n: 100, u: 60, verdict: NotMirroredYet},
		{name: "filtered above", n: 100, copies: span(0, 100, 50, 51), u: 50, s: 50, verdict: Gap, why: "that was mirrored"},
		{name: "filtered below", n: 100, copies: span(0, 100, 49), u: 50, s: 49, verdict: Gap, why: "not on the secondary"},
		{name: "filtered, and one skipped", n: 100, copies: span(0, 100, 50), u: 50, s: 51, verdict: Skips, records: 1},
		{name: "dropped and doubled: deltas agree", n: 100, copies: append(append(span(0, 40, 30), 39), span(40, 100)...), u: 35, s: 35, verdict: Skips, records: 1},
		{name: "last copies", n: 200, copies: twice, u: 50, s: 110, verdict: SameRecord},
		{name: "first copies", n: 200, copies: twice, o: Options{Near: 100}, u: 50, s: 50, verdict: Rereads, records: 10},
		{name: "first copies, few looked at", n: 200, copies: twice, o: small, u: 50, s: 50, verdict: SameRecord},
		{name: "unfinished copying again", n: 200, copies: append(span(0, 100), span(40, 60)...), u: 45, s: 105, verdict: Skips, records: 40},
		{name: "unfinished, as it should be", n: 200, copies: append(span(0, 100), span(40, 60)...), u: 45, s: 60, verdict: Rereads, records: 5},
		{name: "unfinished, over a long stretch", n: 3000, copies: append(span(0, 2500), span(500, 2000)...), o: small, u: 1500, s: 3500, verdict: Skips, records: 500, atLeast: true},
		{name: "unfinished, with no end in sight", n: 3000, copies: append(span(0, 2500), span(500, 2000)...), o: small, u: 600, s: 2600, verdict: CantTell, why: "earlier stretch"},
		{name: "unfinished over a long stretch, with a filter", n: 3000, copies: append(span(0, 2500, 2000, 2001), span(500, 2000)...), o: small, u: 1500, s: 3498, verdict: Skips, records: 498, atLeast: true},
		{name: "finished over a long stretch", n: 3000, copies: append(span(0, 2500), span(500, 2600)...), o: small, u: 600, s: 2600, verdict: SameRecord},
		{name: "another topic", n: 100, copies: span(1000, 1100), u: 50, s: 50, verdict: Different},
		{name: "another topic's end", n: 100, copies: span(1000, 1100), u: 100, s: 100, verdict: Different},
		{name: "past the end", n: 100, copies: span(0, 100), u: 50, s: 101, verdict: OutOfRange, why: "ends at 100"},
		{name: "the primary's end is lower", n: 100, copies: span(0, 100), u: 150, s: 100, verdict: CantTell, why: "ends at 100"},
		{name: "foreign above", n: 100, copies: append(append(span(0, 50), 1000), span(50, 100)...), u: 50, s: 50, verdict: Gap, why: "that was mirrored"},
		{name: "foreign below", n: 100, copies: append(append(span(0, 50), 1000), span(50, 100)...), u: 50, s: 51, verdict: Gap, why: "of the secondary alone"},
		{name: "foreign at the end", n: 100, copies: append(span(0, 100), 1000), u: 100, s: 100, verdict: Gap, why: "no next record"},
		{name: "both empty", verdict: AtEnd},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, b := pair(c.n, c.copies...)
			row := at(t, a, b, c.o, c.u, c.s)
			if row.Verdict != c.verdict || row.Records != c.records || row.AtLeast != c.atLeast || !strings.Contains(row.Why, c.why) || row.Why == "" {
				t.Errorf("%+v; want %s %d %v %q", row, c.verdict, c.records, c.atLeast, c.why)
			}
		})
	}
}

// TestWholeRecords: key, value, headers and timestamps are compared, nil is not empty, and what a mirror may do is a note.
func TestWholeRecords(t *testing.T) {
	for _, c := range []struct {
		name    string
		change  func(*entry)
		verdict Verdict
		note    string
	}{
		{"header added", func(e *entry) { e.Headers = append(e.Headers, kafka.Header{Key: []byte("mirror")}) }, SameRecord, "adds headers"},
		{"header stripped", func(e *entry) { e.Headers = nil }, Different, "but for their headers"},
		{"another header", func(e *entry) { e.Headers = []kafka.Header{{Key: []byte("h"), Value: []byte("x")}} }, Different, "but for their headers"},
		{"value changed", func(e *entry) { e.Value = append(slices.Clone(e.Value), 'x') }, Different, ""},
		{"key changed", func(e *entry) { e.Key = append(slices.Clone(e.Key), 'x') }, Different, ""},
		{"time changed", func(e *entry) { e.Timestamp++; e.Value = slices.Clone(e.Value) }, Different, ""},
		{"broker's time", func(e *entry) { e.Timestamp, e.appended = 1_800_000_000_000, true }, SameRecord, "LogAppendTime"},
		{"empty for nil", func(e *entry) {
			if e.Key == nil {
				e.Key = []byte{}
			}
		}, Different, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, b := newFake(), newFake()
			for i := range 100 {
				r := record(i)
				r.Headers = []kafka.Header{{Key: []byte("h"), Value: []byte("1")}}
				r.Key = nil
				if c.name == "key changed" {
					r.Key = []byte("k")
				}
				a.log("t").put(entry{Record: r})
				e := entry{Record: r}
				c.change(&e)
				b.log("t").put(e)
			}
			row := at(t, a, b, Options{}, 50, 50)
			if row.Verdict != c.verdict || !strings.Contains(strings.Join(row.Notes, "; "), c.note) {
				t.Errorf("%+v", row)
			}
		})
	}
}

// TestAlike: identical and periodic records say nothing about the place, unless something tells it.
func TestAlike(t *testing.T) {
	fill := func(n, period, special int) (a, b *fake) {
		a, b = newFake(), newFake()
		for i := range n {
			r := record(i % period)
			if i == special {
				r = record(1000)
			}
			r.Timestamp = 5
			a.log("t").put(entry{Record: r})
			b.log("t").put(entry{Record: r})
		}
		return a, b
	}
	some := Options{Deep: 30}
	for _, c := range []struct {
		o               Options
		period, special int
		u, s            int64
		want            Verdict
	}{
		{some, 1, -1, 50, 50, CantTell}, {some, 1, -1, 50, 60, CantTell}, {some, 25, -1, 50, 50, CantTell}, {some, 25, -1, 50, 75, CantTell},
		{some, 1, 100, 50, 50, CantTell}, {some, 25, 100, 95, 95, SameRecord}, {some, 25, 100, 95, 70, Rereads},
		// The rest of both logs is seen.
		{Options{}, 1, -1, 50, 50, SameRecord}, {Options{}, 1, -1, 50, 60, Skips}, {Options{}, 25, -1, 50, 75, Skips}, {Options{}, 1, -1, 60, 50, CantTell},
		{Options{}, 1, -1, 200, 200, AtEnd}, {Options{}, 1, 100, 50, 50, SameRecord}, {Options{}, 25, 100, 60, 60, SameRecord}, {Options{}, 25, 100, 60, 85, Skips},
		{Options{}, 1, 60, 55, 57, Skips}, {Options{}, 1, 60, 55, 61, Skips}, {Options{}, 1, 60, 61, 61, SameRecord}, {Options{}, 1, 60, 61, 60, Rereads},
	} {
		a, b := fill(200, c.period, c.special)
		if row := at(t, a, b, c.o, c.u, c.s); row.Verdict != c.want {
			t.Errorf("period %d, special at %d, %d to %d, %d deep: %+v, want %s", c.period, c.special, c.u, c.s, c.o.Deep, row, c.want)
		}
	}
}

// TestTransactions: markers and aborted records are stepped over on both sides; a mirror that copied aborted ones is said.
func TestTransactions(t *testing.T) {
	a, b := newFake(), newFake()
	for i := range 60 {
		aborted := i%10 == 5
		a.log("t").put(entry{Record: record(i), producer: int64(i + 1), aborted: aborted})
		a.log("t").put(entry{marker: true, abort: aborted, producer: int64(i + 1)})
		if !aborted || i >= 40 {
			b.log("t").put(entry{Record: record(i)})
		}
	}
	for _, c := range []struct {
		u, s int64
		want Verdict
		note string
	}{
		{20, 9, SameRecord, ""}, {32, 14, SameRecord, ""}, {30, 14, SameRecord, ""}, {30, 15, Skips, ""}, {30, 13, Rereads, ""},
		{90, 41, Gap, "aborted on the primary"}, {92, 42, Gap, "aborted on the primary"}, {120, 56, AtEnd, ""},
	} {
		row := at(t, a, b, Options{Near: 4}, c.u, c.s)
		if row.Verdict != c.want || !strings.Contains(strings.Join(row.Notes, ";"), c.note) {
			t.Errorf("%d to %d: %+v, want %s", c.u, c.s, row, c.want)
		}
	}
}

func TestLogStarts(t *testing.T) {
	a, b := pair(100, span(0, 100)...)
	a.log("t").start, b.log("t").start = 30, 40
	for _, c := range []struct {
		u, s int64
		want Verdict
	}{{50, 50, SameRecord}, {40, 40, Gap}, {35, 40, Gap}, {10, 40, Gap}, {35, 35, OutOfRange}, {30, 41, Skips}} {
		if row := at(t, a, b, Options{}, c.u, c.s); row.Verdict != c.want {
			t.Errorf("%d to %d: %+v, want %s", c.u, c.s, row, c.want)
		}
	}
	b.hidden[kafka.TopicPartition{Topic: "t"}] = 60
	if row := at(t, a, b, Options{}, 70, 70); row.Verdict != CantTell || !strings.Contains(row.Why, "open on the secondary") {
		t.Errorf("%+v", row)
	}
}

// TestCompacted: holes that differ, and one that is wider than any window.
func TestCompacted(t *testing.T) {
	a, b := newFake(), newFake()
	for i := range 50 {
		a.log("t").end, b.log("t").end = int64(i*1000), int64(i*900)
		a.log("t").put(entry{Record: record(i)})
		if i%3 > 0 {
			b.log("t").put(entry{Record: record(i)})
		}
	}
	for _, c := range []struct {
		u, s int64
		want Verdict
	}{{25_000, 22_500, Gap}, {25_500, 23_000, SameRecord}, {25_500, 23_401, Skips}, {25_500, 22_000, Rereads}} {
		if row := at(t, a, b, Options{}, c.u, c.s); row.Verdict != c.want {
			t.Errorf("%d to %d: %+v, want %s", c.u, c.s, row, c.want)
		}
	}
}

// TestSelection: rows are those asked for, sorted worst first, and what has nothing to compare says why.
func TestSelection(t *testing.T) {
	a, b := pair(100, span(0, 100)...)
	for _, topic := range []string{"alone", "hidden"} {
		a.log(topic).put(entry{Record: record(1)})
	}
	for _, g := range []string{"good", "none", "bad"} {
		a.commit(g, "t", 50)
	}
	a.commit("good", "alone", 1)
	a.commit("good", "hidden", 1)
	a.commit("good", "deleted", 1)
	a.commit("leftoff-x", "t", 1)
	b.commit("good", "t", 50)
	b.commit("bad", "t", 60)
	var told []int
	o := Options{
		Groups: func(g string) bool { return !strings.HasPrefix(g, "leftoff-") }, Rename: func(topic string) (string, bool) { return topic, topic != "hidden" },
		Progress: func(done, total int) { told = append(told, done, total) }, Parallel: 1,
	}
	r, err := Check(t.Context(), a, b, o)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, row := range r.Rows {
		got = append(got, row.Group+" "+row.Topic+" "+string(row.Verdict))
	}
	if want := "bad t skips,none t no_offset,good alone topic_missing,good t same_record"; strings.Join(got, ",") != want || r.Gone != 1 || !r.Bad() || r.Unchecked() || r.Bytes == 0 {
		t.Errorf("%s, %+v", got, r)
	}
	if !slices.Equal(told, []int{1, 4, 2, 4, 3, 4, 4, 4}) {
		t.Error(told)
	}
	zero, one := int32(0), int32(1)
	for _, c := range []struct {
		group, topic string
		partition    *int32
		rows         int
	}{{"good", "", nil, 2}, {"good", "t", nil, 1}, {"", "t", &zero, 3}, {"", "t", &one, 0}, {"nobody", "", nil, 0}, {"leftoff-x", "", nil, 0}} {
		o := o
		o.Group, o.Topic, o.Partition = c.group, c.topic, c.partition
		if r, err := Check(t.Context(), a, b, o); err != nil || len(r.Rows) != c.rows {
			t.Errorf("%+v: %+v, %v", c, r.Rows, err)
		}
	}
}

// TestMoving: an offset that changed while it was looked at is looked at once more.
func TestMoving(t *testing.T) {
	a, b := pair(100, span(0, 100)...)
	moves := 0
	b.onFetch = func() {
		if moves++; moves == 1 {
			b.commit("g", "t", 50)
		}
	}
	if row := at(t, a, b, Options{}, 50, 60); row.Verdict != SameRecord || *row.Secondary != 50 {
		t.Errorf("%+v", row)
	}
	b.onFetch = func() { moves++; b.commit("g", "t", 60+int64(moves%10)) }
	if row := at(t, a, b, Options{}, 50, 60); row.Verdict != Moving || !strings.Contains(row.Notes[0], "skips") {
		t.Errorf("%+v", row)
	}
}

func TestUnreadable(t *testing.T) {
	a, b := pair(100, span(0, 100)...)
	b.broken = errors.New("disk on fire")
	row := at(t, a, b, Options{}, 50, 60)
	if row.Verdict != Unreadable || !strings.Contains(row.Why, "secondary: read t/0 at") {
		t.Errorf("%+v", row)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Check(ctx, a, b, Options{}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
