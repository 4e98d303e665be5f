package bench

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/leftoff/leftoff/internal/judge"
)

func TestQuantile(t *testing.T) {
	sorted := []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}
	for q, want := range map[float64]int{0: 1, 0.5: 6, 0.9: 10, 0.99: 10, 1: 10} {
		if got := quantile(sorted, q); got != want {
			t.Errorf("quantile %g is %d, not %d", q, got, want)
		}
	}
	if got := quantile([]float64(nil), 0.5); got != 0 {
		t.Errorf("of nothing: %g", got)
	}
	if got := middle([]float64{3, 1, 2}); got != 2 {
		t.Errorf("middle %g", got)
	}
}

// write is a value of a group on the secondary, so many milliseconds after an hour.
func write(group string, offset int64, at int) judge.Write {
	k := judge.Key{Group: group, Topic: wanTopic}
	return judge.Write{Key: k, Value: &judge.Value{Offset: offset}, At: hour.Add(time.Duration(at) * time.Millisecond)}
}

var hour = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

func TestBurst(t *testing.T) {
	var read []judge.Write
	for i := range 11 {
		read = append(read, write(fmt.Sprintf("x-%d", i), 1, 100*i), write(fmt.Sprintf("x-%d", i), 2, 5000), write("other", 1, 9000))
	}
	if got := burstOf(read, "x-", 11); got != 11 {
		t.Errorf("11 groups in a second are %g a second", got)
	}
	if got := burstOf(read, "x-", 12); got != 0 {
		t.Errorf("a group that is missing: %g", got)
	}
}

// TestLoad: a merged commit counts from its own time to the newer value's, and what came before the warm-up does not count.
func TestLoad(t *testing.T) {
	busy, quiet := judge.Key{Group: "busy", Topic: wanTopic}, judge.Key{Group: "quiet", Topic: wanTopic}
	at := func(ms int) time.Time { return hour.Add(time.Duration(ms) * time.Millisecond) }
	o := &offered{
		from: at(0), to: at(4000), acks: 8,
		newest: map[judge.Key]committed{busy: {9, at(3000)}},
		all:    map[judge.Key][]committed{busy: {{7, at(500)}, {8, at(2000)}, {9, at(2100)}}},
		quiet:  map[judge.Key]committed{quiet: {7, at(2000)}},
	}
	l := o.found(&Run{TB: t, Context: context.Background()}, []judge.Write{write("busy", 7, 900), write("busy", 9, 2200), write("quiet", 7, 2085)})
	if l.offered != 2 || l.written != 1.0/3 {
		t.Errorf("offered %g, written %g", l.offered, l.written)
	}
	if len(l.late) != 1 || l.late[0] != 85*time.Millisecond || l.everybody != 200*time.Millisecond {
		t.Errorf("late %v, everybody %v", l.late, l.everybody)
	}
}

func TestKeptOutput(t *testing.T) {
	var o keptOutput
	fmt.Fprintln(&o, "the address")
	for i := range 100_000 {
		fmt.Fprintf(&o, "line %d\n", i)
	}
	if s := o.String(); !strings.HasPrefix(s, "the address\n") || len(s) > 4*keepOutput {
		t.Errorf("%d bytes, beginning %.20q", len(s), s)
	}
	if got := o.tail(2); got != "line 99998\nline 99999" {
		t.Errorf("tail %q", got)
	}
}

// TestProcess: this one has memory and has used CPU, where the system says so.
func TestProcess(t *testing.T) {
	if _, err := os.Stat("/proc/self/status"); err != nil {
		t.Skip("no /proc")
	}
	if m, ok := memoryOf(os.Getpid()); !ok || m.Anon <= 0 || m.Peak < m.Resident {
		t.Errorf("memory %+v, %t", m, ok)
	}
	for deadline := time.Now().Add(5 * time.Second); ownCPU() < 30*time.Millisecond && time.Now().Before(deadline); {
	}
	if d, ok := cpuOf(os.Getpid()); !ok || d == 0 || d > ownCPU()+time.Second {
		t.Errorf("CPU %v, %t; rusage says %v", d, ok, ownCPU())
	}
	if _, ok := memoryOf(-1); ok {
		t.Error("nobody has memory")
	}
}
