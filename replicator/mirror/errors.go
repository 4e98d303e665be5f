package mirror

import "errors"

var (
	errRecreated = errors.New("topic was deleted or recreated")
	errDiverging = errors.New("both sides still differ below what was cut")
	errStalled   = errors.New("a read made no progress")
)

// outcome says what a failed produce means for the partition.
type outcome uint8

const (
	again   outcome = iota // send the same batch again
	look                   // what stands on the secondary has to be looked at
	fenced                 // another process uses our producer id
	smaller                // the batch is too large
	refused                // a person has to do something
	gone                   // the topic or partition is not there
)
