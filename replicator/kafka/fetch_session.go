package kafka

import "github.com/IBM/sarama"

// session is a lane's fetch session (KIP-227): the broker remembers which partitions are fetched and where, so that a request
// names only those whose position changed, and a response only those with news. sarama can't take a partition out of a session:
// when one goes, a new session begins.
type session struct {
	id    int32 // 0: none
	epoch int32 // of the next request
	at    map[TopicPartition]place
}

// place is what the broker was told of a partition, on behalf of which assignment of it: a new assignment wants to hear
// everything anew.
type place struct {
	part     *part
	position int64
	maxBytes int32
}

// Answers to a session that the broker no longer has.
const (
	sessionNotFound     = 70
	invalidSessionEpoch = 71
)

// begin writes the session into a request and returns the partitions to name in it.
func (s *session) begin(q *sarama.FetchRequest, taken map[TopicPartition]*part) map[TopicPartition]*part {
	q.SessionID, q.SessionEpoch = s.id, s.epoch
	if s.id == 0 || !s.within(taken) {
		q.SessionEpoch, s.epoch = 0, 0 // a new one, which ends the old
		s.at = make(map[TopicPartition]place, len(taken))
	}
	named := make(map[TopicPartition]*part)
	for tp, p := range taken {
		now := place{p, p.position, p.maxBytes}
		if was, ok := s.at[tp]; !ok || was != now {
			named[tp], s.at[tp] = p, now
		}
	}
	return named
}

// within says whether all partitions of the session are still fetched.
func (s *session) within(taken map[TopicPartition]*part) bool {
	for tp, at := range s.at {
		if taken[tp] != at.part {
			return false
		}
	}
	return true
}

// answered takes an answer's word on the session. It returns false when the broker only said that it does not know the session.
func (s *session) answered(r *sarama.FetchResponse, err error) bool {
	if err == nil && r.ErrorCode == 0 && r.SessionID != 0 {
		s.id = r.SessionID
		s.epoch = max(1, s.epoch+1) // wraps to 1
		return true
	}
	*s = session{}
	return err != nil || r.ErrorCode != sessionNotFound && r.ErrorCode != invalidSessionEpoch
}
