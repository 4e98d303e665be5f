package tail

import (
	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/replicator/kafka"
	"github.com/leftoff/leftoff/replicator/offsetlog"
)

// decoder turns the batches of offsets partitions into changes. It belongs to one goroutine.
type decoder struct {
	names  *names
	emit   func(replicator.Change)
	counts Counts
}

// Counts are totals since the tail started.
type Counts struct {
	Records      int64 // all records read, markers included
	UnknownTypes int64 // records of a type nobody told us about
	Unreadable   int64 // values of an unknown version, or malformed, under a readable key
	Malformed    int64 // records whose key could not be read
	Restarts     int64 // partitions read again from their log start
}

var groupTypes = [...]replicator.GroupType{
	offsetlog.None:     replicator.SimpleGroup,
	offsetlog.Classic:  replicator.ClassicGroup,
	offsetlog.Consumer: replicator.ConsumerGroup,
	offsetlog.Share:    replicator.ShareGroup,
	offsetlog.Streams:  replicator.StreamsGroup,
}

func (d *decoder) batch(b *kafka.Batch, open pending) {
	d.counts.Records += int64(len(b.Records))
	if b.Control {
		for i := range b.Records {
			d.marker(b.ProducerID, &b.Records[i], open)
		}
		return
	}
	for i := range b.Records {
		d.record(b, &b.Records[i], open)
	}
}

func (d *decoder) marker(producer int64, r *kafka.Record, open pending) {
	commit, ok, err := offsetlog.ParseMarker(r.Key)
	if err != nil {
		d.counts.Malformed++
		return
	}
	if !ok {
		return
	}
	for _, c := range open.end(producer, commit) {
		d.emit(c)
	}
}

func (d *decoder) record(b *kafka.Batch, r *kafka.Record, open pending) {
	key, err := offsetlog.ParseKey(r.Key)
	if err != nil {
		d.counts.Malformed++
		return
	}
	switch key.Kind {
	case offsetlog.Unknown:
		d.counts.UnknownTypes++
		return
	case offsetlog.Known:
		return
	}
	g := d.names.group(key.Group)
	if !g.wanted {
		return
	}
	order := replicator.Order{Epoch: b.LeaderEpoch, Offset: r.Offset}
	switch key.Kind {
	case offsetlog.Commit:
		d.commit(b, r, &key, g.name, order, open)
	case offsetlog.Group:
		d.group(r, &key, g.name, order)
	case offsetlog.Member:
		d.member(r, &key, g.name, order)
	}
}

func (d *decoder) commit(b *kafka.Batch, r *kafka.Record, key *offsetlog.Key, group string, order replicator.Order, open pending) {
	c := replicator.Change{Kind: replicator.Committed, Commit: replicator.Commit{
		Key: replicator.Key{Group: group, Topic: d.names.topic(key.Topic), Partition: key.Partition}, LeaderEpoch: -1, Order: order,
	}}
	if r.Value == nil {
		c.Kind = replicator.Deleted
		open.drop(c.Commit.Key)
		d.emit(c)
		return
	}
	v, err := offsetlog.ParseCommit(r.Value)
	if err != nil {
		c.Kind = replicator.Unreadable
		d.counts.Unreadable++
	} else {
		c.Commit.Offset, c.Commit.LeaderEpoch, c.Commit.Metadata = v.Offset, v.LeaderEpoch, d.names.metadata(v.Metadata)
		c.Commit.TopicID, c.Commit.CommittedAt, c.Commit.Retention = v.TopicID, v.CommittedAt, v.Retention()
	}
	if b.Transactional && b.ProducerID >= 0 {
		c.Commit.Transactional = true
		open.add(b.ProducerID, c)
		return
	}
	d.emit(c)
}

// group hands on the record of a group. A classic one whose value is of an unknown version has an unknown number of
// members: −1, which says "a group record is there" and not "nobody is".
func (d *decoder) group(r *kafka.Record, key *offsetlog.Key, group string, order replicator.Order) {
	c := groupChange(replicator.GroupState, group, order, r.Timestamp)
	c.Group = &replicator.GroupChange{Type: groupTypes[key.Protocol]}
	if r.Value == nil {
		c.Kind = replicator.GroupGone
		d.emit(c)
		return
	}
	v, err := offsetlog.ParseGroup(key.Protocol, r.Value)
	if err != nil {
		d.counts.Unreadable++
		v = offsetlog.GroupValue{Generation: -1}
		if key.Protocol == offsetlog.Classic {
			v.Members = -1
		}
	}
	c.Group.Generation, c.Group.Members, c.Group.ProtocolType = v.Generation, v.Members, d.names.metadata(v.ProtocolType)
	d.emit(c)
}

// member hands on that a member is there or left; nothing in its value is needed for that.
func (d *decoder) member(r *kafka.Record, key *offsetlog.Key, group string, order replicator.Order) {
	c := groupChange(replicator.MemberSeen, group, order, r.Timestamp)
	if r.Value == nil {
		c.Kind = replicator.MemberGone
	}
	c.Group = &replicator.GroupChange{Type: groupTypes[key.Protocol], Member: string(key.Member)}
	d.emit(c)
}

func groupChange(kind replicator.ChangeKind, group string, order replicator.Order, at int64) replicator.Change {
	return replicator.Change{Kind: kind, Commit: replicator.Commit{Key: replicator.Key{Group: group}, LeaderEpoch: -1, Order: order, CommittedAt: at}}
}
