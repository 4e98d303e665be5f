package offsetlog

import "fmt"

// GroupValue is what a Group record's value says. ProtocolType aliases the input.
type GroupValue struct {
	Version      int16
	Generation   int32  // classic: the generation; others: the group epoch
	ProtocolType []byte // classic: "consumer", "connect", …; others: nil
	Members      int    // classic: how many; others: 0, their members have records of their own
}

// MaxGroupVersion is the newest value version of a classic group that ParseGroup reads.
const MaxGroupVersion = 4

// ParseGroup decodes the value of a Group record. The error is ErrVersion or ErrMalformed.
func ParseGroup(p Protocol, b []byte) (GroupValue, error) {
	if p == Classic {
		return parseClassic(b)
	}
	r := reader{b: b}
	v := GroupValue{Version: r.int16()}
	if r.bad {
		return GroupValue{}, ErrMalformed
	}
	if v.Version != 0 {
		return GroupValue{}, fmt.Errorf("%w (group record v%d)", ErrVersion, v.Version)
	}
	// KIP-848, share and streams groups all begin with the group epoch; the rest is not needed.
	if v.Generation = r.int32(); r.bad {
		return GroupValue{}, ErrMalformed
	}
	return v, nil
}

// parseClassic reads GroupMetadataValue to its end: a count of members that the bytes do not bear out is malformed.
//
//	v0   protocolType STRING, generation i32, protocol NSTRING, leader NSTRING, members []member
//	v2   … currentStateTimestamp i64 before members
//	v4   flexible
func parseClassic(b []byte) (GroupValue, error) {
	r := reader{b: b}
	v := GroupValue{Version: r.int16()}
	if r.bad {
		return GroupValue{}, ErrMalformed
	}
	if v.Version < 0 || v.Version > MaxGroupVersion {
		return GroupValue{}, fmt.Errorf("%w (group record v%d)", ErrVersion, v.Version)
	}
	flexible := v.Version >= 4
	v.ProtocolType = r.str(flexible)
	v.Generation = r.int32()
	r.skipNullableStr(flexible)
	r.skipNullableStr(flexible)
	if v.Version >= 2 {
		r.int64()
	}
	if flexible {
		v.Members = r.compactLen()
	} else {
		v.Members = int(r.int32())
	}
	if r.bad || v.Members < 0 {
		return GroupValue{}, ErrMalformed
	}
	for i := 0; i < v.Members && !r.bad; i++ {
		r.skipMember(v.Version)
	}
	if flexible {
		r.tags(nil)
	}
	if r.bad {
		return GroupValue{}, ErrMalformed
	}
	return v, nil
}

func (r *reader) skipMember(version int16) {
	flexible := version >= 4
	r.str(flexible) // member id
	if version >= 3 {
		r.skipNullableStr(flexible) // instance id
	}
	r.str(flexible) // client id
	r.str(flexible) // client host
	if version >= 1 {
		r.int32() // rebalance timeout
	}
	r.int32()             // session timeout
	r.skipBytes(flexible) // subscription
	r.skipBytes(flexible) // assignment
	if flexible {
		r.tags(nil)
	}
}
