package daemon

import (
	"fmt"

	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/replicator/identity"
	"github.com/leftoff/leftoff/replicator/mirror"
)

// source makes the link's mapping source.
func (l *link) source(notify func(replicator.Advance)) (source, error) {
	primary, secondary := l.clusters[replicator.Primary], l.clusters[replicator.Secondary]
	switch {
	case l.Mapping == "identity":
		return identity.New(identity.Options{
			Primary: primary, Secondary: secondary, Name: l.Rename, Notify: notify, Logger: l.log.Named("identity"),
		}), nil
	case l.Mapping == "mirror" && l.ReadOnly:
		return &passive{index: l.index, secondary: secondary, rename: l.Rename}, nil
	case l.Mapping == "mirror":
		return mirror.New(mirror.Options{
			Primary: primary, Secondary: secondary, Index: l.index, Select: l.Rename, Notify: notify, Logger: l.log,
			ReadUncommitted: l.config.Mirror.ReadUncommitted,
		}), nil
	}
	return nil, fmt.Errorf("mapping %s is not in this version", l.Mapping)
}
