package daemon

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/leftoff/leftoff/replicator/failover"
	"github.com/leftoff/leftoff/replicator/kafka"
)

// What grows on the primary after the switch is told, by topic. What lies past P* is told where a planned failover, the newest, left nothing
// there, and only where it is records.
func TestStrays(t *testing.T) {
	at := func(topic string, n int32) kafka.TopicPartition {
		return kafka.TopicPartition{Topic: topic, Partition: n}
	}
	ends := func(all map[kafka.TopicPartition]int64) map[kafka.TopicPartition]kafka.OffsetResult {
		got := map[kafka.TopicPartition]kafka.OffsetResult{}
		for tp, end := range all {
			got[tp] = kafka.OffsetResult{Offset: end}
		}
		return got
	}
	role := func(id string, marks ...int64) failover.Role {
		r := failover.Role{Name: failover.Switched, ID: id, At: time.Unix(1, 0)}
		for p, m := range marks {
			r.Marks = append(r.Marks, failover.Mark{Partition: int32(p), Primary: m})
		}
		return r
	}
	var s strays
	says := func(h handedTo, want ...string) {
		t.Helper()
		for i := range want {
			want[i] += " " + wroteNowhere
		}
		if got := s.problems(h); !slices.Equal(got, want) {
			t.Errorf("it says %q, want %q", got, want)
		}
	}
	h := handedTo{roles: map[string]failover.Role{"orders": role("a", 20, 7, 5), "audit": role("b", 10)}, planned: "b"}
	look := s.take(h, ends(map[kafka.TopicPartition]int64{at("orders", 0): 25, at("orders", 1): 7, at("orders", 2): 5, at("audit", 0): 12}))
	if !slices.Equal(look, []kafka.TopicPartition{at("audit", 0)}) {
		t.Fatalf("records are looked for in %v", look)
	}
	says(h)
	s.proven(at("audit", 0), 12, false) // markers
	if look := s.take(h, map[kafka.TopicPartition]kafka.OffsetResult{at("audit", 0): {Offset: 12}, at("orders", 2): {Err: errors.New("no leader")}}); len(look) != 0 {
		t.Errorf("records are looked for again in %v", look)
	}
	says(h)
	if look = s.take(h, ends(map[kafka.TopicPartition]int64{at("orders", 1): 9, at("orders", 2): 6, at("audit", 0): 14})); len(look) != 1 {
		t.Errorf("records are looked for in %v", look)
	}
	s.proven(at("audit", 0), 14, true)
	says(h, "audit/0: 4", "orders/1 and 1 more partitions: 3")
	newer := h
	newer.planned = ""
	says(newer, "audit/0: 2", "orders/1 and 1 more partitions: 3")
	home := h
	home.coming = true
	says(home)
	h.roles["orders"] = role("c", 30, 30, 30) // switched again
	s.take(h, ends(map[kafka.TopicPartition]int64{at("orders", 1): 31}))
	says(h, "audit/0: 4")
	s.keep(handedTo{})
	says(h)
}
