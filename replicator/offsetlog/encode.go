package offsetlog

import "encoding/binary"

// The encoders write what Kafka writes. The product never produces to `__consumer_offsets`: they are there for tests,
// benchmarks and the embedded region.

// AppendKey appends the key k to dst. Kinds without a layout of their own are written as their type alone.
func AppendKey(dst []byte, k Key) []byte {
	dst = binary.BigEndian.AppendUint16(dst, uint16(k.Type))
	switch k.Kind {
	case Commit:
		dst = appendString(dst, k.Group, false)
		dst = appendString(dst, k.Topic, false)
		dst = binary.BigEndian.AppendUint32(dst, uint32(k.Partition))
	case Group:
		dst = appendString(dst, k.Group, false)
	case Member:
		dst = appendString(dst, k.Group, false)
		dst = appendString(dst, k.Member, false)
	}
	return dst
}

// CommitKey is the key of an offset commit as every broker since 0.9 writes it.
func CommitKey(group, topic string, partition int32) Key {
	return Key{Type: 1, Kind: Commit, Group: []byte(group), Topic: []byte(topic), Partition: partition}
}

// AppendCommit appends the value v in its Version; fields which that version has no room for are left out.
func AppendCommit(dst []byte, v CommitValue) []byte {
	be := binary.BigEndian
	dst = be.AppendUint16(dst, uint16(v.Version))
	dst = be.AppendUint64(dst, uint64(v.Offset))
	if v.Version >= 3 {
		dst = be.AppendUint32(dst, uint32(v.LeaderEpoch))
	}
	dst = appendString(dst, v.Metadata, v.Version >= 4)
	dst = be.AppendUint64(dst, uint64(v.CommittedAt))
	if v.Version == 1 {
		dst = be.AppendUint64(dst, uint64(v.ExpiresAt))
	}
	if v.Version < 4 {
		return dst
	}
	if v.TopicID == [16]byte{} {
		return append(dst, 0)
	}
	dst = append(dst, 1, 0, byte(len(v.TopicID)))
	return append(dst, v.TopicID[:]...)
}

// AppendMarker appends the key of an end-of-transaction marker.
func AppendMarker(dst []byte, commit bool) []byte {
	if commit {
		return append(dst, 0, 0, 0, 1)
	}
	return append(dst, 0, 0, 0, 0)
}

func appendString(dst, s []byte, flexible bool) []byte {
	if flexible {
		dst = binary.AppendUvarint(dst, uint64(len(s))+1)
	} else {
		dst = binary.BigEndian.AppendUint16(dst, uint16(len(s)))
	}
	return append(dst, s...)
}
