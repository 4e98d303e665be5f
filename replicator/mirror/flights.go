package mirror

import (
	"fmt"
	"math"

	"go.uber.org/zap"

	"github.com/leftoff/leftoff/replicator/kafka"
	"github.com/leftoff/leftoff/translate"
)

// fill sends what is queued. No timer: a batch leaves at once when little is on the wire, and grows while much is.
func (p *partition) fill() {
	for !p.queue.empty() && !p.window.full() && !p.window.failures() {
		if len(p.window.flights) >= eagerFlights && p.queue.bytes < smallBatch {
			return
		}
		l := p.queue.cut(p.limit)
		if p.sequence > math.MaxInt32-int32(len(l.records)) {
			p.suspect("the sequence numbers of this producer epoch are used up", false)
			return
		}
		f := &flight{load: l, sequence: p.sequence, expected: p.expected}
		p.window.push(f)
		p.sequence += int32(len(l.records))
		p.expected += int64(len(l.records))
		p.send(f)
	}
}

func (p *partition) send(f *flight) {
	id := p.cursor.current()
	f.state, f.err = sent, nil
	p.sends.Add(1)
	p.target.Send(kafka.ProduceBatch{ProducerID: id, FirstSequence: f.sequence, Codec: f.codec, Records: f.records},
		func(base, logStart int64, err error) { p.inbox.answer(answer{f, base, logStart, err}) })
}

// answered notes a response; settleWindow draws the conclusions in order.
func (p *partition) answered(a answer) {
	a.flight.base, a.flight.err, a.flight.state = a.base, a.err, acked
	if a.err != nil {
		a.flight.state = failed
		return
	}
	p.ended(a.base)
	if p.view.logStart(a.logStart) {
		p.link.Notify(true)
	}
}

// settleWindow indexes acknowledged batches, oldest first, and stops at the first that is not as expected.
func (p *partition) settleWindow() {
	moved := false
	for p.doubt == "" && !p.window.empty() && p.window.flights[0].state == acked {
		f := p.window.flights[0]
		if f.base != f.expected {
			p.unexpected(f)
			break
		}
		if err := p.indexed(f); err != nil {
			p.suspect(fmt.Sprintf("index: %v", err), false)
			break
		}
		p.window.pop()
		p.backoff = 0
		moved = true
	}
	if moved {
		p.link.Notify(false)
	}
	if p.doubt == "" && !p.resending && p.window.failures() && p.window.quiet() {
		p.failedFlights()
	}
}

// unexpected: the secondary gave a batch another offset than the next one.
func (p *partition) unexpected(f *flight) {
	p.counters.surprises++
	p.suspect(fmt.Sprintf("the secondary put a batch at %d where %d was next", f.base, f.expected), f.base < f.expected)
}

// ended notes that the secondary ended at an offset once: what was accounted for above it is gone, whatever stands there now.
func (p *partition) ended(at int64) {
	if front, ok := p.index.Frontier(); ok && at < front.Secondary {
		p.cut = min(p.cut, at)
	}
}

func (p *partition) indexed(f *flight) error {
	end := f.base + int64(len(f.records))
	err := p.index.Together(func() error {
		for _, r := range f.runs(f.base) {
			if err := p.index.Append(r); err != nil {
				return err
			}
		}
		return p.index.Advance(translate.Frontier{Primary: f.through, Secondary: end})
	})
	if err != nil {
		return err
	}
	p.counters.records += int64(len(f.records))
	p.counters.bytes += int64(f.bytes)
	p.view.acked(end, f.through)
	return nil
}

// failedFlights decides what the errors of a quiet window mean.
func (p *partition) failedFlights() {
	for _, f := range p.window.flights {
		if f.state != failed {
			continue
		}
		switch what, sentence := p.options.classify(f.err); what {
		case again:
			p.resending = true
			p.pause()
			p.view.trouble(sentence)
		case fenced:
			p.notOurs = true
			p.pause()
			p.suspect("another process wrote under our producer id: "+sentence, false)
		case smaller:
			p.tooLarge(f, sentence)
		case refused:
			p.refuse(sentence)
		default:
			p.pause()
			p.suspect(sentence, false)
		}
		return
	}
}

// tooLarge halves the batches; a single record that does not fit is a person's business, never skipped.
func (p *partition) tooLarge(f *flight, sentence string) {
	if len(f.records) > 1 {
		p.limit, p.halved = max(1, f.bytes/2), true
		p.suspect(fmt.Sprintf("a batch of %d bytes is too large for the secondary", f.bytes), false)
		return
	}
	p.refuse(fmt.Sprintf("the record at %d of the primary (%d bytes) is too large for the secondary's topic: %s. Try: raise max.message.bytes there",
		f.records[0].Offset, f.bytes, sentence))
}

func (p *partition) refuse(sentence string) {
	if p.view.suspend(sentence) {
		p.log.Error("copying is suspended", zap.String("why", sentence))
	}
	p.suspect(sentence, false)
	p.retryAt = p.now().Add(askAgain)
}

// resend repeats what failed, in order and with the same sequences: the broker recognises what it has.
func (p *partition) resend() {
	if !p.resending {
		return
	}
	p.resending = false
	for _, f := range p.window.flights {
		if f.state == failed {
			p.send(f)
		}
	}
}

// settleHoles moves the frontier over markers, aborted batches and compacted records at the end of what was fetched.
func (p *partition) settleHoles() {
	if !p.window.empty() || !p.queue.empty() {
		return
	}
	f, ok := p.index.Frontier()
	if ok && f.Primary >= p.queue.next && f.Secondary >= p.expected {
		return
	}
	if err := p.index.Advance(translate.Frontier{Primary: p.queue.next, Secondary: p.expected}); err != nil {
		p.suspect(fmt.Sprintf("index: %v", err), false)
		return
	}
	p.view.acked(p.expected, p.queue.next)
	p.link.Notify(false)
}
