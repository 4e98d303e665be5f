package kafka

import (
	"bytes"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// anyRequest is a commit of any shape, and what another implementation makes of the same.
func anyRequest(r *rand.Rand, version int16) (*commitRequest, *kmsg.OffsetCommitRequest) {
	name := func() string {
		b := make([]byte, r.IntN(1+r.IntN(300)))
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		return string(b)
	}
	q := &commitRequest{group: name(), retention: time.Duration(r.Int64N(1 << 60)), bare: map[int]bool{}}
	for range r.IntN(4) {
		topic := name()
		for range 1 + r.IntN(1+r.IntN(200)) {
			q.all = append(q.all, CommitOffset{topic, int32(r.Uint32()), int64(r.Uint64()), name()})
		}
	}
	r.Shuffle(len(q.all), func(i, j int) { q.all[i], q.all[j] = q.all[j], q.all[i] })
	for i := range q.all {
		if r.IntN(5) > 0 {
			q.part = append(q.part, i)
		}
		if r.IntN(5) == 0 {
			q.bare[i] = true
		}
	}
	q.part = byTopicName(q.all, q.part)

	want := kmsg.NewPtrOffsetCommitRequest()
	want.Version, want.Group = version, q.group
	if version == stampVersion && q.retention > 0 {
		want.RetentionTimeMillis = q.retention.Milliseconds()
	}
	for _, i := range q.part {
		o := q.all[i]
		if n := len(want.Topics); n == 0 || want.Topics[n-1].Topic != o.Topic {
			rt := kmsg.NewOffsetCommitRequestTopic()
			rt.Topic = o.Topic
			want.Topics = append(want.Topics, rt)
		}
		p := kmsg.NewOffsetCommitRequestTopicPartition()
		p.Partition, p.Offset, p.Metadata = o.Partition, o.Offset, &o.Metadata
		if q.bare[i] {
			p.Metadata = new(string)
		}
		rt := &want.Topics[len(want.Topics)-1]
		rt.Partitions = append(rt.Partitions, p)
	}
	return q, want
}

// Byte for byte what another implementation writes, header and length included.
func FuzzCommitRequest(f *testing.F) {
	for v := int16(oldestOffsetCommit); v <= plainVersion; v++ {
		for seed := range uint64(20) {
			f.Add(v, seed)
		}
	}
	f.Fuzz(func(t *testing.T, v int16, seed uint64) {
		if v < oldestOffsetCommit || v > plainVersion {
			t.Skip()
		}
		q, want := anyRequest(rand.New(rand.NewPCG(seed, 1)), v)
		got, err := q.encode(v, "leftoff")
		if err != nil {
			t.Fatal(err)
		}
		correlate(got, 1<<30+5)
		if frame := kmsg.NewRequestFormatter(kmsg.FormatterClientID("leftoff")).AppendRequest(nil, want, 1<<30+5); !bytes.Equal(got, frame) {
			t.Errorf("%x\nwant %x", got, frame)
		}
	})
}

// What another implementation answers is understood, tags of a later Kafka included, and every code is filed where it belongs.
func FuzzCommitAnswerOfAnother(f *testing.F) {
	for v := int16(oldestOffsetCommit); v <= plainVersion; v++ {
		for seed := range uint64(20) {
			f.Add(v, seed)
		}
	}
	f.Fuzz(func(t *testing.T, v int16, seed uint64) {
		if v < oldestOffsetCommit || v > plainVersion {
			t.Skip()
		}
		r := rand.New(rand.NewPCG(seed, 2))
		q, req := anyRequest(r, v)
		tag := func(tags *kmsg.Tags) {
			if r.IntN(10) == 0 {
				tags.Set(r.Uint32N(1000), make([]byte, r.IntN(200)))
			}
		}
		res := kmsg.NewPtrOffsetCommitResponse()
		res.Version, res.ThrottleMillis = v, int32(r.Uint32N(1<<31))
		codes := map[TopicPartition]answeredCode{}
		tag(&res.UnknownTags)
		for _, rt := range req.Topics {
			out := kmsg.NewOffsetCommitResponseTopic()
			out.Topic = rt.Topic
			tag(&out.UnknownTags)
			for _, p := range rt.Partitions {
				if r.IntN(10) == 0 {
					continue // it leaves it out
				}
				x := kmsg.NewOffsetCommitResponseTopicPartition()
				x.Partition, x.ErrorCode = p.Partition, int16(r.Uint32())
				tag(&x.UnknownTags)
				out.Partitions = append(out.Partitions, x)
				codes[TopicPartition{rt.Topic, p.Partition}] = answeredCode{sarama.KError(x.ErrorCode), true}
			}
			r.Shuffle(len(out.Partitions), func(i, j int) { out.Partitions[i], out.Partitions[j] = out.Partitions[j], out.Partitions[i] })
			res.Topics = append(res.Topics, out)
		}
		r.Shuffle(len(res.Topics), func(i, j int) { res.Topics[i], res.Topics[j] = res.Topics[j], res.Topics[i] })
		body := res.AppendTo(headerTags(v))
		got, err := q.decode(v, body)
		if err != nil {
			t.Fatal(err)
		}
		for n, i := range q.part {
			if want := codes[TopicPartition{q.all[i].Topic, q.all[i].Partition}]; got[n] != want {
				t.Errorf("%q/%d: %+v, want %+v", q.all[i].Topic, q.all[i].Partition, got[n], want)
			}
		}
		reader := frameReader{b: body, flexible: v >= flexibleSince}
		if d := reader.throttle(v); v >= throttleSince && d.Milliseconds() != int64(res.ThrottleMillis) || v < throttleSince && d != 0 {
			t.Errorf("throttle %v, want %d ms", d, res.ThrottleMillis)
		}
		if cut := r.IntN(len(body)); len(body) > 0 {
			if _, err := q.decode(v, body[:cut]); err == nil {
				t.Errorf("%d of %d bytes are taken for an answer", cut, len(body))
			}
		}
	})
}

func headerTags(version int16) []byte {
	if version >= flexibleSince {
		return []byte{0}
	}
	return nil
}

// Whatever arrives is taken for an answer or refused; it neither panics nor takes long. What is taken for one another
// implementation understands, too, and in the same way.
func FuzzCommitAnswer(f *testing.F) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		b := make([]byte, r.IntN(60))
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		f.Add(int16(r.IntN(7)+2), b)
	}
	for v := int16(oldestOffsetCommit); v <= plainVersion; v++ {
		f.Add(v, answerToAudit(v))
	}
	f.Fuzz(func(t *testing.T, v int16, b []byte) {
		if v < oldestOffsetCommit || v > plainVersion {
			t.Skip()
		}
		agreesWithKmsg(t, v, b)
	})
}

// The same without a fuzzer: answers with something wrong in them.
func TestDamagedCommitAnswers(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 3))
	taken := 0
	for range 50_000 {
		v := int16(r.IntN(plainVersion-oldestOffsetCommit+1) + oldestOffsetCommit)
		b := answerToAudit(v)
		for range r.IntN(3) {
			switch at := r.IntN(len(b) + 1); {
			case at == len(b) || r.IntN(3) == 0:
				b = slices.Insert(b, at, byte(r.Uint32()))
			case r.IntN(3) == 0:
				b = slices.Delete(b, at, min(len(b), at+1+r.IntN(4)))
			default:
				b[at] = byte(r.Uint32())
			}
		}
		if agreesWithKmsg(t, v, b) {
			taken++
		}
	}
	if taken < 1000 {
		t.Errorf("%d were taken for answers", taken)
	}
}

// agreesWithKmsg says whether an answer is taken for one.
func agreesWithKmsg(t *testing.T, v int16, b []byte) bool {
	q := wireRequest()
	codes, err := q.decode(v, slices.Clone(b))
	if err != nil {
		return false
	}
	header := frameReader{b: b, flexible: v >= flexibleSince}
	header.tags()
	res := kmsg.NewPtrOffsetCommitResponse()
	res.Version = v
	if err := res.ReadFrom(header.b); err != nil {
		t.Fatalf("version %d, %x: kmsg: %v; here %v", v, b, err, codes)
	}
	want := make([]answeredCode, len(q.part))
	for _, rt := range res.Topics {
		for _, p := range rt.Partitions {
			for n, i := range q.part {
				if q.all[i].Topic == rt.Topic && q.all[i].Partition == p.Partition {
					want[n] = answeredCode{sarama.KError(p.ErrorCode), true}
				}
			}
		}
	}
	if !reflect.DeepEqual(codes, want) {
		t.Fatalf("version %d, %x: %v, want %v", v, b, codes, want)
	}
	return true
}

// answerToAudit answers two of the offsets of wireRequest.
func answerToAudit(v int16) []byte {
	res := kmsg.NewPtrOffsetCommitResponse()
	res.Version = v
	rt := kmsg.NewOffsetCommitResponseTopic()
	rt.Topic = "audit"
	for _, p := range []int32{0, 5} {
		x := kmsg.NewOffsetCommitResponseTopicPartition()
		x.Partition, x.ErrorCode = p, 14
		rt.Partitions = append(rt.Partitions, x)
	}
	res.Topics = append(res.Topics, rt)
	return res.AppendTo(headerTags(v))
}
