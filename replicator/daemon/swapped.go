package daemon

import (
	"context"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/replicator/failover"
)

// swappedWithin bounds a look that a primary which is gone does not answer: then there is nobody to take it for the secondary, either.
const swappedWithin = 5 * time.Second

// swapped refuses a link that ran between the same clusters in the other direction. On a machine that knows it the index says so. On an empty disk
// what this link once kept on its secondary does: it is on the cluster that is called the primary now.
func (l *link) swapped(ctx context.Context) error {
	l.mu.Lock()
	ids, gone := l.ids, l.errs[replicator.Primary] != nil
	l.mu.Unlock()
	if gone || ids[replicator.Primary] == "" || l.NoStamp { // a way home is meant to go the other way
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, swappedWithin)
	defer cancel()
	there, err := failover.Holds(ctx, &failover.KafkaLog{Cluster: l.clusters[replicator.Primary]}, failover.LinkID(l.Name, ids[replicator.Secondary], ids[replicator.Primary]))
	if err != nil {
		l.log.Debug("whether the link went the other way once is not known", zap.Error(err))
		return nil
	}
	if there {
		return fmt.Errorf("%w: link %s ran the other way round, from cluster %s to cluster %s, as topic %s on what is called the primary now says: nothing was written. "+
			"Try: primary and secondary the other way round; or another name for the link, if its direction was changed on purpose",
			ErrRefused, l.Name, ids[replicator.Secondary], ids[replicator.Primary], failover.Topic)
	}
	return nil
}
