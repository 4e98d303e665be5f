package checkpoint

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"go.etcd.io/bbolt"

	"github.com/leftoff/leftoff/translate"
)

// Line is one line of an exported index. Exactly one of its members is set; a partition's lines follow its State.
type Line struct {
	Schema  int          `json:"schema,omitempty"`
	Link    *Link        `json:"link,omitempty"`
	Pair    *PairInfo    `json:"pair,omitempty"`
	State   *PartState   `json:"partition,omitempty"`
	Main    []RunLine    `json:"main,omitempty"`
	Pending []RunLine    `json:"pending,omitempty"`
	Dead    []RunLine    `json:"dead,omitempty"`
	Verdict *VerdictLine `json:"verdict,omitempty"`
	// Switched are topics that changed hands, all in one line.
	Switched map[string]Switched `json:"switched,omitempty"`
	Intent   *Intent             `json:"intent,omitempty"`
	Held     *Held               `json:"held,omitempty"`
}

// RunLine is a run as [primary, secondary, length, 1 when closed].
type RunLine [4]int64

// VerdictLine is a verdict with its group.
type VerdictLine struct {
	Group string `json:"group"`
	Verdict
}

// PartState is a partition without its runs.
type PartState struct {
	Pair      uint32              `json:"pair"`
	Partition int32               `json:"partition"`
	Frontier  *translate.Frontier `json:"frontier,omitempty"`
	Tip       int64               `json:"tip"`
	Past      translate.Past      `json:"past"`
	Foreign   []translate.Span    `json:"foreign,omitempty"`
	Accepted  int64               `json:"accepted,omitempty"`
	Veils     []translate.Veil    `json:"veils,omitempty"`
	NextOpen  bool                `json:"next_open,omitempty"`
	Cursor    []byte              `json:"cursor"`
	Epochs    [2][]EpochStart     `json:"epochs"`
}

// Export writes the index as JSON lines, with what is not flushed yet flushed first.
func (x *Index) Export(w io.Writer) error {
	if err := x.Flush(); err != nil {
		return err
	}
	buffered := bufio.NewWriter(w)
	e := json.NewEncoder(buffered)
	link := x.Link()
	lines := []Line{{Schema: schemaVersion, Link: &link}}
	for _, info := range x.Pairs() {
		lines = append(lines, Line{Pair: &info})
	}
	for group, v := range x.Verdicts() {
		lines = append(lines, Line{Verdict: &VerdictLine{group, v}})
	}
	if switched := x.Switched(); len(switched) > 0 {
		lines = append(lines, Line{Switched: switched})
	}
	for _, l := range lines {
		if err := e.Encode(l); err != nil {
			return err
		}
	}
	if err := x.exportPartitions(e); err != nil {
		return err
	}
	var failed error
	err := x.Intents(func(i Intent) bool { failed = e.Encode(Line{Intent: &i}); return failed == nil })
	if err = errors.Join(err, failed); err != nil {
		return err
	}
	err = x.Held(func(h Held) bool { failed = e.Encode(Line{Held: &h}); return failed == nil })
	return errors.Join(err, failed, buffered.Flush())
}

func (x *Index) exportPartitions(e *json.Encoder) error {
	places, err := x.places()
	if err != nil {
		return err
	}
	for _, at := range places {
		pair := x.byNumber(at.pair())
		if pair == nil || pair.retired() {
			continue
		}
		if err := pair.Partition(at.partition()).export(e); err != nil {
			return err
		}
	}
	return nil
}

func (p *Partition) export(e *json.Encoder) error {
	p.mu.RLock()
	c := p.copies
	s := PartState{Pair: p.at.pair(), Partition: p.at.partition(), Tip: c.Tip, Past: c.Past, Accepted: c.Accepted, NextOpen: c.NextOpen,
		Foreign: append([]translate.Span(nil), c.Foreign...), Veils: append([]translate.Veil(nil), c.Veils...), Cursor: p.cursor, Epochs: p.epochs}
	if c.HasFrontier {
		f := c.Frontier
		s.Frontier = &f
	}
	lines := []Line{{State: &s}, {Pending: toLines(c.Pending)}, {Dead: toLines(c.Dead)}}
	err := p.err
	p.mu.RUnlock()
	if err != nil {
		return err
	}
	for i, l := range lines {
		if i > 0 && l.Pending == nil && l.Dead == nil {
			continue
		}
		if err := e.Encode(l); err != nil {
			return err
		}
	}
	batch := make([]translate.Run, 0, blockRuns)
	write := func() bool {
		err = e.Encode(Line{Main: toLines(batch)})
		batch = batch[:0]
		return err == nil
	}
	p.Runs(func(r translate.Run) bool {
		batch = append(batch, r)
		return len(batch) < blockRuns || write()
	})
	if err == nil && len(batch) > 0 {
		write()
	}
	return err
}

func toLines(runs []translate.Run) []RunLine {
	var lines []RunLine
	for _, r := range runs {
		l := RunLine{r.Primary, r.Secondary, r.Length, 0}
		if r.Closed {
			l[3] = 1
		}
		lines = append(lines, l)
	}
	return lines
}

func fromLines(lines []RunLine) []translate.Run {
	runs := make([]translate.Run, 0, len(lines))
	for _, l := range lines {
		runs = append(runs, translate.Run{Primary: l[0], Secondary: l[1], Length: l[2], Closed: l[3] == 1})
	}
	return runs
}

// Import reads what Export wrote into a new index at path; there must be no file yet. The new index is checked before it
// is left there.
func Import(path string, r io.Reader) (err error) {
	if _, err := os.Stat(path); err == nil {
		return fmt.Errorf("import: %s is there already. Try: another path, or move it away", path)
	}
	x, err := Open(path, Options{})
	if err != nil {
		return err
	}
	defer func() {
		if err = errors.Join(err, x.Close()); err != nil {
			os.Remove(path)
		}
	}()
	in := importer{x: x}
	for d, n := json.NewDecoder(bufio.NewReader(r)), 1; ; n++ {
		var l Line
		if err := d.Decode(&l); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return fmt.Errorf("import: line %d: %w", n, err)
		}
		if err := in.line(l); err != nil {
			return fmt.Errorf("import: line %d: %w", n, err)
		}
	}
	return x.Check()
}

type importer struct {
	x *Index
	p *Partition
	n int
}

func (in *importer) line(l Line) error {
	x := in.x
	switch {
	case l.Schema > schemaVersion:
		return errNewer(x.path, l.Schema)
	case l.Link != nil:
		x.link.Name = l.Link.Name
		return x.Identify(l.Link.PrimaryClusterID, l.Link.SecondaryClusterID)
	case l.Pair != nil:
		return in.pair(*l.Pair)
	case l.Verdict != nil:
		return x.SetVerdict(l.Verdict.Group, l.Verdict.Verdict)
	case l.Switched != nil:
		return x.SetSwitched(l.Switched)
	case l.Intent != nil:
		return x.PutIntents([]Intent{*l.Intent})
	case l.Held != nil:
		x.PutHeld([]Held{*l.Held})
		return nil
	case l.State != nil:
		return in.state(l.State)
	case in.p == nil:
		return errors.New("runs without a partition")
	}
	return in.runs(l)
}

func (in *importer) pair(info PairInfo) error {
	if err := in.x.put(func(tx *bbolt.Tx) error { return putJSON(tx.Bucket(topicsBucket), pairKey(info.Number), info) }); err != nil {
		return err
	}
	p := in.x.newPair(info)
	in.x.pairs = append(in.x.pairs, p)
	if !info.Retired {
		in.x.live[info.Primary.Name] = p
	}
	return nil
}

func (in *importer) state(s *PartState) error {
	pair := in.x.byNumber(s.Pair)
	if pair == nil {
		return fmt.Errorf("no pair %d", s.Pair)
	}
	in.p = pair.Partition(s.Partition)
	return in.p.write(func(c *translate.Copies) error {
		c.Tip, c.Past, c.Foreign, c.Accepted, c.Veils, c.NextOpen = s.Tip, s.Past, s.Foreign, s.Accepted, s.Veils, s.NextOpen
		if s.Frontier != nil {
			c.Frontier, c.HasFrontier = *s.Frontier, true
		}
		in.p.cursor, in.p.epochs, in.p.epochsNew = s.Cursor, s.Epochs, true
		return nil
	})
}

// runs takes a partition's runs as they were, without weaving them again.
func (in *importer) runs(l Line) error {
	err := in.p.write(func(c *translate.Copies) error {
		for _, r := range fromLines(l.Main) {
			c.Low = min(c.Low, r.Primary)
			c.Main = append(c.Main, r)
		}
		c.Pending = append(c.Pending, fromLines(l.Pending)...)
		c.Dead = append(c.Dead, fromLines(l.Dead)...)
		return nil
	})
	if in.n += len(l.Main); err == nil && in.n >= 10_000 {
		in.n = 0
		return in.x.Flush()
	}
	return err
}
