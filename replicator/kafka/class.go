package kafka

import (
	"context"
	"errors"
)

// Class says what to do about an error.
type Class uint8

const (
	// Fatal: a bug or a broker this package does not understand; trying again does not help.
	Fatal Class = iota
	// Retry: try again later, at the same broker.
	Retry
	// Refind: the leader or coordinator moved; this package finds the new one by itself.
	Refind
	// Live: the group has members (codes 25, 22, 27, 35, 82, 110, 113).
	Live
	// Share: the group is a share group (69).
	Share
	// Missing: no such topic or partition (3, 100).
	Missing
	// Unauthorized: an ACL is missing (29, 30, 31, 53).
	Unauthorized
	// Credentials: the broker does not accept who we are, or TLS does not fit. Trying again does not help.
	Credentials
	// MetadataTooLarge: the commit's metadata (12).
	MetadataTooLarge
	// TooLarge: the request or batch (10, 18).
	TooLarge
	// OutOfRange: no such offset (1).
	OutOfRange
	// Sequence: the producer's sequence, epoch or id is not what the broker expects (45, 46, 47, 59, 90).
	Sequence
	// Unreachable: no broker answered, or the connection died: the request may or may not have been carried out.
	Unreachable
	// Canceled: the caller's context ended.
	Canceled
)

var classNames = [...]string{"fatal", "retry", "refind", "live", "share", "missing", "unauthorized", "credentials", "metadata_too_large",
	"too_large", "out_of_range", "sequence", "unreachable", "canceled"}

func (c Class) String() string { return classNames[c] }

// Temporary says whether trying again later may help without anybody doing anything.
func (c Class) Temporary() bool { return c == Retry || c == Refind || c == Unreachable }

// Classify finds the Class of an error of this package.
func Classify(err error) Class {
	var e *Error
	switch {
	case errors.As(err, &e):
		return e.Class
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded), errors.Is(err, ErrClosed):
		return Canceled
	default:
		return Fatal
	}
}
