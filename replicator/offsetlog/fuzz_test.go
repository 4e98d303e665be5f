package offsetlog

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// FuzzCommit holds: no panic; every version up to 4 that decodes says what an independent decoder (kmsg) says; what does
// not decode is refused by that one, too; re-encoding what was decoded and decoding it again changes nothing.
func FuzzCommit(f *testing.F) {
	for _, v := range commitVectors {
		f.Add(unhex(f, v.hex))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := ParseCommit(b)
		if errors.Is(err, ErrVersion) {
			return
		}
		if err != nil {
			// kmsg believes a count of tags that the bytes do not bear out, and spins: it is not asked about those.
			if len(b) >= 2 && binary.BigEndian.Uint16(b) < 4 && kmsgKeepsCommit(b) {
				t.Fatalf("refused %x, which kmsg reads", b)
			}
			return
		}
		var want kmsg.OffsetCommitValue
		if err := want.ReadFrom(b); err != nil {
			t.Fatalf("read %x, which kmsg refuses: %v", b, err)
		}
		epoch := want.LeaderEpoch
		if want.Version < 3 {
			epoch = -1 // kmsg leaves 0 there
		}
		if got.Version != want.Version || got.Offset != want.Offset || got.LeaderEpoch != epoch || string(got.Metadata) != want.Metadata ||
			got.CommittedAt != want.CommitTimestamp || got.ExpiresAt != want.ExpireTimestamp || got.TopicID != want.TopicID {
			t.Fatalf("%x: got %+v, kmsg %+v", b, got, want)
		}
		again, err := ParseCommit(AppendCommit(nil, got))
		if err != nil {
			t.Fatal(err)
		}
		wantCommit(t, again, got)
	})
}

// kmsgKeepsCommit says that kmsg reads the value and writes the same bytes back.
func kmsgKeepsCommit(b []byte) bool {
	var v kmsg.OffsetCommitValue
	return v.ReadFrom(b) == nil && bytes.HasPrefix(b, v.AppendTo(nil))
}

// FuzzRoundTrip holds: what kmsg writes is what this package reads and writes.
func FuzzRoundTrip(f *testing.F) {
	f.Add(uint8(4), int64(12345), int32(7), "md", int64(1700000000000), int64(-1), topicID[:])
	f.Fuzz(func(t *testing.T, version uint8, offset int64, epoch int32, metadata string, at, expires int64, id []byte) {
		if len(metadata) > 1<<15-1 {
			return
		}
		v := kmsg.OffsetCommitValue{Version: int16(version % 5), Offset: offset, LeaderEpoch: epoch, Metadata: metadata, CommitTimestamp: at, ExpireTimestamp: expires}
		copy(v.TopicID[:], id)
		b := v.AppendTo(nil)
		got, err := ParseCommit(b)
		if err != nil {
			t.Fatal(err)
		}
		if again := AppendCommit(nil, got); !bytes.Equal(again, b) {
			t.Fatalf("kmsg wrote %x, we wrote %x", b, again)
		}
	})
}

// FuzzKey holds: no panic; keys 0–2 and 5 say what kmsg says; round trip.
func FuzzKey(f *testing.F) {
	f.Add(AppendKey(nil, CommitKey("g", "t", 3)))
	f.Add([]byte{0, 2, 0, 1, 'g'})
	f.Add([]byte{0, 5, 0, 1, 'g', 0, 1, 'm'})
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := ParseKey(b)
		if err != nil && !errors.Is(err, ErrMalformed) {
			t.Fatal(err)
		}
		switch {
		case len(b) >= 2 && binary.BigEndian.Uint16(b) <= 1:
			var want kmsg.OffsetCommitKey
			if kerr := want.ReadFrom(b); (kerr == nil) != (err == nil) {
				t.Fatalf("%x: we say %v, kmsg %v", b, err, kerr)
			}
			if err == nil && (string(got.Group) != want.Group || string(got.Topic) != want.Topic || got.Partition != want.Partition) {
				t.Fatalf("%x: got %+v, kmsg %+v", b, got, want)
			}
		case len(b) >= 2 && binary.BigEndian.Uint16(b) == 2:
			var want kmsg.GroupMetadataKey
			if kerr := want.ReadFrom(b); (kerr == nil) != (err == nil) || err == nil && string(got.Group) != want.Group {
				t.Fatalf("%x: we say %+v %v, kmsg %+v %v", b, got, err, want, kerr)
			}
		}
		if err != nil {
			return
		}
		again, err := ParseKey(AppendKey(nil, got))
		if err != nil || !bytes.Equal(again.Group, got.Group) || !bytes.Equal(again.Topic, got.Topic) || !bytes.Equal(again.Member, got.Member) || again.Kind != got.Kind {
			t.Fatalf("%+v came back as %+v, %v", got, again, err)
		}
	})
}

// FuzzGroup holds: no panic; classic group values say what kmsg says, and what is refused below v4 is refused there, too.
func FuzzGroup(f *testing.F) {
	for _, v := range groupVectors {
		f.Add(unhex(f, v.hex))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, p := range []Protocol{Consumer, Share, Streams} {
			ParseGroup(p, b)
		}
		ParseMarker(b)
		got, err := ParseGroup(Classic, b)
		if errors.Is(err, ErrVersion) {
			return
		}
		if err != nil {
			if len(b) >= 2 && binary.BigEndian.Uint16(b) < 4 && kmsgKeepsGroup(b) {
				t.Fatalf("refused %x, which kmsg reads", b)
			}
			return
		}
		var want kmsg.GroupMetadataValue
		if err := want.ReadFrom(b); err != nil {
			t.Fatalf("read %x, which kmsg refuses: %v", b, err)
		}
		if string(got.ProtocolType) != want.ProtocolType || got.Generation != want.Generation || got.Members != len(want.Members) {
			t.Fatalf("%x: got %+v, kmsg %+v", b, got, want)
		}
	})
}

// kmsgKeepsGroup: kmsg takes a negative count of members for none, which Kafka refuses; it does not write that back.
func kmsgKeepsGroup(b []byte) bool {
	var v kmsg.GroupMetadataValue
	return v.ReadFrom(b) == nil && bytes.HasPrefix(b, v.AppendTo(nil))
}

func BenchmarkDecode(b *testing.B) {
	key := AppendKey(nil, CommitKey("payments-service-7", "orders.created.v1", 3))
	value := AppendCommit(nil, CommitValue{Version: 4, Offset: 12345, LeaderEpoch: 7, CommittedAt: 1700000000000, TopicID: topicID})
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParseKey(key); err != nil {
			b.Fatal(err)
		}
		if _, err := ParseCommit(value); err != nil {
			b.Fatal(err)
		}
	}
}
