package offsetlog

import "errors"

// ErrVersion: the value is of a version this program does not know. Its fields are not guessed.
var ErrVersion = errors.New("unknown value version. Try: a newer leftoff")

// ErrMalformed: the bytes end early, or a length in them makes no sense.
var ErrMalformed = errors.New("malformed record of __consumer_offsets")
