package checkpoint

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/leftoff/leftoff/translate"
)

// shadow is the model: the same partition all in memory, never trimmed, never written.
type shadow struct {
	copies *translate.Copies
	cursor []byte
	epochs []EpochStart
}

func (s shadow) clone() shadow {
	c := *s.copies
	c.Main, c.Pending, c.Dead = slices.Clone(c.Main), slices.Clone(c.Pending), slices.Clone(c.Dead)
	c.Foreign, c.Veils = slices.Clone(c.Foreign), slices.Clone(c.Veils)
	return shadow{&c, slices.Clone(s.cursor), slices.Clone(s.epochs)}
}

// drive runs random operations on an index and its shadows, with crashes.
type drive struct {
	t    *rapid.T
	dir  string
	path string
	n    int
	x    *Index
	now  []shadow // by partition
	safe []shadow // as of the last flush
	next []int64  // primary offset to copy next
	ends []int64  // secondary log end
	log  []string
}

const drivenPartitions = 2

var drivenTopics = Topics{Primary: Topic{"orders", [16]byte{1}}, Secondary: Topic{"orders", [16]byte{2}}, Partitions: drivenPartitions, Source: "mirror"}

func (d *drive) say(format string, args ...any) { d.log = append(d.log, fmt.Sprintf(format, args...)) }
func (d *drive) int(name string, from, to int64) int64 {
	return rapid.Int64Range(from, to).Draw(d.t, name)
}

func (d *drive) must(err error) {
	if err != nil {
		d.t.Fatalf("%v\n%s", err, strings.Join(d.log, "\n"))
	}
}

func (d *drive) partition(n int) *Partition {
	pair, _, err := d.x.Pair(drivenTopics)
	d.must(err)
	return pair.Partition(int32(n))
}

func (d *drive) open(path string) {
	x, err := Open(path, Options{Link: Link{"link", "P", "S"}})
	d.must(err)
	x.db.NoSync = true // a process that dies leaves the page cache
	d.x, d.path = x, path
}

func (d *drive) step() {
	n := int(d.int("partition", 0, drivenPartitions-1))
	p, s := d.partition(n), &d.now[n]
	switch op := d.int("op", 0, 21); op {
	case 0, 1, 2, 3, 4, 5:
		d.append(p, s, n, d.next[n]+d.int("gap", 0, 1), d.int("closed", 0, 3) > 0)
	case 6:
		if d.next[n] > 0 {
			d.append(p, s, n, d.int("again", 0, d.next[n]-1), true)
		}
	case 7:
		f := translate.Frontier{Primary: d.next[n], Secondary: d.ends[n]}
		d.say("%d advance %+v", n, f)
		d.same(p.Advance(f), s.copies.Advance(f))
	case 8:
		span := translate.Span{From: d.ends[n], To: d.ends[n] + d.int("foreign", 1, 2)}
		d.ends[n] = span.To
		d.say("%d foreign %+v", n, span)
		d.same(p.Foreign(span), s.copies.AddForeign(span))
	case 9:
		below := d.int("accept", 0, d.ends[n])
		d.say("%d accept %d", n, below)
		p.AcceptForeign(below)
		s.copies.AcceptForeign(below)
	case 10:
		from := max(0, d.ends[n]-d.int("tail", 0, 30))
		d.say("%d truncate secondary %d", n, from)
		got, err := p.TruncateSecondary(from)
		want, wantErr := s.copies.TruncateSecondary(from)
		d.same(err, wantErr)
		if got != want {
			d.t.Fatalf("resume %d, want %d\n%s", got, want, strings.Join(d.log, "\n"))
		}
		d.ends[n], d.next[n] = min(d.ends[n], from), got
	case 11:
		from := max(0, d.next[n]-d.int("cut", 0, 20))
		d.say("%d truncate primary %d", n, from)
		d.same(p.TruncatePrimary(from), s.copies.TruncatePrimary(from))
		d.next[n] = min(d.next[n], from)
	case 12, 13:
		a, b := d.int("primary log start", 0, max(0, d.next[n]-2)), d.int("secondary log start", 0, max(0, d.ends[n]-2))
		d.say("%d prune %d %d", n, a, b)
		p.Prune(a, b)
		d.must(s.copies.Prune(a, b))
	case 14:
		s.cursor = []byte(fmt.Sprint("cursor ", d.int("cursor", 0, 9)))
		p.SetCursor(s.cursor)
	case 15, 16, 17:
		d.flush(d.int("fail", 0, 4) == 0)
	case 18:
		d.say("close, open")
		d.must(d.x.Close())
		d.open(d.path)
		d.keep()
	case 19:
		d.crash()
	default:
		d.compare(n)
	}
}

func (d *drive) append(p *Partition, s *shadow, n int, primary int64, closed bool) {
	r := translate.Run{Primary: primary, Secondary: d.ends[n] + d.int("marker", 0, 1), Length: d.int("length", 1, 4), Closed: closed}
	d.say("%d append %+v", n, r)
	d.same(p.Append(r), s.copies.Append(r))
	d.next[n], d.ends[n] = r.PrimaryEnd(), r.SecondaryEnd()
}

func (d *drive) same(got, want error) {
	if got != want {
		d.t.Fatalf("error %v, want %v\n%s", got, want, strings.Join(d.log, "\n"))
	}
}

// flush, or a flush that fails (a full disk) and changes nothing.
func (d *drive) flush(fail bool) {
	d.say("flush, fail %v", fail)
	if !fail {
		d.must(d.x.Flush())
		d.keep()
		return
	}
	update := d.x.update
	d.x.update = failing
	d.x.Flush()
	d.x.update = update
}

func (d *drive) keep() {
	for i := range d.now {
		d.safe[i] = d.now[i].clone()
	}
}

// crash copies the file as it is and opens the copy: what was flushed is there, nothing else.
func (d *drive) crash() {
	d.say("crash")
	raw, err := os.ReadFile(d.path)
	d.must(err)
	d.n++
	path := filepath.Join(d.dir, fmt.Sprintf("crash-%d.db", d.n))
	d.must(os.WriteFile(path, raw, 0o600))
	d.must(d.x.Close())
	os.Remove(d.path)
	d.open(path)
	for i := range d.now {
		d.now[i] = d.safe[i].clone()
		d.next[i], d.ends[i] = 0, max(d.now[i].copies.Tip, d.now[i].copies.Frontier.Secondary)
		if n := len(d.now[i].copies.Main); n > 0 {
			d.next[i] = d.now[i].copies.Main[n-1].PrimaryEnd()
		}
		d.compare(i)
	}
}

func (d *drive) compare(n int) {
	p, s := d.partition(n), d.now[n]
	fail := func(format string, args ...any) {
		d.t.Helper()
		d.t.Fatalf("partition %d: %s\n%s", n, fmt.Sprintf(format, args...), strings.Join(d.log, "\n"))
	}
	var runs []translate.Run
	p.Runs(func(r translate.Run) bool { runs = append(runs, r); return true })
	if !slices.Equal(runs, s.copies.Main) {
		fail("runs %v, want %v", runs, s.copies.Main)
	}
	if got := p.Stats().Runs; got != int64(len(runs)) && p.copies.Mark == translate.None {
		fail("%d runs counted, want %d", got, len(runs))
	}
	if !bytes.Equal(p.Cursor(), s.cursor) {
		fail("cursor %q, want %q", p.Cursor(), s.cursor)
	}
	if f, ok := p.Frontier(); f != s.copies.Frontier || ok != s.copies.HasFrontier {
		fail("frontier %v, want %v", f, s.copies.Frontier)
	}
	for _, b := range []translate.Bounds{{LogStart: 0, End: d.ends[n]}, {LogStart: d.ends[n] / 2, End: d.ends[n]}} {
		for u := int64(0); u < max(d.next[n], d.ends[n])+3; u++ {
			want, _ := s.copies.Forward(u, b)
			if got := p.Forward(u, b); got != want {
				fail("forward %d = %+v, want %+v; %+v", u, got, want, s.copies)
			}
			want, _ = s.copies.Reverse(u, b)
			if got := p.Reverse(u, b); got != want {
				fail("reverse %d = %+v, want %+v", u, got, want)
			}
		}
	}
}

// TestIndex holds an index with tiny blocks against its shadow, through flushes that fail, closes and crashes.
func TestIndex(t *testing.T) {
	small(t, 3, 1)
	base := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp(base, "run")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		d := &drive{t: t, dir: dir, now: make([]shadow, drivenPartitions), safe: make([]shadow, drivenPartitions),
			next: make([]int64, drivenPartitions), ends: make([]int64, drivenPartitions)}
		for i := range d.now {
			d.now[i].copies = translate.New()
		}
		d.keep()
		d.open(filepath.Join(dir, "index.db"))
		defer func() { d.x.Close() }()
		for range d.int("steps", 1, 80) {
			d.step()
		}
		for i := range d.now {
			d.compare(i)
		}
		d.must(d.x.Check())
	})
}

// small makes blocks hold few runs, and memory few blocks.
func small(t *testing.T, runs, keep int) {
	was, wasKeep := blockRuns, keepBlocks
	blockRuns, keepBlocks = runs, keep
	t.Cleanup(func() { blockRuns, keepBlocks = was, wasKeep })
}
