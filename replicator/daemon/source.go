package daemon

import (
	"fmt"

	"github.com/leftoff/leftoff/checkpoint"
	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/replicator/auto"
	"github.com/leftoff/leftoff/replicator/identity"
	"github.com/leftoff/leftoff/replicator/match"
	"github.com/leftoff/leftoff/replicator/mirror"
	"github.com/leftoff/leftoff/replicator/mm2"
)

// source makes the link's mapping source.
func (l *link) source(m *memory, notify func(replicator.Advance)) (source, error) {
	primary, secondary := l.clusters[replicator.Primary], l.clusters[replicator.Secondary]
	switch {
	case l.Mapping == "identity":
		return identity.New(identity.Options{
			Primary: primary, Secondary: secondary, Name: l.Rename, Notify: notify, Logger: l.log.Named("identity"),
		}), nil
	case l.Mapping == "match" || l.Mapping == "mm2" || l.Mapping == "auto":
		index, err := l.writable()
		if err != nil {
			return nil, err
		}
		if l.Mapping != "auto" {
			return mm2.NewSource(l.comparing(index, notify)), nil
		}
		return auto.New(auto.Options{
			Identity: identity.Options{Primary: primary, Secondary: secondary, Notify: notify, Logger: l.log.Named("identity")},
			Compare:  l.comparing(index, notify), Name: l.Rename, Notify: notify, Logger: l.log.Named("auto"),
		}), nil
	case l.Mapping == "mirror" && l.ReadOnly:
		return &passive{index: l.index, secondary: secondary, rename: l.Rename}, nil
	case l.Mapping == "mirror":
		return mirror.New(mirror.Options{
			Primary: primary, Secondary: secondary, Index: l.index, Select: l.Rename, Notify: notify, Logger: l.log,
			ReadUncommitted: l.config.Mirror.ReadUncommitted, Aside: l.aside, Skip: l.skip, Known: m.places,
			LeftOut: m.left,
		}), nil
	}
	return nil, fmt.Errorf("mapping %s is not in this version", l.Mapping)
}

// writable is the index, or a copy of it where nothing is to be left behind.
func (l *link) writable() (*checkpoint.Index, error) {
	if !l.ReadOnly {
		return l.index, nil
	}
	x, err := newScratch(l)
	if err != nil {
		return nil, fmt.Errorf("a copy of the index: %w", err)
	}
	l.scratches = append(l.scratches, x)
	return x.Index, nil
}

// comparing is what a source that compares records is made of.
func (l *link) comparing(x *checkpoint.Index, notify func(replicator.Advance)) mm2.SourceOptions {
	primary, secondary := l.clusters[replicator.Primary], l.clusters[replicator.Secondary]
	return mm2.SourceOptions{
		Primary: primary, Secondary: secondary, Predict: l.Mapping == "mm2", SyncsTopic: l.config.MM2.SyncsTopic, SyncsOn: l.config.MM2.SyncsOn,
		Match: match.Options{
			Primary: primary, Secondary: secondary, Index: x, Name: l.Rename, Notify: notify, Logger: l.log.Named(l.Mapping),
			InFlight: l.config.Match.BatchesInFlight, BytesPerSecond: int64(l.config.Match.MegabytesPerSecond) << 20,
		},
	}
}
