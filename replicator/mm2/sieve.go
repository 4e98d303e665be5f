package mm2

import "fmt"

const (
	// trial is how many records are read before any of them is believed, unless the topic has fewer.
	trial = 64
	// maxPending bounds what waits for that.
	maxPending = 4096
)

// sieve holds records back until it is clear that the topic is what its name says: that no more than half of its records do
// not decode.
type sieve[T any] struct {
	topic, what string
	out         func(T)

	records, bad int64
	first        error // of the records that do not decode
	accepted     bool
	pending      []T // those that decode
}

func (s *sieve[T]) take(v T, err error) {
	s.records++
	if err != nil {
		if s.bad++; s.first == nil {
			s.first = err
		}
		return
	}
	if s.accepted {
		s.out(v)
		return
	}
	if len(s.pending) >= maxPending {
		s.pending = s.pending[:0] // thousands that do, among more that do not
	}
	s.pending = append(s.pending, v)
}

// settle decides, where there is enough to decide on, and says what is wrong.
func (s *sieve[T]) settle(caughtUp bool) (problem string) {
	if s.records == 0 || !caughtUp && s.records < trial {
		return ""
	}
	if 2*s.bad > s.records {
		s.accepted = false
		return fmt.Sprintf("%s is not %s topic: %d of %d records do not decode (%v). Try: leftoff detect, and name the right one", s.topic, s.what, s.bad, s.records, s.first)
	}
	s.accepted = true
	for _, v := range s.pending {
		s.out(v)
	}
	s.pending = nil
	if s.bad > 0 {
		return fmt.Sprintf("%d of %d records of %s do not decode (%v) and are left out. Try: find out who else writes there", s.bad, s.records, s.topic, s.first)
	}
	return ""
}

func (s *sieve[T]) reset() { *s = sieve[T]{topic: s.topic, what: s.what, out: s.out} }
