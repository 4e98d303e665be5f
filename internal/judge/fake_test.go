package judge

import (
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// epoch is when every synthetic history begins.
var epoch = time.UnixMilli(1_700_000_000_000)

// side writes a Log by hand. Every record goes to offsets partition 0.
type fakeLog struct {
	*Log
	next int64
}

func newFake() *fakeLog { return &fakeLog{Log: NewLog()} }

func (f *fakeLog) add(at time.Duration, key, value []byte, attrs kgo.RecordAttrs, producer int64) int64 {
	offset := f.next
	f.next++
	f.Add(&kgo.Record{Offset: offset, Timestamp: epoch.Add(at), Key: key, Value: value, Attrs: attrs, ProducerID: producer}, epoch.Add(at))
	return offset
}

var plain = kgo.NewRecordAttrs(kgo.RecordAttrsOpts{})

func commitKey(k Key) []byte {
	key := kmsg.NewOffsetCommitKey()
	key.Version, key.Group, key.Topic, key.Partition = 1, k.Group, k.Topic, k.Partition
	return key.AppendTo(nil)
}

// foreign is a commit by a client.
func (f *fakeLog) foreign(at time.Duration, k Key, offset int64, leaderEpoch int32) {
	f.add(at, commitKey(k), foreignValue(at, offset, leaderEpoch), plain, -1)
}

func foreignValue(at time.Duration, offset int64, leaderEpoch int32) []byte {
	v := kmsg.NewOffsetCommitValue()
	v.Version, v.Offset, v.LeaderEpoch, v.CommitTimestamp = 3, offset, leaderEpoch, epoch.Add(at).UnixMilli()
	return v.AppendTo(nil)
}

// commit is a commit by a client, as the primary holds them.
func (f *fakeLog) commit(at time.Duration, k Key, offset int64) { f.foreign(at, k, offset, 7) }

// stamped is a commit by leftoff.
func (f *fakeLog) stamped(at time.Duration, k Key, offset int64) { f.stampedBy(at, k, offset, 12, 3) }

func (f *fakeLog) stampedBy(at time.Duration, k Key, offset, link, writer int64) {
	v := kmsg.NewOffsetCommitValue()
	v.Version, v.Offset, v.CommitTimestamp = 1, offset, epoch.Add(at).UnixMilli()
	v.ExpireTimestamp = v.CommitTimestamp + 7_776_000_000 + (link*1000+writer)*97 + 42
	f.add(at, commitKey(k), v.AppendTo(nil), plain, -1)
}

func (f *fakeLog) tombstone(at time.Duration, k Key) { f.add(at, commitKey(k), nil, plain, -1) }

func (f *fakeLog) transactional(at time.Duration, k Key, offset, producer int64) {
	f.add(at, commitKey(k), foreignValue(at, offset, 7), kgo.NewRecordAttrs(kgo.RecordAttrsOpts{Transactional: true}), producer)
}

func (f *fakeLog) end(at time.Duration, producer int64, commit bool) {
	key := kmsg.NewControlRecordKey()
	if commit {
		key.Type = kmsg.ControlRecordKeyTypeCommit
	}
	f.add(at, key.AppendTo(nil), []byte{0, 0, 0, 0, 0, 0}, kgo.NewRecordAttrs(kgo.RecordAttrsOpts{Transactional: true, Control: true}), producer)
}

// classic is a group metadata record with n members.
func (f *fakeLog) classic(at time.Duration, name string, n int) {
	key := kmsg.NewGroupMetadataKey()
	key.Version, key.Group = 2, name
	v := kmsg.NewGroupMetadataValue()
	v.Version, v.ProtocolType = 3, "consumer"
	for range n {
		m := kmsg.NewGroupMetadataValueMember()
		m.MemberID = "m"
		v.Members = append(v.Members, m)
	}
	f.add(at, key.AppendTo(nil), v.AppendTo(nil), plain, -1)
}

// member is a KIP-848 member record; gone removes the member.
func (f *fakeLog) member(at time.Duration, name, member string, gone bool) {
	key := []byte{0, typeConsumerMember}
	for _, s := range []string{name, member} {
		key = append(key, byte(len(s)>>8), byte(len(s)))
		key = append(key, s...)
	}
	var value []byte
	if !gone {
		value = []byte{0, 0, 0}
	}
	f.add(at, key, value, plain, -1)
}

// identical is a topic of n records that stand at the same offsets on both sides, and end there.
func identical(t *testing.T, name string, n int64) *Copies {
	t.Helper()
	left, right := &side{bounds: bounds{0, n}}, &side{bounds: bounds{0, n}}
	for i := range n {
		left.records = append(left.records, record{offset: i, print: number(i)})
	}
	right.records = left.records
	return paired(t, name, left, right, Options{})
}

func paired(t *testing.T, name string, left, right *side, o Options) *Copies {
	t.Helper()
	c, err := pair(left, right, o, 0)
	if err != nil {
		t.Fatal(err)
	}
	return &Copies{Primary: name, Secondary: name, partitions: map[int32]*copies{0: c}}
}

func number(n int64) (p fingerprint) {
	for i := range 8 {
		p[i] = byte(n >> (8 * i))
	}
	return p
}
