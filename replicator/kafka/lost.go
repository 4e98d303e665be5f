package kafka

import "fmt"

// dialStep is how far a connection came.
type dialStep string

const (
	stepConnect dialStep = "connect"
	stepTLS     dialStep = "TLS handshake"
	stepGreet   dialStep = "handshake"
)

// dialError: no connection came about.
type dialError struct {
	step dialStep
	err  error
}

func (e *dialError) Error() string { return fmt.Sprintf("%s: %v", e.step, e.err) }
func (e *dialError) Unwrap() error { return e.err }

// lostError: a connection died under a request, which may or may not have been carried out.
type lostError struct {
	err   error
	first bool // it was the first request on the connection
}

func (e *lostError) Error() string { return fmt.Sprintf("connection lost: %v", e.err) }
func (e *lostError) Unwrap() error { return e.err }
