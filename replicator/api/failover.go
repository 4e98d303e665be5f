package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/leftoff/leftoff/replicator/failover"
)

// FailoverVerb is what is asked of a failover.
type FailoverVerb string

const (
	FailoverWhere    FailoverVerb = "where"    // say how it stands
	FailoverTry      FailoverVerb = "try"      // say what the steps would find, and change nothing
	FailoverBegin    FailoverVerb = "begin"    // begin, or find the one under way
	FailoverReturn   FailoverVerb = "return"   // begin the way home, or find the one under way
	FailoverAdvance  FailoverVerb = "advance"  // do what can be done now
	FailoverRollback FailoverVerb = "rollback" // turn round
)

var verbs = []FailoverVerb{FailoverWhere, FailoverTry, FailoverBegin, FailoverReturn, FailoverAdvance, FailoverRollback}

// FailoverOrder is the body of POST /failover.
type FailoverOrder struct {
	Link  string         `json:"link"`
	Verb  FailoverVerb   `json:"verb"`
	Order failover.Order `json:"order"`
}

// FailoverAnswer is its answer.
type FailoverAnswer struct {
	Link      string `json:"link"`
	Primary   string `json:"primary"` // name and cluster id
	Secondary string `json:"secondary"`
	failover.Progress
	// Trial is what each step would find.
	Trial []failover.Trial `json:"trial,omitempty"`
	// Switched topics are written on the secondary, and can be brought home; absent where that was not read yet.
	Switched *int `json:"switched_topics,omitempty"`
	// GroupsHome follow the primary again, because the way home that has ended brought them.
	GroupsHome int `json:"groups_home,omitempty"`
}

// FailingOver is a Source that can fail over. ErrUnknownLink, ErrStarting, and the errors of failover.Machine.
type FailingOver interface {
	Failover(ctx context.Context, o FailoverOrder) (FailoverAnswer, error)
}

// failover is given more time than other answers: a step looks at both clusters.
const failoverWithin = 2 * time.Minute

func (h handler) failover(r *http.Request) (any, error) {
	var o FailoverOrder
	if err := readJSON(r, &o, `{"verb": "where"}`); err != nil {
		return nil, err
	}
	if !slices.Contains(verbs, o.Verb) {
		return nil, badRequest(fmt.Sprintf("no such verb %q. Try: one of %q", o.Verb, verbs))
	}
	source, ok := h.opt.Source.(FailingOver)
	if !ok {
		return nil, badRequest("this leftoff does not fail over")
	}
	return source.Failover(r.Context(), o)
}

// Failover asks the daemon to take a step.
func (c *Client) Failover(ctx context.Context, o FailoverOrder) (a FailoverAnswer, err error) {
	body, err := json.Marshal(o)
	if err != nil {
		return a, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+"/failover", bytes.NewReader(body))
	if err != nil {
		return a, err
	}
	request.Header.Set("Content-Type", "application/json")
	patient := *c.http
	patient.Timeout = failoverWithin + 10*time.Second
	err = (&Client{c.base, &patient}).do(request, &a)
	return a, err
}

// conflicts are failovers that are refused as they stand.
func conflicts(err error) bool {
	return errors.Is(err, failover.ErrOvertaken) || errors.Is(err, failover.ErrUnderWay) || errors.Is(err, failover.ErrStarted) ||
		errors.Is(err, failover.ErrNothing) || errors.Is(err, failover.ErrOver) || errors.Is(err, failover.ErrIsHome) || errors.Is(err, failover.ErrNotHome) ||
		errors.Is(err, failover.ErrReading) || errors.Is(err, failover.ErrWritten)
}
