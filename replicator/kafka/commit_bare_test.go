package kafka

import (
	"context"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// One offset's metadata is too large, the others meet a coordinator that is going: when the time is over, nothing was written.
func TestMetadataDroppedIsNotSaidBeforeItIsWritten(t *testing.T) {
	k := fake(t, 1)
	k.ControlKey(int16(kmsg.OffsetCommit), func(q kmsg.Request) (kmsg.Response, error, bool) {
		k.KeepControl()
		req := q.(*kmsg.OffsetCommitRequest)
		res := req.ResponseKind().(*kmsg.OffsetCommitResponse)
		for _, tp := range req.Topics {
			rt := kmsg.NewOffsetCommitResponseTopic()
			rt.Topic = tp.Topic
			for _, p := range tp.Partitions {
				rp := kmsg.NewOffsetCommitResponseTopicPartition()
				rp.Partition, rp.ErrorCode = p.Partition, 15
				if p.Partition == 0 && p.Metadata != nil && *p.Metadata != "" {
					rp.ErrorCode = 12
				}
				rt.Partitions = append(rt.Partitions, rp)
			}
			res.Topics = append(res.Topics, rt)
		}
		return res, nil, true
	})
	c := open(t, k.ListenAddrs())
	m := c.NewCommitter(CommitterOptions{})
	defer m.Close()
	for wait := 5 * time.Millisecond; wait < 60*time.Millisecond; wait += 2 * time.Millisecond {
		ctx, cancel := context.WithTimeout(context.Background(), wait)
		results, err := m.Commit(ctx, "g", time.Hour, commits("t", 5, 6))
		cancel()
		if err == nil && results[0] == ErrMetadataDropped {
			t.Fatalf("after %v: said to be written without its metadata, and was not: %v", wait, results)
		}
	}
}
