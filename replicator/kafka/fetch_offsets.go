package kafka

import (
	"context"
	"slices"

	"github.com/IBM/sarama"
)

// groupsPerRequest bounds one OffsetFetch, whose response may be large.
const groupsPerRequest = 200

// FetchOffsets reads the committed offsets of groups; nil partitions mean all of the group's. Pending transactional commits are not
// waited for. Partitions without an offset are left out. Groups of one coordinator share a request (KIP-709). With an error,
// the groups that were answered are there all the same.
func (c *Cluster) FetchOffsets(ctx context.Context, groups map[string][]TopicPartition) (map[string]map[TopicPartition]CommittedOffset, error) {
	out := make(map[string]map[TopicPartition]CommittedOffset, len(groups))
	left := make([]string, 0, len(groups))
	for g := range groups {
		left = append(left, g)
	}
	slices.Sort(left)
	err := c.persist(ctx, func(ctx context.Context) error {
		var failed error
		for part := range slices.Chunk(slices.Clone(left), groupsPerRequest) {
			if err := c.fetchOffsets(ctx, groups, part, out); err != nil {
				failed = err
			}
		}
		left = slices.DeleteFunc(left, func(g string) bool { return out[g] != nil })
		return failed
	})
	return out, err
}

type coordinated struct {
	id    int32
	guess bool
}

// fetchOffsets asks once for some groups; those answered are put into out.
func (c *Cluster) fetchOffsets(ctx context.Context, groups map[string][]TopicPartition, names []string, out map[string]map[TopicPartition]CommittedOffset) (failed error) {
	by := map[coordinated][]string{}
	for _, g := range names {
		id, guess, err := c.coordinators.find(ctx, g)
		if err != nil {
			return err
		}
		by[coordinated{id, guess}] = append(by[coordinated{id, guess}], g)
	}
	for at, some := range by {
		if err := c.fetchOffsetsAt(ctx, at, groups, some, out); err != nil {
			failed = err
		}
	}
	return failed
}

func (c *Cluster) fetchOffsetsAt(ctx context.Context, at coordinated, groups map[string][]TopicPartition, names []string, out map[string]map[TopicPartition]CommittedOffset) (failed error) {
	a := ask{op: "fetch offsets", kind: aGroup, need: "Describe"}
	var answers []sarama.OffsetFetchResponseGroup
	err := c.at(ctx, a, at.id, func(b *sarama.Broker) (err error) {
		answers, err = askOffsets(b, groups, names)
		return err
	})
	if err != nil {
		if Classify(err) != Canceled {
			c.coordinators.missed(ctx, names[0], at.id, at.guess, trustedTries)
		}
		return err
	}
	for _, g := range answers {
		a.name = g.GroupId
		if g.Err == sarama.ErrGroupIDNotFound {
			g.Err = sarama.ErrNoError // no group, no offsets
		}
		if err := c.answered(a, g.Err, ""); err != nil {
			if Classify(err) == Refind {
				c.coordinators.missed(ctx, g.GroupId, at.id, at.guess, trustedTries)
			}
			failed = err
			continue
		}
		out[g.GroupId] = c.committed(a, g)
	}
	return failed
}

// askOffsets asks for all groups at once or, of brokers before Kafka 3.0, one by one: sarama would quietly leave the groups out of an older request.
func askOffsets(b *sarama.Broker, groups map[string][]TopicPartition, names []string) (answers []sarama.OffsetFetchResponseGroup, err error) {
	q := &sarama.OffsetFetchRequest{Version: 8}
	for _, g := range names {
		q.Groups = append(q.Groups, sarama.OffsetFetchRequestGroup{GroupId: g, Partitions: byTopic(groups[g])})
	}
	if old, err := olderThan(b, 9, 8); err != nil {
		return nil, err
	} else if old {
		return askOldOffsets(b, groups, names)
	}
	r, err := b.FetchOffset(q)
	if err != nil {
		return nil, err
	}
	return r.Groups, nil
}

func askOldOffsets(b *sarama.Broker, groups map[string][]TopicPartition, names []string) (answers []sarama.OffsetFetchResponseGroup, err error) {
	for _, g := range names {
		r, err := b.FetchOffset(sarama.NewOffsetFetchRequest(sarama.V2_5_0_0, g, byTopic(groups[g])))
		if err != nil {
			return nil, err
		}
		answers = append(answers, sarama.OffsetFetchResponseGroup{GroupId: g, Err: r.Err, Blocks: r.Blocks})
	}
	return answers, nil
}

// olderThan says whether a broker's newest version of an API is below version.
func olderThan(b *sarama.Broker, api, version int16) (bool, error) {
	r, err := b.ApiVersions(apiVersions())
	if err != nil {
		return false, err
	}
	for _, k := range r.ApiKeys {
		if k.ApiKey == api {
			return k.MaxVersion < version, nil
		}
	}
	return true, nil
}

func apiVersions() *sarama.ApiVersionsRequest {
	return &sarama.ApiVersionsRequest{Version: 3, ClientSoftwareName: "leftoff", ClientSoftwareVersion: "1"}
}

func byTopic(tps []TopicPartition) map[string][]int32 {
	if tps == nil {
		return nil
	}
	m := map[string][]int32{}
	for _, tp := range tps {
		m[tp.Topic] = append(m[tp.Topic], tp.Partition)
	}
	return m
}

func (c *Cluster) committed(a ask, g sarama.OffsetFetchResponseGroup) map[TopicPartition]CommittedOffset {
	m := map[TopicPartition]CommittedOffset{}
	for topic, blocks := range g.Blocks {
		for n, b := range blocks {
			of := ask{op: a.op, kind: aTopic, name: topic, need: "Describe"}
			err := c.answered(of, b.Err, "")
			if b.Offset < 0 && err == nil {
				continue
			}
			m[TopicPartition{topic, n}] = CommittedOffset{Offset: b.Offset, LeaderEpoch: b.LeaderEpoch, Metadata: b.Metadata, Err: err}
		}
	}
	return m
}
