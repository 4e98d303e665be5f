package kafka

import (
	"errors"
	"strings"
)

// What went wrong with a partition, a topic or a cluster; errors of this package wrap one of them where it applies.
var (
	ErrOffsetOutOfRange = errors.New("offset out of range")
	ErrUnknownTopic     = errors.New("unknown topic or partition")
	// ErrTopicRecreated: the topic's id is no longer the one it had at Assign.
	ErrTopicRecreated = errors.New("topic was recreated")
	ErrUnauthorized   = errors.New("not authorized")
	ErrAuthentication = errors.New("authentication failed")
	ErrUnreachable    = errors.New("unreachable")
	ErrTopicExists    = errors.New("topic exists")
	ErrCorrupt        = errors.New("corrupt batch")
	ErrClosed         = errors.New("closed")
	// ErrMetadataDropped: committed, but without the metadata, which the broker found too large.
	ErrMetadataDropped = errors.New("committed without its metadata")
	errLeftOut         = errors.New("the broker left it out of its answer")
)

// Error is what a broker, or the way to it, answered.
type Error struct {
	Cluster string // Config.Name
	Op      string // what was asked: "commit", "list offsets", …
	On      string // what it was asked about, or of whom: a topic, a group, an address; may be empty
	Code    int16  // Kafka's error code; 0 where no broker answered
	Hint    string // what a person can do; may be empty
	Class   Class
	Err     error // never nil
}

func (e *Error) Error() string {
	var b strings.Builder
	for _, part := range []string{e.Cluster, e.Op, e.On} {
		if part != "" {
			b.WriteString(part)
			b.WriteByte(' ')
		}
	}
	s := strings.TrimSuffix(b.String(), " ")
	if s != "" {
		s += ": "
	}
	s += e.Err.Error()
	if e.Hint != "" {
		s += ". Try: " + e.Hint
	}
	return s
}

func (e *Error) Unwrap() error { return e.Err }
