package offsetlog

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

var topicID = [16]byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}

// commitVectors were put together by hand from the schemas of Kafka 4.x (OffsetCommitValue.json), not by an encoder.
var commitVectors = []struct {
	name, hex string
	want      CommitValue
	canonical bool // the encoder writes these bytes
}{
	{"v0", "0000 0000000000003039 0002 6d64 0000018bcfe56800",
		CommitValue{Version: 0, LeaderEpoch: -1, Offset: 12345, Metadata: []byte("md"), CommittedAt: 1700000000000}, true},
	{"v1 expiry", "0001 0000000000003039 0002 6d64 0000018bcfe56800 0000018bcfe567ff",
		CommitValue{Version: 1, LeaderEpoch: -1, Offset: 12345, Metadata: []byte("md"), CommittedAt: 1700000000000, ExpiresAt: 1699999999999, HasExpiry: true}, true},
	{"v1 no expiry", "0001 0000000000000000 0000 0000018bcfe56800 ffffffffffffffff",
		CommitValue{Version: 1, LeaderEpoch: -1, Metadata: []byte{}, CommittedAt: 1700000000000, ExpiresAt: -1, HasExpiry: true}, true},
	{"v2", "0002 0000000000003039 0000 0000018bcfe56800",
		CommitValue{Version: 2, LeaderEpoch: -1, Offset: 12345, Metadata: []byte{}, CommittedAt: 1700000000000}, true},
	{"v3", "0003 0000000000003039 00000007 0002 6d64 0000018bcfe56800",
		CommitValue{Version: 3, LeaderEpoch: 7, Offset: 12345, Metadata: []byte("md"), CommittedAt: 1700000000000}, true},
	{"v3 epoch 0", "0003 0000000000000000 00000000 0000 0000018bcfe56800",
		CommitValue{Version: 3, LeaderEpoch: 0, Metadata: []byte{}, CommittedAt: 1700000000000}, true},
	{"v4 topic id", "0004 0000000000003039 00000007 036d64 0000018bcfe56800 01 00 10 0102030405060708090a0b0c0d0e0f10",
		CommitValue{Version: 4, LeaderEpoch: 7, Offset: 12345, Metadata: []byte("md"), CommittedAt: 1700000000000, TopicID: topicID}, true},
	{"v4 no tags", "0004 0000000000003039 ffffffff 01 0000018bcfe56800 00",
		CommitValue{Version: 4, LeaderEpoch: -1, Offset: 12345, Metadata: []byte{}, CommittedAt: 1700000000000}, true},
	{"v4 unknown tags around", "0004 0000000000003039 00000007 01 0000018bcfe56800 03 00 10 0102030405060708090a0b0c0d0e0f10 05 03 aabbcc 8001 00",
		CommitValue{Version: 4, LeaderEpoch: 7, Offset: 12345, Metadata: []byte{}, CommittedAt: 1700000000000, TopicID: topicID}, false},
	{"v3 trailing bytes", "0003 0000000000003039 00000007 0002 6d64 0000018bcfe56800 beef",
		CommitValue{Version: 3, LeaderEpoch: 7, Offset: 12345, Metadata: []byte("md"), CommittedAt: 1700000000000}, false},
}

func TestCommitVectors(t *testing.T) {
	for _, v := range commitVectors {
		t.Run(v.name, func(t *testing.T) {
			in := unhex(t, v.hex)
			got, err := ParseCommit(in)
			if err != nil {
				t.Fatal(err)
			}
			wantCommit(t, got, v.want)
			if out := AppendCommit(nil, v.want); v.canonical && !bytes.Equal(out, in) {
				t.Errorf("encoded %x, want %x", out, in)
			}
		})
	}
}

func wantCommit(t *testing.T, got, want CommitValue) {
	t.Helper()
	if !bytes.Equal(got.Metadata, want.Metadata) {
		t.Errorf("metadata %q, want %q", got.Metadata, want.Metadata)
	}
	got.Metadata, want.Metadata = nil, nil
	if got.Version != want.Version || got.Offset != want.Offset || got.LeaderEpoch != want.LeaderEpoch || got.CommittedAt != want.CommittedAt ||
		got.ExpiresAt != want.ExpiresAt || got.HasExpiry != want.HasExpiry || got.TopicID != want.TopicID {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
}

func TestRetention(t *testing.T) {
	for _, c := range []struct {
		v    CommitValue
		want int64
	}{
		{CommitValue{CommittedAt: 5, ExpiresAt: 12, HasExpiry: true}, 7},
		{CommitValue{CommittedAt: 5, ExpiresAt: -1, HasExpiry: true}, 0},
		{CommitValue{CommittedAt: 5}, 0},
	} {
		if got := c.v.Retention(); got != c.want {
			t.Errorf("%+v: %d, want %d", c.v, got, c.want)
		}
	}
}

func TestKeyVectors(t *testing.T) {
	for _, v := range []struct {
		name, hex string
		want      Key
	}{
		{"legacy commit", "0000 0001 67 0001 74 00000003", Key{Type: 0, Kind: Commit, Group: []byte("g"), Topic: []byte("t"), Partition: 3}},
		{"commit", "0001 0001 67 0001 74 00000003", Key{Type: 1, Kind: Commit, Group: []byte("g"), Topic: []byte("t"), Partition: 3}},
		{"commit, empty group", "0001 0000 0001 74 00000000", Key{Type: 1, Kind: Commit, Topic: []byte("t")}},
		{"commit, trailing", "0001 0001 67 0001 74 00000003 ff", Key{Type: 1, Kind: Commit, Group: []byte("g"), Topic: []byte("t"), Partition: 3}},
		{"classic group", "0002 0001 67", Key{Type: 2, Kind: Group, Protocol: Classic, Group: []byte("g")}},
		{"848 group", "0003 0001 67", Key{Type: 3, Kind: Group, Protocol: Consumer, Group: []byte("g")}},
		{"848 member", "0005 0001 67 0002 6d31", Key{Type: 5, Kind: Member, Protocol: Consumer, Group: []byte("g"), Member: []byte("m1")}},
		{"848 assignment", "0008 0001 67 0002 6d31", Key{Type: 8, Kind: Known, Protocol: Consumer}},
		{"share member", "000a 0001 67 0002 6d31", Key{Type: 10, Kind: Member, Protocol: Share, Group: []byte("g"), Member: []byte("m1")}},
		{"share group", "000b 0001 67", Key{Type: 11, Kind: Group, Protocol: Share, Group: []byte("g")}},
		{"streams group", "0011 0001 67", Key{Type: 17, Kind: Group, Protocol: Streams, Group: []byte("g")}},
		{"streams member", "0013 0001 67 0002 6d31", Key{Type: 19, Kind: Member, Protocol: Streams, Group: []byte("g"), Member: []byte("m1")}},
		{"a hole in the numbering", "0012 0001 67", Key{Type: 18}},
		{"the future", "0018", Key{Type: 24}},
		{"negative", "ffff", Key{Type: -1}},
	} {
		t.Run(v.name, func(t *testing.T) {
			got, err := ParseKey(unhex(t, v.hex))
			if err != nil {
				t.Fatal(err)
			}
			if got.Type != v.want.Type || got.Kind != v.want.Kind || got.Protocol != v.want.Protocol || got.Partition != v.want.Partition ||
				!bytes.Equal(got.Group, v.want.Group) || !bytes.Equal(got.Topic, v.want.Topic) || !bytes.Equal(got.Member, v.want.Member) {
				t.Errorf("got %+v\nwant %+v", got, v.want)
			}
		})
	}
}

// groupVectors were put together by hand from GroupMetadataValue.json.
var groupVectors = []struct {
	name, hex string
	want      GroupValue
}{
	{"v0, no members", "0000 0008 636f6e73756d6572 00000005 ffff ffff 00000000", GroupValue{Version: 0, Generation: 5, ProtocolType: []byte("consumer")}},
	{"v1, one member", "0001 0008 636f6e73756d6572 00000005 0001 70 0001 6d 00000001" + "0001 6d 0001 63 0001 68 00000001 00000002 00000000 00000001 ff",
		GroupValue{Version: 1, Generation: 5, ProtocolType: []byte("consumer"), Members: 1}},
	{"v2", "0002 0007 636f6e6e656374 00000005 ffff ffff ffffffffffffffff 00000000", GroupValue{Version: 2, Generation: 5, ProtocolType: []byte("connect")}},
	{"v3, two members", "0003 0008 636f6e73756d6572 00000005 0001 70 0001 6d 0000018bcfe56800 00000002" +
		"0001 6d ffff 0001 63 0001 68 00000001 00000002 00000000 00000000" + "0001 6e 0001 69 0001 63 0001 68 00000001 00000002 00000000 00000000",
		GroupValue{Version: 3, Generation: 5, ProtocolType: []byte("consumer"), Members: 2}},
	{"v4, one member", "0004 09 636f6e73756d6572 00000005 02 70 02 6d 0000018bcfe56800 02" +
		"02 6d 00 02 63 02 68 00000001 00000002 01 01 00" + "00", GroupValue{Version: 4, Generation: 5, ProtocolType: []byte("consumer"), Members: 1}},
}

func TestClassicGroupVectors(t *testing.T) {
	for _, v := range groupVectors {
		t.Run(v.name, func(t *testing.T) {
			got, err := ParseGroup(Classic, unhex(t, v.hex))
			if err != nil {
				t.Fatal(err)
			}
			if got.Version != v.want.Version || got.Generation != v.want.Generation || got.Members != v.want.Members || !bytes.Equal(got.ProtocolType, v.want.ProtocolType) {
				t.Errorf("got %+v\nwant %+v", got, v.want)
			}
		})
	}
}

func TestEpochGroups(t *testing.T) {
	for _, p := range []Protocol{Consumer, Share, Streams} {
		got, err := ParseGroup(p, unhex(t, "0000 00000009 01 00 08 0000000000000001"))
		if err != nil || got.Generation != 9 || got.Members != 0 {
			t.Errorf("protocol %d: %+v, %v", p, got, err)
		}
		if _, err := ParseGroup(p, unhex(t, "0001 00000009")); !errors.Is(err, ErrVersion) {
			t.Errorf("protocol %d v1: %v", p, err)
		}
	}
}

func TestMarkers(t *testing.T) {
	for _, c := range []struct {
		hex        string
		commit, ok bool
	}{{"0000 0000", false, true}, {"0000 0001", true, true}, {"0000 0002", false, false}, {"0001 0001 ff", true, true}} {
		commit, ok, err := ParseMarker(unhex(t, c.hex))
		if commit != c.commit || ok != c.ok || err != nil {
			t.Errorf("%s: %v %v %v", c.hex, commit, ok, err)
		}
	}
	for _, bad := range []string{"", "00", "0000 00", "ffff 0001"} {
		if _, _, err := ParseMarker(unhex(t, bad)); !errors.Is(err, ErrMalformed) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	for _, commit := range []bool{true, false} {
		if got, ok, err := ParseMarker(AppendMarker(nil, commit)); got != commit || !ok || err != nil {
			t.Errorf("round trip of %v: %v %v %v", commit, got, ok, err)
		}
	}
}

func TestUnknownVersionsAreNotGuessed(t *testing.T) {
	for _, version := range []string{"0005", "7fff", "ffff"} {
		if _, err := ParseCommit(unhex(t, version+"0000000000003039 00000007 036d64 0000018bcfe56800 00")); !errors.Is(err, ErrVersion) {
			t.Errorf("commit v%s: %v", version, err)
		}
		if _, err := ParseGroup(Classic, unhex(t, version+"0000")); !errors.Is(err, ErrVersion) {
			t.Errorf("group v%s: %v", version, err)
		}
	}
}

// Every prefix of a value is an error: no field is optional, and nothing is read past the end.
func TestPrefixesAreMalformed(t *testing.T) {
	for _, v := range commitVectors {
		if !v.canonical {
			continue
		}
		b := unhex(t, v.hex)
		for n := range b {
			if _, err := ParseCommit(b[:n:n]); !errors.Is(err, ErrMalformed) {
				t.Errorf("%s cut at %d: %v", v.name, n, err)
			}
		}
	}
	for _, v := range groupVectors {
		b := unhex(t, v.hex)
		for n := range b {
			if _, err := ParseGroup(Classic, b[:n:n]); !errors.Is(err, ErrMalformed) {
				t.Errorf("group %s cut at %d: %v", v.name, n, err)
			}
		}
	}
	key := AppendKey(nil, CommitKey("group", "topic", 7))
	for n := range key {
		if _, err := ParseKey(key[:n:n]); !errors.Is(err, ErrMalformed) {
			t.Errorf("key cut at %d: %v", n, err)
		}
	}
}

func TestHostileLengths(t *testing.T) {
	for _, h := range []string{
		"0003 0000000000003039 00000007 7fff 6d64 0000018bcfe56800",                      // metadata longer than the record
		"0003 0000000000003039 00000007 ffff 0000018bcfe56800",                           // null metadata
		"0004 0000000000003039 00000007 00 0000018bcfe56800 00",                          // null metadata, compact
		"0004 0000000000003039 00000007 ffffffff0f 0000018bcfe56800 00",                  // 4 GiB of metadata
		"0004 0000000000003039 00000007 ffffffffffffffff7f 0000018bcfe56800",             // a varint that does not end
		"0004 0000000000003039 00000007 ffffffff7f 0000018bcfe56800 00",                  // a varint past 32 bits
		"0004 0000000000003039 00000007 01 0000018bcfe56800 ffffffff0f",                  // four billion tags
		"0004 0000000000003039 00000007 01 0000018bcfe56800 01 00 04 01020304",           // a short topic id
		"0004 0000000000003039 00000007 01 0000018bcfe56800 01 07 ffffffff0f 0102030405", // a tag longer than the record
	} {
		if _, err := ParseCommit(unhex(t, h)); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v", h, err)
		}
	}
	for _, h := range []string{
		"0003 0001 63 00000005 ffff ffff 0000018bcfe56800 7fffffff", // two billion members
		"0003 0001 63 00000005 ffff ffff 0000018bcfe56800 ffffffff",
		"0004 02 63 00000005 00 00 0000018bcfe56800 ffffffff0f",
		"0004 02 63 00000005 00 00 0000018bcfe56800 01 ffffffff0f", // tags
		"0003 0001 63 00000005 fffe ffff 0000018bcfe56800 00000000",
	} {
		if _, err := ParseGroup(Classic, unhex(t, h)); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v", h, err)
		}
	}
}

func TestDecodingDoesNotAllocate(t *testing.T) {
	key := AppendKey(nil, CommitKey("payments", "orders", 3))
	value := unhex(t, commitVectors[6].hex)
	if n := testing.AllocsPerRun(100, func() {
		if _, err := ParseKey(key); err != nil {
			t.Fatal(err)
		}
		if _, err := ParseCommit(value); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations for a key and its value", n)
	}
}
