package kafka

import (
	"context"
	"time"

	"github.com/IBM/sarama"
)

const (
	stampVersion = 4 // the last with a retention time
	plainVersion = 8
)

// commitRun is one call of Commit on its way. Offsets are handled by index.
type commitRun struct {
	m         *Committer
	group     string
	retention time.Duration
	offsets   []CommitOffset
	results   []error
	bare      map[int]bool // to be written without metadata
	misses    int          // of the coordinator, in a row
}

// parts splits the offsets into requests that brokers can write as one batch.
func (r *commitRun) parts() [][]int {
	var parts [][]int
	var part []int
	size := 0
	for i, o := range r.offsets {
		n := commitOverhead + len(r.group) + len(o.Topic) + len(o.Metadata)
		if len(part) == maxCommits || len(part) > 0 && size+n > maxCommitBytes {
			parts, part, size = append(parts, part), nil, 0
		}
		part, size = append(part, i), size+n
	}
	if len(part) > 0 {
		parts = append(parts, part)
	}
	return parts
}

// persist writes a part, again and again as long as something temporary is in the way.
func (r *commitRun) persist(ctx context.Context, part []int) {
	var b backoff
	for len(part) > 0 {
		again, split, now := r.once(ctx, part)
		if split {
			r.persist(ctx, part[:len(part)/2])
			part = part[len(part)/2:]
			continue
		}
		part = again
		if len(part) > 0 && !now && !b.wait(ctx) {
			return
		}
	}
}

// once sends a part. again is what to send once more: at once (now), or in two halves (split).
func (r *commitRun) once(ctx context.Context, part []int) (again []int, split, now bool) {
	k := r.m.c.coordinators
	id, guess, err := k.find(ctx, r.group)
	var res *sarama.OffsetCommitResponse
	if err == nil {
		res, err = r.send(ctx, id, part)
		if err != nil && Classify(err) != Canceled {
			r.missed(ctx, id, guess)
		}
	}
	if err != nil {
		return r.failed(part, err), false, false
	}
	again, split, moved := r.sort(res, part)
	if moved {
		r.missed(ctx, id, guess)
	} else {
		k.hit(guess)
		r.misses = 0
	}
	now = len(again) > 0 && !moved
	for _, i := range again {
		now = now && Classify(r.results[i]) == MetadataTooLarge
	}
	return again, split, now
}

func (r *commitRun) missed(ctx context.Context, id int32, guess bool) {
	r.misses++
	r.m.c.coordinators.missed(ctx, r.group, id, guess, r.misses)
}

// failed files an error of the whole request.
func (r *commitRun) failed(part []int, err error) (again []int) {
	for _, i := range part {
		if Classify(err) != Canceled || r.results[i] == nil {
			r.results[i] = err
		}
	}
	if Classify(err).Temporary() {
		return part
	}
	return nil
}

func (r *commitRun) send(ctx context.Context, id int32, part []int) (*sarama.OffsetCommitResponse, error) {
	a := r.ask()
	addr, ok := r.m.c.meta.addr(id)
	if !ok {
		return nil, r.m.c.answered(a, sarama.ErrConsumerCoordinatorNotAvailable, "")
	}
	q, err := r.request(ctx, id, addr, part)
	if err != nil {
		return nil, r.m.c.failed(a, addr, err)
	}
	var res *sarama.OffsetCommitResponse
	err = r.m.pool.call(ctx, addr, func(b *sarama.Broker) (err error) {
		res, err = b.CommitOffset(q)
		return err
	})
	if err != nil {
		r.m.forget(id)
	}
	return res, r.m.c.failed(a, addr, err)
}

func (r *commitRun) ask() ask {
	return ask{op: "commit", kind: aGroup, name: r.group, need: "Read"}
}

func (r *commitRun) request(ctx context.Context, id int32, addr string, part []int) (*sarama.OffsetCommitRequest, error) {
	q := &sarama.OffsetCommitRequest{Version: plainVersion, ConsumerGroup: r.group, ConsumerGroupGeneration: sarama.GroupGenerationUndefined}
	if r.retention > 0 {
		yes, err := r.m.stamps(ctx, id, addr)
		if err != nil {
			return nil, err
		}
		if yes {
			q.Version, q.RetentionTime = stampVersion, r.retention.Milliseconds()
		}
	}
	for _, i := range part {
		o := r.offsets[i]
		if r.bare[i] {
			o.Metadata = ""
		}
		q.AddBlockWithLeaderEpoch(o.Topic, o.Partition, o.Offset, -1, 0, o.Metadata)
	}
	return q, nil
}

// sort looks at the answer for every offset. Valid offsets are written even when others are refused.
func (r *commitRun) sort(res *sarama.OffsetCommitResponse, part []int) (again []int, split, moved bool) {
	for _, i := range part {
		o := r.offsets[i]
		code, ok := res.Errors[o.Topic][o.Partition]
		var err error
		if !ok {
			err = r.m.c.unanswered(r.ask())
		} else {
			err = r.answer(o, code)
		}
		r.results[i] = err
		switch class := Classify(err); {
		case err == nil && r.bare[i]:
			r.results[i] = ErrMetadataDropped
		case err == nil:
		case class == MetadataTooLarge && !r.bare[i]:
			r.bare[i] = true // its result stays the refusal until it is written without
			again = append(again, i)
		case len(part) > 1 && (code == sarama.ErrInvalidCommitOffsetSize || code == sarama.ErrUnknown):
			split = true // what a batch that is too large is answered, by old and by new coordinators
		case class.Temporary():
			again = append(again, i)
			moved = moved || class == Refind
		}
	}
	return again, split, moved
}

// answer makes the error of one offset. Version mismatches and group ids not found mean something of their own here.
func (r *commitRun) answer(o CommitOffset, code sarama.KError) error {
	a := r.ask()
	switch code {
	case sarama.ErrTopicAuthorizationFailed, sarama.ErrUnknownTopicOrPartition:
		a.kind, a.name = aTopic, o.Topic
	}
	err := r.m.c.answered(a, code, "")
	if e, ok := err.(*Error); ok && code == sarama.ErrUnsupportedVersion {
		e.Class = Live // kfake, for a KIP-848 group with members
	}
	return err
}
