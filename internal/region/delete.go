package region

import (
	"slices"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// deleteExchange is a request that deletes offsets: tombstones are written for what was there before and is not there
// after, so that no answer has to be trusted.
type deleteExchange struct {
	r       *Region
	release func()
	before  map[string]*kfake.GroupInfo
}

func (r *Region) deleting(c *conn, groups ...string) (exchange, error) {
	release, err := r.hold(c, groups...)
	if err != nil {
		return nil, err
	}
	if len(groups) == 0 {
		groups = r.groups.names()
	}
	x := &deleteExchange{r: r, release: release, before: make(map[string]*kfake.GroupInfo)}
	for _, g := range groups {
		if info := r.cluster.GroupInfo(g); info != nil {
			x.before[g] = info
		}
	}
	return x, nil
}

func (r *Region) offsetDeleteArrived(c *conn, req *kmsg.OffsetDeleteRequest) (exchange, error) {
	return r.deleting(c, req.Group)
}

func (r *Region) deleteGroupsArrived(c *conn, req *kmsg.DeleteGroupsRequest) (exchange, error) {
	if len(req.Groups) == 0 {
		return nil, nil
	}
	return r.deleting(c, slices.Clone(req.Groups)...)
}

// deleteTopicsArrived: the offsets of a deleted topic go with it, in every group.
func (r *Region) deleteTopicsArrived(c *conn, _ *kmsg.DeleteTopicsRequest) (exchange, error) {
	return r.deleting(c)
}

func (x *deleteExchange) answered(frame []byte) []byte {
	x.settle()
	return frame
}

func (x *deleteExchange) lost() {
	if !x.r.background(func() { x.r.afterward(); x.settle() }) {
		x.release()
	}
}

func (x *deleteExchange) settle() {
	defer x.release()
	for group, before := range x.before {
		after := x.r.cluster.GroupInfo(group)
		entries := tombstones(group, before, after)
		if after == nil {
			entries = append(entries, x.r.groups.deleted(group)...)
		}
		x.r.log.append(group, entries)
	}
}

func tombstones(group string, before, after *kfake.GroupInfo) (entries []entry) {
	for topic, partitions := range before.Commits {
		for partition := range partitions {
			if after != nil {
				if _, ok := after.Commits[topic][partition]; ok {
					continue
				}
			}
			entries = append(entries, entry{key: commitKey(group, topic, partition)})
		}
	}
	return entries
}
