package offsetlog

import "fmt"

// CommitValue is the value of an offset commit. Metadata aliases the input.
type CommitValue struct {
	Version     int16
	LeaderEpoch int32 // −1 below v3
	Offset      int64
	Metadata    []byte
	CommittedAt int64 // ms since the epoch
	// ExpiresAt is set by v1 only, which the broker writes when the OffsetCommit (v2–v4) carried a retention time;
	// HasExpiry tells. It may hold −1, which is no expiry.
	ExpiresAt int64
	HasExpiry bool
	// TopicID is zero where the broker stored none: below v4, and in v4 for commits by name to Kafka 4.1 and 4.2.
	TopicID [16]byte
}

// Retention is ExpiresAt − CommittedAt, 0 where the commit has no expiry of its own.
func (v *CommitValue) Retention() int64 {
	if !v.HasExpiry || v.ExpiresAt < 0 {
		return 0
	}
	return v.ExpiresAt - v.CommittedAt
}

// MaxCommitVersion is the newest value version of an offset commit that ParseCommit reads.
const MaxCommitVersion = 4

// ParseCommit decodes the value of an offset commit. The error is ErrVersion or ErrMalformed.
//
//	v0, v2  offset i64, metadata STRING, commitTimestamp i64
//	v1      … expireTimestamp i64
//	v3      offset i64, leaderEpoch i32, metadata STRING, commitTimestamp i64
//	v4      offset i64, leaderEpoch i32, metadata COMPACT_STRING, commitTimestamp i64, tags {0: topicId}
func ParseCommit(b []byte) (CommitValue, error) {
	r := reader{b: b}
	v := CommitValue{Version: r.int16(), LeaderEpoch: -1}
	if r.bad {
		return CommitValue{}, ErrMalformed
	}
	if v.Version < 0 || v.Version > MaxCommitVersion {
		return CommitValue{}, fmt.Errorf("%w (offset commit v%d)", ErrVersion, v.Version)
	}
	v.Offset = r.int64()
	if v.Version >= 3 {
		v.LeaderEpoch = r.int32()
	}
	v.Metadata = r.str(v.Version >= 4)
	v.CommittedAt = r.int64()
	switch v.Version {
	case 1:
		v.ExpiresAt, v.HasExpiry = r.int64(), true
	case 4:
		r.topicID(&v.TopicID)
	}
	if r.bad {
		return CommitValue{}, ErrMalformed
	}
	return v, nil
}

// topicID reads the tags of a v4 value: tag 0 is the topic id, the others are skipped.
func (r *reader) topicID(id *[16]byte) {
	for n := r.uvarint(); n > 0 && !r.bad; n-- {
		tag := r.uvarint()
		field := r.span(int(r.uvarint()))
		if tag != 0 || r.bad {
			continue
		}
		if len(field) < len(id) {
			r.bad = true
			return
		}
		copy(id[:], field)
	}
}
