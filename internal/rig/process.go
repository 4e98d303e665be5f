package rig

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// process is a child that dies with us.
//
// Whoever launches one ends it: nothing else does while the test process lives.
type process struct {
	name string
	log  string // where its output goes
	cmd  *exec.Cmd
	done chan struct{} // closed once it is gone and reaped
	err  error         // valid after done

	mu     sync.Mutex
	paused bool
}

// launch starts argv with its output appended to the file log. With stdout set,
// standard output goes there instead and only standard error to the log.
//
// On Linux the kernel kills the child when the thread that started it ends, so
// one goroutine stays locked to one thread until the child is gone. Otherwise
// Go's scheduler may retire the thread, and with it the broker.
func launch(name, log string, argv []string, stdin io.Reader, stdout io.Writer) (*process, error) {
	out, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, io.Writer(out), out
	if stdout != nil {
		cmd.Stdout = stdout
	}
	cmd.SysProcAttr = dieWithUs()
	cmd.WaitDelay = 5 * time.Second
	p := &process{name: name, log: log, cmd: cmd, done: make(chan struct{})}

	started := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		defer out.Close()
		err := cmd.Start()
		started <- err
		if err != nil {
			return
		}
		p.err = cmd.Wait()
		close(p.done)
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	return p, nil
}

// alive reports whether the process has not ended yet.
func (p *process) alive() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// kill ends the process at once and waits until it is gone. Killing a dead or
// paused one is fine.
func (p *process) kill() {
	p.signal(syscall.SIGKILL)
	<-p.done
}

// stop asks the process to end, and kills it when it has not after patience.
func (p *process) stop(patience time.Duration) (clean bool) {
	p.resume()
	p.signal(syscall.SIGTERM)
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-p.done:
		return true
	case <-timer.C:
		p.kill()
		return false
	}
}

// pause stops the process from running, without it noticing, and returns when
// it has stopped.
func (p *process) pause() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.signal(syscall.SIGSTOP)
	p.paused = true
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	_ = poll(ctx, func() error { return allStopped(p.cmd.Process.Pid) }) // best effort: a thread may be deep in the kernel
}

func (p *process) resume() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.paused {
		p.signal(syscall.SIGCONT)
		p.paused = false
	}
}

// signal reaches the child if it still lives; that it does not is no error to
// anybody here.
func (p *process) signal(s syscall.Signal) { _ = p.cmd.Process.Signal(s) }
