package rig

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// dieWithUs puts a child in a group of its own, so that Ctrl-C reaches the test
// and not its brokers, and has the kernel kill it when we die.
func dieWithUs() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

var errRunning = errors.New("a thread still runs")

// allStopped is nil when a signal has stopped every thread: the signal is sent
// at once, and obeyed thread by thread.
func allStopped(pid int) error {
	stats, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
	if err != nil {
		return err
	}
	for _, path := range stats {
		stat, err := os.ReadFile(path)
		if err != nil {
			continue // that thread ended
		}
		// pid (name) state …, and a name may hold anything
		if at := bytes.LastIndexByte(stat, ')'); at < 0 || !bytes.HasPrefix(stat[at+1:], []byte(" T")) {
			return errRunning
		}
	}
	return nil
}
