package kafka

import (
	"encoding/binary"
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func wireRequest(bare ...int) *commitRequest {
	q := &commitRequest{group: "payments", retention: 90 * 24 * time.Hour, bare: map[int]bool{}, all: []CommitOffset{
		{"orders", 3, 1 << 40, "m"}, {"audit", 0, 0, ""}, {"orders", 1, 7, "größer"}, {"audit", 5, 9, "x"},
	}}
	for _, i := range bare {
		q.bare[i] = true
	}
	q.part = byTopicName(q.all, []int{0, 1, 2, 3})
	return q
}

// Every version is what another implementation reads as the same request.
func TestCommitRequestIsUnderstood(t *testing.T) {
	for v := int16(oldestOffsetCommit); v <= plainVersion; v++ {
		b, err := wireRequest(2).encode(v, "leftoff")
		if err != nil {
			t.Fatal(err)
		}
		correlate(b, 77)
		if n := binary.BigEndian.Uint32(b); int(n) != len(b)-4 {
			t.Errorf("version %d: length %d of %d", v, n, len(b))
		}
		header := 4 + 2 + 2 + 4 + 2 + len("leftoff")
		if v >= flexibleSince {
			header++
		}
		got := kmsg.NewPtrOffsetCommitRequest()
		got.Version = v
		if err := got.ReadFrom(b[header:]); err != nil {
			t.Fatalf("version %d: %v", v, err)
		}
		// What kmsg makes of it must be the same bytes again: nothing is left over, nothing was defaulted.
		if again := got.AppendTo(nil); !reflect.DeepEqual(again, b[header:]) {
			t.Errorf("version %d: %x\nbecame %x", v, b[header:], again)
		}
		if id := binary.BigEndian.Uint32(b[8:]); id != 77 || binary.BigEndian.Uint16(b[4:]) != 8 || int16(binary.BigEndian.Uint16(b[6:])) != v {
			t.Errorf("version %d: header %x", v, b[:header])
		}
		wantRetention := int64(-1)
		if v == stampVersion {
			wantRetention = (90 * 24 * time.Hour).Milliseconds()
		}
		if got.Group != "payments" || got.Generation != -1 || got.MemberID != "" || got.InstanceID != nil || len(got.Topics) != 2 || v <= stampVersion && got.RetentionTimeMillis != wantRetention {
			t.Fatalf("version %d: %+v", v, got)
		}
		audit, orders := got.Topics[0], got.Topics[1]
		if audit.Topic != "audit" || orders.Topic != "orders" || len(audit.Partitions) != 2 || len(orders.Partitions) != 2 {
			t.Fatalf("version %d: %+v", v, got.Topics)
		}
		if p := orders.Partitions[0]; p.Partition != 3 || p.Offset != 1<<40 || p.LeaderEpoch != -1 || *p.Metadata != "m" {
			t.Errorf("version %d: %+v", v, p)
		}
		if p := orders.Partitions[1]; p.Partition != 1 || p.Offset != 7 || *p.Metadata != "" {
			t.Errorf("version %d: metadata that is to be left out: %+v", v, p)
		}
	}
}

// Codes are filed by topic and partition, whatever the order of the answer; what it leaves out is not known.
func TestCommitAnswerIsFiled(t *testing.T) {
	want := []answeredCode{{14, true}, {0, true}, {3, true}, {}} // audit/0, audit/5, orders/3, orders/1
	for v := int16(oldestOffsetCommit); v <= plainVersion; v++ {
		for _, reversed := range []bool{false, true} {
			res := kmsg.NewPtrOffsetCommitResponse()
			res.Version = v
			add := func(topic string, codes ...int16) {
				rt := kmsg.NewOffsetCommitResponseTopic()
				rt.Topic = topic
				for i := 0; i < len(codes); i += 2 {
					p := kmsg.NewOffsetCommitResponseTopicPartition()
					p.Partition, p.ErrorCode = int32(codes[i]), codes[i+1]
					rt.Partitions = append(rt.Partitions, p)
				}
				res.Topics = append(res.Topics, rt)
			}
			if reversed {
				add("orders", 3, 3)
				add("audit", 5, 0, 0, 14)
			} else {
				add("audit", 0, 14, 5, 0)
				add("orders", 3, 3)
			}
			body := res.AppendTo(nil)
			if v >= flexibleSince {
				body = append([]byte{0}, body...) // the header's tags
			}
			q := wireRequest()
			got, err := q.decode(v, body)
			if err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("version %d, reversed %t: %v, %v", v, reversed, got, err)
			}
			for n := range body {
				if _, err := q.decode(v, body[:n]); err == nil {
					t.Fatalf("version %d: %d of %d bytes are taken for an answer", v, n, len(body))
				}
			}
		}
	}
}

func TestCommitVersions(t *testing.T) {
	stamped, plain := &commitRequest{retention: time.Hour}, &commitRequest{}
	for _, c := range []struct {
		q    *commitRequest
		s    span
		want int16
	}{
		{stamped, span{2, 9}, 4}, {stamped, span{5, 9}, 8}, {stamped, span{0, 3}, 3}, {plain, span{2, 9}, 8}, {plain, span{0, 5}, 5},
		{plain, span{0, 1}, 0}, {stamped, span{9, 12}, 0}, {plain, span{}, 0},
	} {
		got, err := c.q.version(c.s)
		if got != c.want || (err != nil) != (c.want == 0) || err != nil && !errors.Is(err, sarama.ErrUnsupportedVersion) {
			t.Errorf("%+v: %d, %v", c, got, err)
		}
	}
}

// A broker closes the connection over a string that is too long, in every version; it must not get that far.
func TestCommitRequestWithStringsTooLong(t *testing.T) {
	long := string(make([]byte, 1<<15))
	for v := int16(oldestOffsetCommit); v <= plainVersion; v++ {
		for _, q := range []*commitRequest{
			{group: long, all: commits("t", 1), part: []int{0}},
			{group: "g", all: commits(long, 1), part: []int{0}},
			{group: "g", all: []CommitOffset{{Topic: "t", Metadata: long}}, part: []int{0}},
		} {
			if _, err := q.encode(v, "leftoff"); !errors.As(err, new(sarama.PacketEncodingError)) {
				t.Errorf("version %d: %v", v, err)
			}
		}
		q := &commitRequest{group: long[1:], all: commits(long[1:], 1), part: []int{0}}
		if _, err := q.encode(v, "leftoff"); err != nil {
			t.Errorf("version %d: %v", v, err)
		}
	}
}
