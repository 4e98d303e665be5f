package main

import (
	"bytes"
	"testing"
	"time"

	"github.com/leftoff/leftoff/replicator/api"
)

// One line says where a failover stands, and what goes on with it.
func TestFailoverLine(t *testing.T) {
	at := time.Date(2026, 11, 26, 9, 33, 18, 5e6, time.Local)
	const waits = ". leftoff failover status says what it waits for\n"
	for want, f := range map[string]*api.LinkFailover{
		"": nil,
		"  failover: planned, by root, at step stop since 09:33:18" + waits:                                       {Kind: "planned", Step: "stop", Who: "root", Changed: at, To: "east"},
		"  failover: unplanned, by root, at step hand over since 09:33:18" + waits:                                {Kind: "unplanned", Step: "hand_over", Who: "root", Changed: at, To: "east", Topics: 2},
		"  failover: planned, by root, at step take back since 2026-11-25 09:33:18" + waits:                       {Kind: "planned", Step: "take_back", Who: "root", Changed: at.AddDate(0, 0, -1)},
		"  failback: at step return since 09:33:18, by root" + waits:                                              {Kind: "failback", Step: "return", Who: "root", Changed: at, To: "west", Topics: 2},
		"  failed over to east at 09:33:18, by root: leftoff failback brings it home\n":                           {Kind: "unplanned", Step: "done", Who: "root", Changed: at, To: "east", Topics: 2, Groups: 1},
		"  2 groups handed over to east at 09:33:18, by somebody unknown: leftoff reclaim GROUP gives one back\n": {Kind: "planned", Step: "done", Changed: at, To: "east", Groups: 2},
	} {
		var out bytes.Buffer
		if printFailoverLine(&out, f, at.Add(time.Minute)); out.String() != want {
			t.Errorf("printed %q, want %q", out.String(), want)
		}
	}
}
