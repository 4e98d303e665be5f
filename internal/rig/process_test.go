package rig

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The child of the next test: it starts a process and waits to be killed.
func TestHelperStartsAndHangs(t *testing.T) {
	dir := os.Getenv("RIG_TEST_HELPER")
	if dir == "" {
		t.Skip("run by TestNothingOutlivesAKilledTest")
	}
	p, err := launch("sleep", filepath.Join(dir, "log"), []string{"sleep", "1000"}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Println("pid", p.cmd.Process.Pid)
	for range 100 { // give the scheduler reasons to retire threads
		go runtime.LockOSThread()
	}
	<-p.done
}

func TestNothingOutlivesAKilledTest(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux has a death signal")
	}
	dir := t.TempDir()
	cmd := exec.Command(os.Args[0], "-test.run=TestHelperStartsAndHangs", "-test.v")
	cmd.Env = append(os.Environ(), "RIG_TEST_HELPER="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	pid := 0
	for lines := bufio.NewScanner(out); pid == 0 && lines.Scan(); {
		if n, ok := strings.CutPrefix(lines.Text(), "pid "); ok {
			pid, _ = strconv.Atoi(n)
		}
	}
	if pid == 0 {
		t.Fatal("the helper started nothing")
	}
	if !running(pid) {
		t.Fatal("its process was gone before the helper was")
	}
	cmd.Process.Kill()
	cmd.Wait()
	Eventually(t, 10*time.Second, "end of an orphan", func() error {
		if running(pid) {
			return fmt.Errorf("process %d lives", pid)
		}
		return nil
	})
}

// running reports a process that exists and is no zombie.
func running(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return false
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && !strings.Contains(string(stat), ") Z ")
}

func TestStopKillsTheStubborn(t *testing.T) {
	log := filepath.Join(t.TempDir(), "log")
	p, err := launch("stubborn", log, []string{"sh", "-c", "trap '' TERM; echo ready; while :; do sleep 0.05; done"}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	Eventually(t, 10*time.Second, "trap set", func() error {
		if out, _ := os.ReadFile(log); len(out) == 0 {
			return fmt.Errorf("nothing printed")
		}
		return nil
	})
	if p.stop(50 * time.Millisecond) {
		t.Error("a process that ignores SIGTERM stopped by itself")
	}
	if p.alive() {
		t.Error("it lives")
	}
}

func TestPortsAreTakenOnce(t *testing.T) {
	var a, b portSet
	defer a.release()
	defer b.release()
	seen := map[int]bool{}
	for _, s := range []*portSet{&a, &b} {
		ports, err := s.take(50)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range ports {
			if seen[p] {
				t.Errorf("port %d dealt twice", p)
			}
			seen[p] = true
		}
	}
}

func TestGroupPartition(t *testing.T) {
	for group, want := range map[string]int{"my-group": 12, "orders": 31, "group-ü": 2} {
		if got := GroupPartition(group, 50); got != want {
			t.Errorf("%s hashes to %d, want %d", group, got, want)
		}
	}
}
