package rig

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
)

// Ports are taken from below the range the kernel gives to outgoing
// connections, so that a broker that is killed finds its port free when it
// comes back. A reservation is a locked file, visible to every test process of
// this user and given up by the kernel when the process dies.
const (
	firstPort = 15000
	lastPort  = 31999
)

// portSet holds reserved ports until released.
type portSet struct{ unlock []func() }

// take reserves n ports that nobody listens on.
func (s *portSet) take(n int) ([]int, error) {
	dir := filepath.Join(os.TempDir(), fmt.Sprintf("leftoff-rig-ports-%d", os.Getuid()))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	var ports []int
	for tries := 0; len(ports) < n; tries++ {
		if tries > 1000*n {
			return nil, errors.New("rig: no free port found on loopback")
		}
		port := firstPort + rand.IntN(lastPort-firstPort+1)
		unlock, err := lockFile(filepath.Join(dir, strconv.Itoa(port)), false)
		if errors.Is(err, errLocked) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if !free(port) {
			unlock()
			continue
		}
		s.unlock = append(s.unlock, unlock)
		ports = append(ports, port)
	}
	return ports, nil
}

// release gives every port back.
func (s *portSet) release() {
	for _, unlock := range s.unlock {
		unlock()
	}
	s.unlock = nil
}

// free reports whether the port can be bound now. Somebody outside the rig may
// still be faster than the broker: start tries again with other ports then.
func free(port int) bool {
	l, err := net.Listen("tcp", loopback(port))
	if err != nil {
		return false
	}
	return l.Close() == nil
}

func loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }
