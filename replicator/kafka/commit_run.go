package kafka

import (
	"context"
	"time"

	"github.com/IBM/sarama"
)

// commitRun is one call of Commit on its way. Offsets are handled by index.
type commitRun struct {
	m         *Committer
	group     string
	retention time.Duration
	offsets   []CommitOffset
	results   []error
	first     bool         // ahead of those that wait
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
	for i := range parts {
		parts[i] = byTopicName(r.offsets, parts[i])
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
	var codes []answeredCode
	if err == nil {
		codes, err = r.send(ctx, id, part)
		if err != nil && Classify(err) != Canceled {
			r.missed(ctx, id, guess)
		}
	}
	if err != nil {
		return r.failed(ctx, part, err), false, false
	}
	again, split, moved := r.sort(codes, part)
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

// failed files an error of the whole request. That its time was over says less than what the broker answered before.
func (r *commitRun) failed(ctx context.Context, part []int, err error) (again []int) {
	for _, i := range part {
		if r.results[i] == nil || ctx.Err() == nil && Classify(err) != Canceled {
			r.results[i] = err
		}
	}
	if Classify(err).Temporary() {
		return part
	}
	return nil
}

func (r *commitRun) send(ctx context.Context, id int32, part []int) ([]answeredCode, error) {
	a := r.ask()
	addr, ok := r.m.c.meta.addr(id)
	if !ok {
		return nil, r.m.c.answered(a, sarama.ErrConsumerCoordinatorNotAvailable, "")
	}
	q := &commitRequest{group: r.group, retention: r.retention, all: r.offsets, part: part, bare: r.bare}
	codes, err := r.m.pipes.commit(ctx, addr, q, r.first)
	return codes, r.m.c.failed(a, addr, err)
}

func (r *commitRun) ask() ask {
	return ask{op: "commit", kind: aGroup, name: r.group, need: "Read"}
}

// sort looks at the answer for every offset. Valid offsets are written even when others are refused.
func (r *commitRun) sort(codes []answeredCode, part []int) (again []int, split, moved bool) {
	for n, i := range part {
		code := codes[n].code
		var err error
		switch {
		case !codes[n].known:
			err = r.m.c.unanswered(r.ask())
		case code != sarama.ErrNoError:
			err = r.answer(r.offsets[i], code)
		}
		r.results[i] = err
		switch class := Classify(err); {
		case err == nil && r.bare[i]:
			r.results[i] = ErrMetadataDropped
		case err == nil:
		case class == MetadataTooLarge && !r.bare[i]:
			if r.bare == nil {
				r.bare = map[int]bool{}
			}
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
