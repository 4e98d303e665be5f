package daemon

import (
	"fmt"

	"github.com/leftoff/leftoff/replicator"
)

// source makes the link's mapping source.
func (l *link) source(notify func(replicator.Advance)) (source, error) {
	if l.ReadOnly && l.Mapping == "mirror" {
		return &passive{index: l.index, secondary: l.clusters[replicator.Secondary], rename: l.Rename}, nil
	}
	return nil, fmt.Errorf("mapping %s is not in this version", l.Mapping)
}
