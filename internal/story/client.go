package story

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// clientOptions are what all clients of the story share: they notice quickly what a real one would notice.
func clientOptions(brokers []string, id string, more ...kgo.Opt) []kgo.Opt {
	return append([]kgo.Opt{
		kgo.SeedBrokers(brokers...),
		kgo.ClientID(id),
		kgo.MetadataMinAge(50 * time.Millisecond),
		kgo.RetryTimeout(10 * time.Second),
		kgo.FetchMaxWait(500 * time.Millisecond),
	}, more...)
}

// leave closes a consumer. Within limits the wait for a region that may be gone.
func leave(c *kgo.Client, within time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	_ = c.LeaveGroupContext(ctx)
	c.CloseAllowingRebalance()
}
