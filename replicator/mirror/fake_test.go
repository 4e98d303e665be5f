package mirror

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/leftoff/leftoff/checkpoint"
	"github.com/leftoff/leftoff/replicator/kafka"
	"github.com/leftoff/leftoff/translate"
)

// cell is one offset of a fake partition.
type cell struct {
	kind   cellKind
	record kafka.Record
	epoch  int32
	pid    int64
	seq    int32
	pepoch int16
	origin int64 // secondary: the primary offset it is a copy of, -1 for a foreign one
}

type cellKind uint8

const (
	data    cellKind = iota
	hole             // compacted away
	marker           // a control record: value says commit or abort
	aborted          // a record of a transaction that was aborted
)

// fakeLog is one partition of one cluster, kept as it is written.
type fakeLog struct {
	cells []cell
	start int64
	epoch int32
	cut   int // how many offsets a read returns at most
	down  bool
}

var errDown = &kafka.Error{Class: kafka.Unreachable, Err: errors.New("cluster is down")}

func (l *fakeLog) end() int64 { return int64(len(l.cells)) }

func (l *fakeLog) Ends(context.Context) (ends, error) {
	if l.down {
		return ends{}, errDown
	}
	return ends{start: l.start, stable: l.end(), high: l.end(), epoch: l.epoch}, nil
}

func (l *fakeLog) Read(_ context.Context, from int64) (*kafka.Fetched, error) {
	switch {
	case l.down:
		return nil, errDown
	case from < l.start || from > l.end():
		return nil, kafka.ErrOffsetOutOfRange
	}
	f := l.fetch(from)
	return &f, nil
}

// fetch makes a batch of each stretch of one kind, and lists aborted transactions as a broker does.
func (l *fakeLog) fetch(from int64) kafka.Fetched {
	to := min(l.end(), from+int64(max(1, l.cut)))
	f := kafka.Fetched{HighWatermark: l.end(), LastStable: l.end(), LogStart: l.start, Next: to}
	for at := from; at < to; {
		c := l.cells[at]
		end := at + 1
		for end < to && l.cells[end].kind == c.kind && l.cells[end].epoch == c.epoch && l.cells[end].pid == c.pid && c.kind != marker {
			end++
		}
		if c.kind != hole {
			b := kafka.Batch{BaseOffset: at, LastOffset: end - 1, LeaderEpoch: c.epoch, ProducerID: c.pid, Transactional: c.kind == aborted, Control: c.kind == marker}
			for o := at; o < end; o++ {
				r := l.cells[o].record
				r.Offset = o
				b.Records = append(b.Records, r)
			}
			f.Batches = append(f.Batches, b)
			if c.kind == aborted {
				f.Aborted = append(f.Aborted, kafka.AbortedTxn{ProducerID: c.pid, FirstOffset: at})
			}
		}
		at = end
	}
	return f
}

// fakeFeed hands out the primary from where it was sought, a fetch at a time.
type fakeFeed struct {
	log        *fakeLog
	next       int64
	generation int
	on, paused bool
}

func (f *fakeFeed) Start(offset int64, generation int) {
	f.next, f.generation, f.on, f.paused = offset, generation, true, false
}
func (f *fakeFeed) Pause()  { f.paused = true }
func (f *fakeFeed) Resume() { f.paused = false }
func (f *fakeFeed) Stop()   { f.on = false }

// deliver fetches once into p.
func (f *fakeFeed) deliver(p *partition) bool {
	if !f.on || f.paused || f.log.down || f.next == f.log.end() {
		return false
	}
	if f.next < f.log.start || f.next > f.log.end() {
		f.on = false
		p.inbox.fetch(delivery{Fetched: kafka.Fetched{Err: kafka.ErrOffsetOutOfRange}, generation: f.generation})
		return true
	}
	got := f.log.fetch(f.next)
	f.next = got.Next
	p.inbox.fetch(delivery{Fetched: got, generation: f.generation})
	return true
}

// broker is the secondary's partition with what its leader remembers of producers.
type broker struct {
	fakeLog
	producers map[int64]*remembered
	maxBatch  int // records; 0 = any
}

type remembered struct {
	epoch  int16
	last   int32
	newest []placed
}

type placed struct {
	first, last int32
	base        int64
}

func coded(class kafka.Class, code int16) error {
	return &kafka.Error{Class: class, Code: code, Err: fmt.Errorf("code %d", code)}
}

// produce follows ProducerAppendInfo and ProducerStateEntry of the broker.
func (b *broker) produce(batch kafka.ProduceBatch) (int64, error) {
	if b.maxBatch > 0 && len(batch.Records) > b.maxBatch {
		return -1, coded(kafka.TooLarge, 10)
	}
	first, last := batch.FirstSequence, batch.FirstSequence+int32(len(batch.Records))-1
	state := b.producers[batch.ID]
	switch {
	case state == nil: // anything goes
		state = &remembered{}
		b.producers[batch.ID] = state
	case batch.Epoch < state.epoch:
		return -1, coded(kafka.Sequence, invalidProducerEpoch)
	case batch.Epoch > state.epoch:
		if first != 0 {
			return -1, coded(kafka.Sequence, 45)
		}
		state.newest = nil
	default:
		for _, n := range state.newest {
			if n.first == first && n.last == last {
				return n.base, nil
			}
		}
		if first != state.last+1 {
			return -1, coded(kafka.Sequence, 45)
		}
	}
	base := b.end()
	for i, r := range batch.Records {
		origin := r.Offset
		b.cells = append(b.cells, cell{kind: data, record: r, epoch: b.epoch, pid: batch.ID, pepoch: batch.Epoch, seq: first + int32(i), origin: origin})
	}
	state.epoch, state.last = batch.Epoch, last
	state.newest = append(state.newest, placed{first, last, base})
	if len(state.newest) > maxFlights {
		state.newest = state.newest[1:]
	}
	return base, nil
}

// truncate is an unclean election: the end is gone, and producers are what the rest of the log says.
func (b *broker) truncate(from int64) {
	b.cells = b.cells[:from]
	b.epoch++
	b.producers = map[int64]*remembered{}
	for _, c := range b.cells {
		if c.pid >= 0 && c.kind == data {
			b.producers[c.pid] = &remembered{epoch: c.pepoch, last: c.seq}
		}
	}
}

// wire carries the batches of one process: requests in order, then answers in order.
type wire struct {
	requests []request
	answers  []response
}

type request struct {
	batch kafka.ProduceBatch
	done  func(int64, int64, error)
}

type response struct {
	base, start int64
	err         error
	done        func(int64, int64, error)
}

func (w *wire) Send(b kafka.ProduceBatch, done func(base, logStart int64, err error)) {
	b.Records = slices.Clone(b.Records)
	w.requests = append(w.requests, request{b, done})
}

// arrive lets the broker handle the oldest request.
func (w *wire) arrive(b *broker) bool {
	if len(w.requests) == 0 || b.down {
		return false
	}
	r := w.requests[0]
	w.requests = w.requests[1:]
	base, err := b.produce(r.batch)
	w.answers = append(w.answers, response{base, b.start, err, r.done})
	return true
}

// refuse answers the oldest request, and those behind it, without writing.
func (w *wire) refuse(err error) bool {
	if len(w.requests) == 0 {
		return false
	}
	for _, r := range w.requests {
		w.answers = append(w.answers, response{-1, -1, err, r.done})
	}
	w.requests = nil
	return true
}

func (w *wire) respond() bool {
	if len(w.answers) == 0 {
		return false
	}
	a := w.answers[0]
	w.answers = w.answers[1:]
	a.done(a.base, a.start, a.err)
	return true
}

// cutOff ends the connection: answers are lost, and what was not handled yet may still arrive later.
func (w *wire) cutOff() (late []request) {
	late = w.requests
	for _, a := range w.answers {
		a.done(-1, -1, errDown)
	}
	for _, r := range w.requests {
		r.done(-1, -1, errDown)
	}
	w.requests, w.answers = nil, nil
	return late
}

// memory is an index over translate.Copies that can be photographed, as a flush does.
type memory struct {
	*translate.Copies
	cursor []byte
	epochs []checkpoint.EpochStart
}

func newMemory() *memory { return &memory{Copies: translate.New()} }

func (m *memory) clone() *memory {
	c := *m.Copies
	c.Main, c.Pending, c.Dead = slices.Clone(c.Main), slices.Clone(c.Pending), slices.Clone(c.Dead)
	c.Foreign, c.Veils = slices.Clone(c.Foreign), slices.Clone(c.Veils)
	return &memory{Copies: &c, cursor: slices.Clone(m.cursor), epochs: slices.Clone(m.epochs)}
}

func (m *memory) Together(f func() error) error      { return f() }
func (m *memory) Advance(f translate.Frontier) error { return m.Copies.Advance(f) }
func (m *memory) Foreign(s translate.Span) error     { return m.Copies.AddForeign(s) }
func (m *memory) Prune(primary, secondary int64)     { _ = m.Copies.Prune(primary, secondary) }
func (m *memory) Frontier() (translate.Frontier, bool) {
	return m.Copies.Frontier, m.Copies.HasFrontier
}
func (m *memory) Runs(f func(translate.Run) bool) {
	for _, r := range m.Main {
		if !f(r) {
			return
		}
	}
}
func (m *memory) Stats() checkpoint.Stats { return checkpoint.Stats{} }
func (m *memory) Cursor() []byte          { return m.cursor }
func (m *memory) SetCursor(b []byte)      { m.cursor = slices.Clone(b) }
func (m *memory) Epoch(side checkpoint.Side, epoch int32, start int64) {
	if side == checkpoint.Primary && (len(m.epochs) == 0 || m.epochs[len(m.epochs)-1].Epoch < epoch) {
		m.epochs = append(m.epochs, checkpoint.EpochStart{Epoch: epoch, Start: start})
	}
}
func (m *memory) Epochs(checkpoint.Side) []checkpoint.EpochStart { return m.epochs }

// last is where the naive model has the last copy of each mirrored record.
func last(primary *fakeLog, b *broker) map[int64]int64 {
	m := map[int64]int64{}
	for at, c := range b.cells {
		if c.kind == data && c.origin >= 0 && int64(at) >= b.start && c.origin < primary.end() &&
			string(c.record.Value) == string(primary.cells[c.origin].record.Value) {
			m[c.origin] = int64(at)
		}
	}
	return m
}

// naive is T(u) by definition, for the records still on both sides; math.MaxInt64 where nothing bounds it.
func naive(primary *fakeLog, b *broker, copies map[int64]int64, u int64) int64 {
	t := int64(math.MaxInt64)
	for s, at := range copies {
		if s >= u && s < primary.end() && primary.cells[s].kind == data {
			t = min(t, at)
		}
	}
	for at, c := range b.cells {
		if int64(at) >= b.start && c.kind == data && c.origin == foreign {
			t = min(t, int64(at))
			break
		}
	}
	return t
}

const foreign = int64(-1)
