package bench

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"
)

// memory is what Linux says of a process, in bytes. Anon is what the process itself holds; Resident has the pages of files
// beside it (the binary, the index), which the kernel takes back when it needs them.
type memory struct{ Anon, Resident, Peak int64 }

// memoryOf reads /proc; false where there is none, or no such process.
func memoryOf(pid int) (m memory, ok bool) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return m, false
	}
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), ":")
		into := map[string]*int64{"RssAnon": &m.Anon, "VmRSS": &m.Resident, "VmHWM": &m.Peak}[name]
		if into == nil {
			continue
		}
		var kib int64
		if _, err := fmt.Sscan(value, &kib); err != nil {
			return m, false
		}
		*into = kib << 10
	}
	return m, m.Anon > 0
}

// peakAnon watches a process's RssAnon until it is asked.
func peakAnon(pid int) (stop func() int64) {
	done, most := make(chan struct{}), int64(0)
	var wg sync.WaitGroup
	wg.Go(func() {
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		for {
			if m, ok := memoryOf(pid); ok {
				most = max(most, m.Anon)
			}
			select {
			case <-done:
				return
			case <-tick.C:
			}
		}
	})
	return sync.OnceValue(func() int64 { close(done); wg.Wait(); return most })
}

// ownCPU is the CPU time this process has used.
func ownCPU() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// cpuOf is the CPU time a child has used so far; false where there is no /proc.
func cpuOf(pid int) (time.Duration, bool) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, false
	}
	_, rest, _ := strings.Cut(string(text), ") ") // behind the name, which may hold anything
	f := strings.Fields(rest)
	if len(f) < 13 {
		return 0, false
	}
	var user, system int64
	if _, err := fmt.Sscan(f[11]+" "+f[12], &user, &system); err != nil {
		return 0, false
	}
	const tick = 10 * time.Millisecond // USER_HZ is 100 wherever Go runs on Linux
	return time.Duration(user+system) * tick, true
}

func mib(bytes int64) float64 { return float64(bytes) / (1 << 20) }
