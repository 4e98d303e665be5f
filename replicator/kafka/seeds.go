package kafka

import (
	"slices"
	"sync"
)

// seeds is every address the cluster was ever reached at, those that fail last.
type seeds struct {
	mu    sync.Mutex
	addrs []string
}

func (s *seeds) order() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.addrs)
}

// bad moves an address to the end.
func (s *seeds) bad(addr string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := slices.Index(s.addrs, addr); i >= 0 {
		s.addrs = append(slices.Delete(s.addrs, i, i+1), addr)
	}
}

// learn adds the addresses that the cluster advertises. An address that was not configured and is no longer advertised goes.
func (s *seeds) learn(configured []string, advertised map[int32]string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := map[string]bool{}
	for _, addr := range advertised {
		now[addr] = true
	}
	s.addrs = slices.DeleteFunc(s.addrs, func(addr string) bool { return !now[addr] && !slices.Contains(configured, addr) })
	for _, addr := range advertised {
		if !slices.Contains(s.addrs, addr) {
			s.addrs = append(s.addrs, addr)
		}
	}
}
