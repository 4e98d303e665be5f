package kafka

import (
	"context"
	"sync"
	"time"

	"github.com/IBM/sarama"
)

// MemberOptions of a Member. The zero value is usable.
type MemberOptions struct {
	// Session is after how long without a heartbeat the coordinator gives the member up. Default 10 s; brokers refuse less than
	// group.min.session.timeout.ms, 6 s unless changed.
	Session time.Duration
}

// Member is a member of a consumer group, by the classic protocol: what a consumer with subscribe() is to the coordinator.
// It commits nothing, and fetches nothing: see FetchOffsets and Fetcher. There is no reset policy either: what to do where there is no
// offset, or one out of range, is the caller's.
//
// sarama's ConsumerGroup is not used: it starts where there is no offset, resets what is out of range unless told otherwise,
// and knows no context.
type Member struct {
	c       *Cluster
	pool    *pool
	group   string
	topics  []string
	session time.Duration

	id         string
	generation int32
	assigned   []TopicPartition

	stop context.CancelFunc
	done chan struct{}
	mu   sync.Mutex
	lost error
}

// JoinGroup joins a group and waits until it has been assigned its partitions; with no topics it is none, and only a member.
// A member alone in its group is assigned all partitions. Heartbeats keep it until Leave. An error leaves no member behind that the coordinator
// would not give up by itself after MemberOptions.Session.
func (c *Cluster) JoinGroup(ctx context.Context, group string, topics []string, o MemberOptions) (*Member, error) {
	if o.Session <= 0 {
		o.Session = 10 * time.Second
	}
	m := &Member{c: c, group: group, topics: topics, session: o.Session, done: make(chan struct{})}
	m.pool = newPool(c, 1) // joining takes its time: nobody else waits behind it
	m.pool.options.silence = c.cfg.RequestTimeout + m.rebalance()
	ctx, cancel := c.patient(ctx)
	defer cancel()
	if err := m.join(ctx); err != nil {
		if m.id != "" {
			m.leave()
		}
		m.pool.close()
		return nil, err
	}
	beating, stop := context.WithCancel(context.Background())
	m.stop = stop
	go m.beat(beating)
	return m, nil
}

// rebalance is how long the coordinator waits for other members.
func (m *Member) rebalance() time.Duration { return m.session }

// ID is the coordinator's name for the member, Generation that of its group.
func (m *Member) ID() string        { return m.id }
func (m *Member) Generation() int32 { return m.generation }

// Assigned are the member's partitions.
func (m *Member) Assigned() []TopicPartition { return m.assigned }

// Lost says why the coordinator does not count on this member any more; nil as long as it does.
func (m *Member) Lost() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.lost
}

// Leave leaves the group. It is safe to call it again.
func (m *Member) Leave(ctx context.Context) error {
	m.stop()
	<-m.done
	defer m.pool.close()
	if m.id == "" {
		return nil
	}
	err := m.c.RemoveMembers(ctx, m.group, []string{m.id})
	if err == nil {
		m.id = ""
	}
	return err
}

// leave is for those who could not stay: the answer does not matter, the session ends anyway.
func (m *Member) leave() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = m.c.RemoveMembers(ctx, m.group, []string{m.id})
}

// beat sends heartbeats until the coordinator wants something else than going on.
func (m *Member) beat(ctx context.Context) {
	defer close(m.done)
	tick := time.NewTicker(m.session / 4)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		once, cancel := context.WithTimeout(ctx, m.session)
		err := m.ask(once, "heartbeat", m.heartbeat)
		cancel()
		if err != nil && ctx.Err() == nil {
			m.mu.Lock()
			m.lost = err
			m.mu.Unlock()
			return
		}
	}
}

func (m *Member) heartbeat(b *sarama.Broker) (sarama.KError, error) {
	r, err := b.Heartbeat(&sarama.HeartbeatRequest{Version: 4, GroupId: m.group, GenerationId: m.generation, MemberId: m.id})
	if err != nil {
		return 0, err
	}
	return r.Err, nil
}

// ask asks the coordinator over the member's own connection, for as long as what is in the way is temporary.
func (m *Member) ask(ctx context.Context, op string, f func(*sarama.Broker) (sarama.KError, error)) error {
	a := ask{op: op, kind: aGroup, name: m.group, need: "Read"}
	misses := 0
	return m.c.persist(ctx, func(ctx context.Context) error {
		id, guess, err := m.c.coordinators.find(ctx, m.group)
		if err != nil {
			return err
		}
		addr, ok := m.c.meta.addr(id)
		if !ok {
			return m.c.answered(a, sarama.ErrConsumerCoordinatorNotAvailable, "")
		}
		var code sarama.KError
		err = m.c.failed(a, addr, m.pool.call(ctx, addr, func(b *sarama.Broker) (err error) {
			code, err = f(b)
			return err
		}))
		if err == nil {
			err = m.c.answered(a, code, "")
		}
		if class := Classify(err); err != nil && (class == Refind || class == Unreachable) {
			misses++
			m.c.coordinators.missed(ctx, m.group, id, guess, misses)
		}
		return err
	})
}

// RemoveMembers takes members out of a group, as if each had left: what an administrator does with those of a process that died.
// Members that are not there are no error.
func (c *Cluster) RemoveMembers(ctx context.Context, group string, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	a := ask{op: "leave group", kind: aGroup, name: group, need: "Read"}
	q := &sarama.LeaveGroupRequest{Version: 4, GroupId: group, MemberId: ids[0]}
	for _, id := range ids {
		q.Members = append(q.Members, sarama.MemberIdentity{MemberId: id})
	}
	return c.atCoordinator(ctx, a, group, func(b *sarama.Broker) error {
		r, err := b.LeaveGroup(q)
		if err != nil {
			return err
		}
		codes := []sarama.KError{r.Err}
		for _, m := range r.Members {
			codes = append(codes, m.Err)
		}
		for _, code := range codes {
			if code != sarama.ErrUnknownMemberId && code != sarama.ErrGroupIDNotFound && code != sarama.ErrNoError {
				return c.answered(a, code, "")
			}
		}
		return nil
	})
}
