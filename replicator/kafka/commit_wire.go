package kafka

import (
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/IBM/sarama"
)

// OffsetCommit by hand, versions 2 to 8 (OffsetCommitRequest.json), because sarama has no way to have two of them on a connection:
// Broker.CommitOffset holds the broker's lock until the answer is there, AsyncProduce is for Produce alone, and what encodes and
// decodes its requests is not exported. What a pipe is for (see there) needs both. Its tests hold this against kmsg, both ways.
const (
	offsetCommitKey     = 8
	oldestOffsetCommit  = 2
	stampVersion        = 4 // the last with a retention time
	plainVersion        = 8
	flexibleSince       = 8
	throttleSince       = 3
	leaderEpochSince    = 6
	groupInstanceSince  = 7
	undefinedGeneration = -1
)

// span is the versions of a request that a broker takes.
type span struct{ min, max int16 }

// stamps says that the broker stores a retention time as it was sent.
func (s span) stamps() bool { return s.min <= stampVersion && stampVersion <= s.max }

// commitRequest is what one OffsetCommit says: offsets by their place in all.
type commitRequest struct {
	group     string
	retention time.Duration // 0 sends none
	all       []CommitOffset
	part      []int        // sorted by topic
	bare      map[int]bool // without metadata
}

// version picks the version: the stamp's where there is one to send and the broker takes it, else the newest that both know.
func (q *commitRequest) version(s span) (int16, error) {
	if q.retention > 0 && s.stamps() {
		return stampVersion, nil
	}
	v := min(plainVersion, s.max)
	if v < max(oldestOffsetCommit, s.min) {
		return 0, sarama.ErrUnsupportedVersion
	}
	return v, nil
}

// byTopicName sorts a part so that each topic is named once.
func byTopicName(all []CommitOffset, part []int) []int {
	less := func(a, b int) int { return strings.Compare(all[a].Topic, all[b].Topic) }
	if slices.IsSortedFunc(part, less) {
		return part
	}
	part = slices.Clone(part)
	slices.SortStableFunc(part, less)
	return part
}

// encode makes the frame, with its length, but a correlation id of 0: see correlate.
func (q *commitRequest) encode(version int16, client string) ([]byte, error) {
	w := frame{b: make([]byte, 4, q.size()+len(client)), flexible: version >= flexibleSince}
	w.int16(offsetCommitKey)
	w.int16(version)
	w.int32(0)
	w.string16(client)
	w.tags()
	w.string(q.group)
	w.int32(undefinedGeneration)
	w.string("") // member
	if version >= groupInstanceSince {
		w.null()
	}
	if version <= stampVersion {
		w.int64(q.sentRetention(version))
	}
	w.array(q.topics())
	for i := 0; i < len(q.part); {
		i = q.topic(&w, i, version)
	}
	w.tags()
	binary.BigEndian.PutUint32(w.b, uint32(len(w.b)-4))
	return w.b, w.err
}

func (q *commitRequest) sentRetention(version int16) int64 {
	if version == stampVersion && q.retention > 0 {
		return q.retention.Milliseconds()
	}
	return -1
}

// topic writes the offsets of one topic, from the i-th on, and returns where the next one begins.
func (q *commitRequest) topic(w *frame, i int, version int16) (next int) {
	name, end := q.all[q.part[i]].Topic, i
	for end < len(q.part) && q.all[q.part[end]].Topic == name {
		end++
	}
	w.string(name)
	w.array(end - i)
	for ; i < end; i++ {
		o := &q.all[q.part[i]]
		w.int32(o.Partition)
		w.int64(o.Offset)
		if version >= leaderEpochSince {
			w.int32(-1) // an epoch of the primary means nothing here
		}
		if q.bare[q.part[i]] {
			w.string("")
		} else {
			w.string(o.Metadata)
		}
		w.tags()
	}
	w.tags()
	return end
}

func (q *commitRequest) topics() (n int) {
	for i := range q.part {
		if i == 0 || q.all[q.part[i]].Topic != q.all[q.part[i-1]].Topic {
			n++
		}
	}
	return n
}

// size is about that of the frame.
func (q *commitRequest) size() int {
	n := 64 + len(q.group)
	for _, i := range q.part {
		n += 24 + len(q.all[i].Metadata)
	}
	return n + q.topics()*64
}

// correlate puts the correlation id into a frame.
func correlate(frame []byte, id int32) { binary.BigEndian.PutUint32(frame[8:], uint32(id)) }

// answeredCode is the code for one offset; known is false where the answer does not mention it.
type answeredCode struct {
	code  sarama.KError
	known bool
}

var errOddAnswer = errors.New("an answer to OffsetCommit that is too short, or too long")

// decode reads an answer, after its correlation id. codes are in the order of q.part. Brokers name first what they refuse, so
// that the order of an answer is its own.
func (q *commitRequest) decode(version int16, body []byte) ([]answeredCode, error) {
	r := frameReader{b: body, flexible: version >= flexibleSince}
	r.throttle(version)
	codes := make([]answeredCode, len(q.part))
	next := 0
	for range r.array() {
		topic := r.string()
		for range r.array() {
			partition, code := r.int32(), sarama.KError(r.int16())
			r.tags()
			if r.short {
				return nil, errOddAnswer
			}
			next = q.place(codes, next, topic, partition, answeredCode{code, true})
		}
		r.tags()
	}
	if r.tags(); r.short || len(r.b) > 0 {
		return nil, errOddAnswer
	}
	return codes, nil
}

// throttle reads the beginning of an answer: for how long the broker wants to be left alone. It does not listen meanwhile.
func (r *frameReader) throttle(version int16) time.Duration {
	r.tags()
	if version < throttleSince {
		return 0
	}
	return time.Duration(r.int32()) * time.Millisecond
}

// place files a code: mostly it belongs to the offset that is next.
func (q *commitRequest) place(codes []answeredCode, next int, topic []byte, partition int32, c answeredCode) int {
	is := func(i int) bool { o := &q.all[q.part[i]]; return o.Partition == partition && o.Topic == string(topic) }
	if next < len(codes) && is(next) {
		codes[next] = c
		return next + 1
	}
	for i := range codes {
		if is(i) {
			codes[i] = c
			next = i + 1
		}
	}
	return next
}
