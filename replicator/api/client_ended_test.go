package api

import (
	"fmt"
	"net"
	"strings"
	"testing"
)

// hangsUp takes connections, reads what is asked, writes something, and closes them, as a daemon does that is killed.
func hangsUp(t *testing.T, says string) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = c.Read(make([]byte, 1<<16))
			fmt.Fprint(c, says)
			c.Close()
		}
	}()
	t.Cleanup(func() { l.Close(); <-done })
	return l.Addr().String()
}

// A daemon that is killed while it is asked is said to be gone, before its answer and within it, with what to do.
func TestDaemonEndsWhileItIsAsked(t *testing.T) {
	for what, says := range map[string]string{
		"before it answers": "",
		"in the head":       "HTTP/1.1 200 OK\r\n",
		"in the body":       "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"link\": \"we",
	} {
		t.Run(what, func(t *testing.T) {
			c := NewClient(hangsUp(t, says))
			const gone = "the daemon ended while it was asked. Try: start it again, and give the same command"
			if _, err := c.Failover(t.Context(), FailoverOrder{Verb: FailoverAdvance}); err == nil || err.Error() != gone+": it goes on where it stopped" {
				t.Errorf("failover: %v", err)
			}
			if _, err := c.Status(t.Context()); err == nil || err.Error() != gone {
				t.Errorf("status: %v", err)
			}
		})
	}
}

// A program that answers with something else, or nothing, is not a daemon that has ended.
func TestAnotherProgramHasNotEnded(t *testing.T) {
	for _, says := range []string{"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{\"", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"} {
		if _, err := NewClient(hangsUp(t, says)).Status(t.Context()); err == nil || !strings.Contains(err.Error(), "does not answer like leftoff") {
			t.Errorf("%q: %v", says, err)
		}
	}
}
