package daemon

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/leftoff/leftoff/replicator/failover"
	"github.com/leftoff/leftoff/replicator/kafka"
)

// patience keeps from asking a cluster every two seconds, for days, for what it does not allow. A right that is given is noticed within deniedAtMost.
// One goroutine uses it.
type patience struct {
	wait    time.Duration
	again   time.Time // not before
	missing string    // right, the last time
	said    error     // nil: it was allowed the last time
}

const (
	deniedAtFirst = 2 * rememberEvery
	deniedAtMost  = time.Minute
)

// try runs f, unless that was not allowed a moment ago: then the answer is what it was. Other errors keep from nothing, and where another right is missing
// than the last time, somebody is at it.
func (p *patience) try(f func() error) error {
	if p.said != nil && time.Now().Before(p.again) {
		return p.said
	}
	err := f()
	missing, said := denied(err)
	if missing == "" || errors.Is(err, ErrRefused) {
		*p = patience{}
		return err
	}
	if p.missing != missing {
		*p = patience{missing: missing}
	}
	p.wait = min(max(2*p.wait, deniedAtFirst), deniedAtMost)
	p.again, p.said = time.Now().Add(p.wait), said
	return said
}

// rights on leftoff-state, by what was asked.
var rights = map[string]string{
	"create topic": "Create", "produce": "Write", "take a producer id": "Write",
	"describe topics": "Describe", "describe topic": "Describe", "list offsets": "Describe", "fetch": "Read",
}

// denied says which right on leftoff-state is missing, and the command that gives it; empty where that is not what the error is about, and it is as it was.
func denied(err error) (right string, said error) {
	var e *kafka.Error
	if !errors.As(err, &e) || e.Class != kafka.Unauthorized || e.On != "" && !strings.HasPrefix(e.On, failover.Topic) {
		return "", err
	}
	if right = rights[e.Op]; right == "" {
		return "", err
	}
	_, rest, _ := strings.Cut(e.Hint, "--allow-principal ")
	who, _, known := strings.Cut(rest, " --operation")
	if !known {
		who = "User:LEFTOFF"
	}
	hinted := *e
	hinted.Hint = fmt.Sprintf("kafka-acls --add --allow-principal %s --operation %s --topic %s", who, right, failover.Topic)
	return right, fmt.Errorf("the right %s is missing on topic %s of the secondary, of Describe, Read, Write and Create: %w", right, failover.Topic, &hinted)
}
