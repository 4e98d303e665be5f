package tail

import (
	"testing"

	"github.com/leftoff/leftoff/replicator"
	"github.com/leftoff/leftoff/replicator/kafka"
	"github.com/leftoff/leftoff/replicator/offsetlog"
)

func TestDecode(t *testing.T) {
	id := [16]byte{1, 2, 3}
	commit := offsetlog.AppendKey(nil, offsetlog.CommitKey("g", "t", 3))
	key := func(kind int16, kd offsetlog.Kind, member string) []byte {
		return offsetlog.AppendKey(nil, offsetlog.Key{Type: kind, Kind: kd, Group: []byte("g"), Member: []byte(member)})
	}
	classic := []byte("\x00\x03\x00\x08consumer\x00\x00\x00\x05\xff\xff\xff\xff\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00")
	k, g := replicator.Key{Group: "g", Topic: "t", Partition: 3}, replicator.Key{Group: "g"}
	order := replicator.Order{Epoch: 4, Offset: 50}
	for _, c := range []struct {
		name       string
		key, value []byte
		kind       replicator.ChangeKind
		commit     replicator.Commit
		group      *replicator.GroupChange
		counts     Counts
		nothing    bool
	}{
		{name: "v4", key: commit, value: offsetlog.AppendCommit(nil, offsetlog.CommitValue{Version: 4, Offset: 9, LeaderEpoch: 2, Metadata: []byte("m"), CommittedAt: 77, TopicID: id}),
			commit: replicator.Commit{Key: k, Offset: 9, LeaderEpoch: 2, Metadata: "m", CommittedAt: 77, TopicID: id, Order: order}},
		{name: "v1, stamped", key: commit, value: offsetlog.AppendCommit(nil, offsetlog.CommitValue{Version: 1, Offset: 9, CommittedAt: 77, ExpiresAt: 177}),
			commit: replicator.Commit{Key: k, Offset: 9, LeaderEpoch: -1, CommittedAt: 77, Retention: 100, Order: order}},
		{name: "tombstone", key: commit, kind: replicator.Deleted, commit: replicator.Commit{Key: k, LeaderEpoch: -1, Order: order}},
		{name: "empty value", key: commit, value: []byte{}, kind: replicator.Unreadable, commit: replicator.Commit{Key: k, LeaderEpoch: -1, Order: order}, counts: Counts{Unreadable: 1}},
		{name: "v5", key: commit, value: []byte{0, 5, 1}, kind: replicator.Unreadable, commit: replicator.Commit{Key: k, LeaderEpoch: -1, Order: order}, counts: Counts{Unreadable: 1}},
		{name: "classic group", key: key(2, offsetlog.Group, ""), value: classic, kind: replicator.GroupState, commit: replicator.Commit{Key: g, LeaderEpoch: -1, Order: order},
			group: &replicator.GroupChange{Type: replicator.ClassicGroup, ProtocolType: "consumer", Generation: 5}},
		{name: "classic group v5", key: key(2, offsetlog.Group, ""), value: []byte{0, 5}, kind: replicator.GroupState, commit: replicator.Commit{Key: g, LeaderEpoch: -1, Order: order},
			group: &replicator.GroupChange{Type: replicator.ClassicGroup, Generation: -1, Members: -1}, counts: Counts{Unreadable: 1}},
		{name: "classic group gone", key: key(2, offsetlog.Group, ""), kind: replicator.GroupGone, commit: replicator.Commit{Key: g, LeaderEpoch: -1, Order: order},
			group: &replicator.GroupChange{Type: replicator.ClassicGroup}},
		{name: "848 group", key: key(3, offsetlog.Group, ""), value: []byte{0, 0, 0, 0, 0, 8, 0}, kind: replicator.GroupState, commit: replicator.Commit{Key: g, LeaderEpoch: -1, Order: order},
			group: &replicator.GroupChange{Type: replicator.ConsumerGroup, Generation: 8}},
		{name: "848 member", key: key(5, offsetlog.Member, "m1"), value: []byte{0, 0}, kind: replicator.MemberSeen, commit: replicator.Commit{Key: g, LeaderEpoch: -1, Order: order},
			group: &replicator.GroupChange{Type: replicator.ConsumerGroup, Member: "m1"}},
		{name: "share member left", key: key(10, offsetlog.Member, "m1"), kind: replicator.MemberGone, commit: replicator.Commit{Key: g, LeaderEpoch: -1, Order: order},
			group: &replicator.GroupChange{Type: replicator.ShareGroup, Member: "m1"}},
		{name: "streams group", key: key(17, offsetlog.Group, ""), value: []byte{0, 0, 0, 0, 0, 8, 0}, kind: replicator.GroupState, commit: replicator.Commit{Key: g, LeaderEpoch: -1, Order: order},
			group: &replicator.GroupChange{Type: replicator.StreamsGroup, Generation: 8}},
		{name: "assignment", key: key(7, offsetlog.Known, ""), value: []byte{0, 0}, nothing: true},
		{name: "the future", key: key(99, offsetlog.Unknown, ""), value: []byte{0, 0}, nothing: true, counts: Counts{UnknownTypes: 1}},
		{name: "a short key", key: []byte{0, 1, 0}, value: []byte{0, 0}, nothing: true, counts: Counts{Malformed: 1}},
		{name: "no key", nothing: true, counts: Counts{Malformed: 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []replicator.Change
			d := decoder{names: newNames(nil), emit: func(c replicator.Change) { got = append(got, c) }}
			d.batch(&kafka.Batch{LeaderEpoch: 4, ProducerID: -1, Records: []kafka.Record{{Offset: 50, Key: c.key, Value: c.value}}}, pending{})
			c.counts.Records = 1
			if d.counts != c.counts {
				t.Errorf("counts %+v, want %+v", d.counts, c.counts)
			}
			if c.nothing {
				if len(got) != 0 {
					t.Errorf("got %+v", got)
				}
				return
			}
			if len(got) != 1 || got[0].Kind != c.kind || got[0].Commit != c.commit {
				t.Fatalf("got %+v\nwant %v %+v", got, c.kind, c.commit)
			}
			if (got[0].Group == nil) != (c.group == nil) || c.group != nil && *got[0].Group != *c.group {
				t.Errorf("group %+v, want %+v", got[0].Group, c.group)
			}
		})
	}
}

func TestFilteredGroupsAreNotHandedOn(t *testing.T) {
	asked, n := 0, 0
	d := decoder{names: newNames(func(g string) bool { asked++; return g == "yes" }), emit: func(replicator.Change) { n++ }}
	for range 3 {
		for _, g := range []string{"yes", "no"} {
			d.batch(&kafka.Batch{ProducerID: -1, Records: []kafka.Record{commitRecord(0, replicator.Key{Group: g, Topic: "t"}, 1)}}, pending{})
		}
	}
	if n != 3 || asked != 2 {
		t.Errorf("%d changes, asked %d times", n, asked)
	}
}

func BenchmarkDecode(b *testing.B) {
	const records = 1000
	batch := kafka.Batch{ProducerID: -1}
	groups := []string{"payments", "billing", "fraud", "audit"}
	for i := range records {
		batch.Records = append(batch.Records, commitRecord(int64(i), replicator.Key{Group: groups[i/16%4], Topic: "orders.created", Partition: int32(i % 16)}, int64(i)))
	}
	t := &Tail{}
	t.decoder = decoder{names: newNames(nil), emit: t.emit}
	open := pending{}
	b.ReportAllocs()
	for b.Loop() {
		t.changes = make([]replicator.Change, 0, 4*records)
		for range 4 {
			t.decoder.batch(&batch, open)
		}
		t.changes = nil
	}
	b.ReportMetric(float64(4*records*b.N)/b.Elapsed().Seconds(), "records/s")
}
