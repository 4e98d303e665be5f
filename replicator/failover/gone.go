package failover

import (
	"context"
	"fmt"
	"strings"
)

// atPrimary asks the primary for a planned step. Where it does not answer, that is what the step waits for, and soon: who turns the failover
// round waits behind the answer, and a primary that is gone is what the unplanned one is for.
func atPrimary(ctx context.Context, s *State, v View, ask func(context.Context) (result, error)) (result, error) {
	if v.Error[0] != "" {
		return result{waits: []string{gone(s, v.Error[0])}}, nil
	}
	within, cancel := context.WithTimeout(ctx, whereWithin)
	defer cancel()
	r, err := ask(within)
	if err != nil && within.Err() != nil && ctx.Err() == nil {
		return result{waits: []string{gone(s, err.Error())}}, nil
	}
	return r, err
}

// gone is a sentence on a primary that does not answer a planned failover.
func gone(s *State, why string) string {
	why, _, _ = strings.Cut(why, ". Try: ")
	first := "leftoff failover rollback, and then "
	if s.ID == Dry {
		first = ""
	}
	return fmt.Sprintf("the primary does not answer: %s. Try: wait until it does; or, where it is gone: %sleftoff failover --unplanned", why, first)
}
