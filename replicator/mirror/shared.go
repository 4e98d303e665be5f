package mirror

import "sync"

// shared lets callers that come at once share one call: each gets the result of a call that began after it asked.
type shared[T any] struct {
	do func() (T, error)

	mu      sync.Mutex
	running sync.Mutex
	next    *call[T]
}

type call[T any] struct {
	once  sync.Once
	value T
	err   error
}

func (s *shared[T]) get() (T, error) {
	s.mu.Lock()
	if s.next == nil {
		s.next = &call[T]{}
	}
	mine := s.next
	s.mu.Unlock()
	s.running.Lock()
	defer s.running.Unlock()
	mine.once.Do(func() {
		s.mu.Lock()
		s.next = nil // who asks from now on is too late for this one
		s.mu.Unlock()
		mine.value, mine.err = s.do()
	})
	return mine.value, mine.err
}
