package daemon

import (
	"context"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/replicator/failover"
	"github.com/leftoff/leftoff/replicator/kafka"
)

// swappedWithin bounds the look at the primary.
const swappedWithin = 5 * time.Second

// swapped refuses a link that ran between the same clusters in the other direction. On a machine that knows it the index says so. On an empty disk
// what this link once kept on its secondary does: it is on the cluster that is called the primary now. It is asked only where a link begins: one that
// has kept something here, or copied, has run this way, and starts without its primary. Where it begins, a primary that answers has to
// say it: what it does not say in time, or by an error that passes, is asked again.
func (l *link) swapped(ctx context.Context, here *failover.Store) error {
	l.mu.Lock()
	ids, gone := l.ids, l.errs[replicator.Primary] != nil
	l.mu.Unlock()
	if l.configured == nil || gone || ids[replicator.Primary] == "" { // a way home is meant to go the other way
		return nil
	}
	k, err := here.Load(ctx)
	if err != nil || len(k.Events) > 0 || len(l.index.Pairs()) > 0 {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, swappedWithin)
	defer cancel()
	there, err := failover.Holds(ctx, &failover.KafkaLog{Cluster: l.clusters[replicator.Primary]}, failover.LinkID(l.Name, ids[replicator.Secondary], ids[replicator.Primary]))
	switch {
	case kafka.Classify(err) == kafka.Unauthorized:
		l.log.Debug("whether the link went the other way once is not known", zap.Error(err))
		return nil
	case err != nil:
		return fmt.Errorf("whether the link went the other way once, as %s on the primary would say: %w", failover.Topic, err)
	case there:
		return fmt.Errorf("%w: link %s ran the other way round, from cluster %s to cluster %s, as topic %s on what is called the primary now says: nothing was written. "+
			"Try: primary and secondary the other way round; or another name for the link, if its direction was changed on purpose",
			ErrRefused, l.Name, ids[replicator.Secondary], ids[replicator.Primary], failover.Topic)
	}
	return nil
}
