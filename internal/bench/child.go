package bench

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"sync"
	"syscall"
)

// childVar makes this program a part of a measure that needs a process of its own, so that the load and the judge don't share its
// garbage collector and its scheduler.
const childVar = "LEFTOFF_BENCH_CHILD"

// Child runs such a part, where this process is one; ok is false where it is not. Call it first in main.
func Child() (code int, ok bool) {
	spec := os.Getenv(childVar)
	if spec == "" {
		return 0, false
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() { // the bench is gone when its end of the pipe is
		io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	var c copierSpec
	err := json.Unmarshal([]byte(spec), &c)
	if err == nil {
		err = copyCommits(ctx, c, func() { fmt.Println("ready") })
	}
	if err != nil && ctx.Err() == nil {
		fmt.Fprintln(os.Stderr, err)
		return 1, true
	}
	return 0, true
}

// child is such a process.
type child struct {
	cmd *exec.Cmd
	end func()
}

// startChild returns when the child has said that it is ready.
func startChild(r *Run, spec any) *child {
	r.Helper()
	text, err := json.Marshal(spec)
	if err != nil {
		r.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		r.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), childVar+"="+string(text))
	var said strings.Builder
	cmd.Stderr = &said
	stdin, err := cmd.StdinPipe()
	if err != nil {
		r.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		r.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		r.Fatal(err)
	}
	c := &child{cmd: cmd, end: sync.OnceFunc(func() {
		stdin.Close()
		_ = cmd.Process.Kill() // one that ended by itself has said why
		_ = cmd.Wait()
		if said.Len() > 0 {
			r.Errorf("child: %s", said.String())
		}
	})}
	r.Cleanup(c.end)
	if line, err := bufio.NewReader(stdout).ReadString('\n'); err != nil {
		c.end()
		r.Fatalf("child said %q and ended: %v", line, err)
	}
	return c
}
