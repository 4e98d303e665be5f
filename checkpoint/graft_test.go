package checkpoint

import (
	"os"
	"path/filepath"
	"testing"

	"pgregory.net/rapid"

	"github.com/leftoff/leftoff/translate"
)

// TestGrafts holds an index with tiny blocks, whose main line is compared in any order, against its shadow: grafts far below what
// memory holds, contradictions, drops and settled ends, through flushes that fail, closes and crashes.
func TestGrafts(t *testing.T) {
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
		lines := make([][]translate.Run, drivenPartitions)
		for i := range d.now {
			d.now[i].copies = translate.New()
			lines[i] = d.line()
			last := lines[i][len(lines[i])-1]
			d.next[i], d.ends[i] = last.PrimaryEnd(), last.SecondaryEnd()
		}
		ends := append([]int64(nil), d.ends...)
		d.keep()
		d.open(filepath.Join(dir, "index.db"))
		defer func() { d.x.Close() }()
		for range d.int("steps", 1, 60) {
			d.graftStep(lines)
			copy(d.ends, ends) // a crash takes them from what is known
			for i, line := range lines {
				d.next[i] = line[len(line)-1].PrimaryEnd()
			}
		}
		for i := range d.now {
			d.compare(i)
		}
		d.must(d.x.Check())
	})
}

// line is a main line: runs with gaps on either side.
func (d *drive) line() (line []translate.Run) {
	u, v := int64(0), int64(0)
	for range d.int("runs", 4, 30) {
		u, v = u+d.int("left out", 0, 3), v+d.int("marker", 0, 2)
		r := translate.Run{Primary: u, Secondary: v, Length: d.int("length", 1, 4), Closed: true}
		line = append(line, r)
		u, v = r.PrimaryEnd(), r.SecondaryEnd()
	}
	return line
}

// part is the line over a span of the primary.
func part(line []translate.Run, of translate.Span) (runs []translate.Run) {
	for _, r := range line {
		from, to := max(r.Primary, of.From), min(r.PrimaryEnd(), of.To)
		if from < to {
			runs = append(runs, translate.Run{Primary: from, Secondary: r.Secondary + from - r.Primary, Length: to - from, Closed: true})
		}
	}
	return runs
}

func (d *drive) graftStep(lines [][]translate.Run) {
	n := int(d.int("partition", 0, drivenPartitions-1))
	p, s, end := d.partition(n), &d.now[n], d.next[n]
	from := d.int("from", 0, end-1)
	of := translate.Span{From: from, To: min(end, from+d.int("width", 1, 25))}
	switch op := d.int("op", 0, 17); op {
	case 0, 1, 2, 3, 4, 5, 6, 7:
		runs := part(lines[n], of)
		if d.int("lie", 0, 9) == 0 {
			for i := range runs {
				runs[i].Secondary += d.int("shift", 1, 9)
			}
		}
		d.say("%d graft %v %v", n, of, runs)
		d.same(p.Graft(of, runs), s.copies.Graft(of, runs))
	case 8:
		of.To = end
		runs, f := part(lines[n], of), translate.Frontier{Primary: end, Secondary: d.ends[n]}
		d.say("%d graft the end %v %v %+v", n, of, runs, f)
		want := s.copies.Graft(of, runs)
		if want == nil {
			want = s.copies.Settle(f)
		}
		d.same(p.GraftEnd(of, runs, f), want)
	case 9, 10:
		d.say("%d drop %v", n, of)
		d.same(p.Drop(of), s.copies.Drop(of))
	case 11:
		d.say("%d prune %d", n, of.From)
		p.Prune(of.From, 0)
		d.must(s.copies.Prune(of.From, 0))
	case 12, 13, 14:
		d.flush(d.int("fail", 0, 4) == 0)
	case 15:
		d.say("close, open")
		d.must(d.x.Close())
		d.open(d.path)
		d.keep()
	case 16:
		d.crash()
	default:
		d.compare(n)
		got, err := p.Around(from)
		d.must(err)
		want, err := s.copies.Around(from)
		d.must(err)
		if got != want {
			d.t.Fatalf("around %d: %+v, want %+v", from, got, want)
		}
	}
}
