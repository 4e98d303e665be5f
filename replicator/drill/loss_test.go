package drill

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/leftoff/leftoff/replicator/kafka"
)

// recordsOf are the records from to to−1 of a fake log.
func recordsOf(from, to int) []kafka.Record {
	f := newFake("")
	f.fill("t", 0, from, to)
	return f.logs[kafka.TopicPartition{Topic: "t"}].records
}

func TestLossCount(t *testing.T) {
	at := time.UnixMilli(1_700_000_000_000 + 1000*200)
	for name, c := range map[string]struct {
		have, last   []kafka.Record
		start, none  bool // there are no more of them
		times, last2 bool
		known        bool
		records      int64
		atLeast      bool
		seconds      float64
		why          string
		goOn         bool
	}{
		"nothing lost":               {have: recordsOf(50, 100), last: recordsOf(95, 100), times: true, known: true},
		"ten lost":                   {have: recordsOf(50, 100), last: recordsOf(80, 90), times: true, known: true, records: 10, seconds: 110},
		"landed out of order":        {have: recordsOf(50, 100), last: append(recordsOf(90, 92), recordsOf(85, 90)...), times: true, known: true, records: 8, seconds: 108},
		"foreign at the end":         {have: recordsOf(50, 100), last: append(recordsOf(80, 90), recordsOf(900, 905)...), times: true, known: true, records: 10, seconds: 110},
		"both empty":                 {start: true, none: true, times: true, known: true},
		"all deleted on the primary": {last: recordsOf(80, 90), start: true, times: true, known: true},
		"nothing mirrored":           {have: recordsOf(0, 50), start: true, none: true, times: true, known: true, records: 50, seconds: 200, why: "nothing of the partition"},
		"others stand there":         {have: recordsOf(0, 50), last: recordsOf(900, 905), start: true, times: true, why: "none of the primary's"},
		"look further":               {have: recordsOf(50, 100), last: recordsOf(0, 10), times: true, goOn: true},
		"far behind":                 {have: recordsOf(50, 100), last: recordsOf(0, 10), times: true, last2: true, known: true, records: 50, atLeast: true, seconds: 150, why: "further back"},
		"changed by the mirror":      {have: recordsOf(50, 100), last: recordsOf(200, 210), times: true, last2: true, why: "timestamps do not say"},
		"far behind, without times":  {have: recordsOf(50, 100), last: recordsOf(0, 10), last2: true, why: "timestamps do not say"},
	} {
		t.Run(name, func(t *testing.T) {
			end := int64(1000)
			l := Loss{PrimaryEnd: &end}
			done := l.count(c.have, c.start, c.last, c.none, c.times, at, c.last2)
			if done == c.goOn {
				t.Fatalf("done %v: %+v", done, l)
			}
			if done && (l.Known != c.known || l.Records != c.records || l.AtLeast != c.atLeast || l.Seconds != c.seconds || !strings.Contains(l.Why, c.why) || (l.Why == "") != (c.why == "")) {
				t.Errorf("%+v", l)
			}
		})
	}
}

// dying is a cluster that says who it is, and no more.
type dying struct{ *fake }

func (dying) ListGroups(context.Context) ([]kafka.GroupInfo, error) {
	return nil, errors.New("unreachable")
}

func TestDyingPrimary(t *testing.T) {
	west, east := pair()
	r, err := Run(t.Context(), dying{west}, east, east, options())
	if err != nil || r.Result != Incomplete || r.Primary.ClusterID != "idW" || r.Primary.Error != "unreachable" || r.Summary.Resumed != 5 {
		t.Errorf("%s %+v %q, %v", r.Result, r.Summary, r.Problems, err)
	}
}
