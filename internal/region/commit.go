package region

import (
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// target is what a commit is about. Requests of the newest version name topics by id only.
type target struct {
	topic     string
	id        [16]byte
	partition int32
}

// committed is one offset of a request.
type committed struct {
	target
	offset   int64
	epoch    int32
	metadata *string
}

// commitExchange is an OffsetCommit or a TxnOffsetCommit under way.
type commitExchange struct {
	r         *Region
	release   func()
	at        time.Time // before kfake had it
	group     string
	retention int64        // ms; −1: none was asked for
	tx        *transaction // nil: plain
	offsets   []committed
	ids       map[string][16]byte // of the topics, once they were looked up
	// codes reads an answer's error codes; rewrite replaces it where Kafka would have said something else.
	codes func(frame []byte) (codes map[target]int16, rewritten []byte)
}

func (r *Region) commitArrived(c *conn, req *kmsg.OffsetCommitRequest) (exchange, error) {
	release, err := r.hold(c, req.Group)
	if err != nil {
		return nil, err
	}
	r.groups.know(req.Group)
	x := &commitExchange{r: r, release: release, at: time.Now(), group: req.Group, retention: -1}
	if req.Version >= 2 && req.Version <= 4 {
		x.retention = req.RetentionTimeMillis
	}
	for _, t := range req.Topics {
		for _, p := range t.Partitions {
			o := committed{target: target{t.Topic, t.TopicID, p.Partition}, offset: p.Offset, epoch: p.LeaderEpoch, metadata: p.Metadata}
			if req.Version < 6 {
				o.epoch = -1
			}
			x.offsets = append(x.offsets, o)
		}
	}
	outside := req.Generation == -1 && req.MemberID == ""
	version := req.Version
	x.codes = func(frame []byte) (map[target]int16, []byte) { return commitCodes(frame, version, outside) }
	return x, nil
}

func (r *Region) txnCommitArrived(c *conn, req *kmsg.TxnOffsetCommitRequest) (exchange, error) {
	release, err := r.hold(c, req.Group)
	if err != nil {
		return nil, err
	}
	r.groups.know(req.Group)
	x := &commitExchange{r: r, release: release, at: time.Now(), group: req.Group, retention: -1,
		tx: &transaction{id: req.TransactionalID, pid: req.ProducerID, epoch: req.ProducerEpoch}}
	for _, t := range req.Topics {
		for _, p := range t.Partitions {
			o := committed{target: target{t.Topic, t.TopicID, p.Partition}, offset: p.Offset, epoch: p.LeaderEpoch, metadata: p.Metadata}
			if req.Version < 2 {
				o.epoch = -1
			}
			x.offsets = append(x.offsets, o)
		}
	}
	version := req.Version
	x.codes = func(frame []byte) (map[target]int16, []byte) { return txnCommitCodes(frame, version), nil }
	return x, nil
}

func (x *commitExchange) answered(frame []byte) []byte {
	defer x.release()
	codes, rewritten := x.codes(frame)
	var entries []entry
	for _, o := range x.offsets {
		code, ok := codes[o.target]
		if !ok {
			continue
		}
		// A broker that says "timed out" may have stored it all the same; a fault of kfake does so on purpose.
		if code == 0 || code == kerr.RequestTimedOut.Code && x.stored(o) {
			entries = append(entries, x.entry(o))
		}
	}
	x.r.log.appendIn(x.tx, x.group, entries)
	if rewritten != nil {
		return rewritten
	}
	return frame
}

// lost asks kfake what became of it. The lock is held meanwhile, so that nobody else can have committed the same.
func (x *commitExchange) lost() {
	look := func() {
		defer x.release()
		if x.tx != nil {
			return // pending in kfake, or not: it does not tell
		}
		x.r.afterward()
		var entries []entry
		for _, o := range x.offsets {
			if x.stored(o) {
				entries = append(entries, x.entry(o))
			}
		}
		x.r.log.append(x.group, entries)
	}
	if !x.r.background(look) {
		x.release()
	}
}

// afterward returns when kfake has handled the requests that it had when it was called: it takes them one by one.
func (r *Region) afterward() {
	req := kmsg.NewPtrApiVersionsRequest()
	if _, err := r.log.ask(0, req); err != nil {
		r.log.fail(err)
	}
}

func (x *commitExchange) stored(o committed) bool {
	info := x.r.cluster.GroupInfo(x.group)
	if info == nil {
		return false
	}
	have, ok := info.Commits[x.r.topicName(o.target)][o.partition]
	return ok && have.Offset == o.offset && !have.At.Before(x.at)
}

func (r *Region) topicName(t target) string {
	if t.topic == "" {
		if info := r.cluster.TopicIDInfo(t.id); info != nil {
			return info.Topic
		}
	}
	return t.topic
}

func (x *commitExchange) entry(o committed) entry {
	topic := x.r.topicName(o.target)
	return entry{key: commitKey(x.group, topic, o.partition), value: x.value(topic, o)}
}

func (x *commitExchange) value(topic string, o committed) []byte {
	v := kmsg.NewOffsetCommitValue()
	v.Version, v.Offset, v.LeaderEpoch, v.CommitTimestamp = x.r.o.ValueVersion, o.offset, o.epoch, time.Now().UnixMilli()
	if o.metadata != nil {
		v.Metadata = *o.metadata
	}
	if x.retention >= 0 {
		v.Version, v.ExpireTimestamp = 1, v.CommitTimestamp+x.retention
	}
	if v.Version >= 4 {
		v.TopicID = x.topicID(topic)
	}
	return v.AppendTo(nil)
}

func (x *commitExchange) topicID(topic string) [16]byte {
	id, ok := x.ids[topic]
	if !ok {
		if info := x.r.cluster.TopicInfo(topic); info != nil {
			id = info.TopicID
		}
		if x.ids == nil {
			x.ids = make(map[string][16]byte)
		}
		x.ids[topic] = id
	}
	return id
}

func commitKey(group, topic string, partition int32) []byte {
	k := kmsg.NewOffsetCommitKey()
	k.Version, k.Group, k.Topic, k.Partition = 1, group, topic, partition
	return k.AppendTo(nil)
}

// commitCodes also does what Kafka does with a commit from outside to a living KIP-848 group: UNKNOWN_MEMBER_ID, where
// kfake says UNSUPPORTED_VERSION.
func commitCodes(frame []byte, version int16, outside bool) (codes map[target]int16, rewritten []byte) {
	resp := kmsg.NewPtrOffsetCommitResponse()
	resp.Version = version
	if readAnswer(frame[4:], resp) != nil {
		return nil, nil
	}
	codes = make(map[target]int16)
	for i := range resp.Topics {
		t := &resp.Topics[i]
		for j := range t.Partitions {
			p := &t.Partitions[j]
			if outside && p.ErrorCode == kerr.UnsupportedVersion.Code {
				p.ErrorCode = kerr.UnknownMemberID.Code
				rewritten = frame
			}
			codes[target{t.Topic, t.TopicID, p.Partition}] = p.ErrorCode
		}
	}
	if rewritten != nil {
		rewritten = writeAnswer(frame, resp)
	}
	return codes, rewritten
}

func txnCommitCodes(frame []byte, version int16) map[target]int16 {
	resp := kmsg.NewPtrTxnOffsetCommitResponse()
	resp.Version = version
	if readAnswer(frame[4:], resp) != nil {
		return nil
	}
	codes := make(map[target]int16)
	for _, t := range resp.Topics {
		for _, p := range t.Partitions {
			codes[target{t.Topic, t.TopicID, p.Partition}] = p.ErrorCode
		}
	}
	return codes
}
