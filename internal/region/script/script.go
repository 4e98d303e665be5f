package script

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Key names a committed offset.
type Key struct {
	Group, Topic string
	Partition    int32
}

// Want is what a reader of `__consumer_offsets` must hold for a key.
type Want struct {
	Offset   int64
	Metadata string
	Deleted  bool // by a tombstone; the rest is zero
}

// Result is what the script has left behind.
type Result struct {
	Ledger map[Key]Want
	Lived  []string        // groups that had a member, and have none now
	Stamps map[Key]Stamped // commits with a retention time
	open   *Transaction
	client *Client
}

// Stamped is the retention that a commit carried.
type Stamped struct{ Retention time.Duration }

// Close aborts the transaction that was left open.
func (r *Result) Close(ctx context.Context) error {
	defer r.client.Close()
	if r.open == nil {
		return nil
	}
	return r.open.End(ctx, false)
}

// retention is arbitrary, but not round.
const retention = 90*24*time.Hour + 4242*time.Millisecond

// Run creates what it needs and runs the script. The prefix makes the names of topics, groups and transactional ids.
func Run(ctx context.Context, prefix string, opts ...kgo.Opt) (*Result, error) {
	c, err := Dial(opts...)
	if err != nil {
		return nil, err
	}
	s := &run{ctx: ctx, c: c, prefix: prefix, r: &Result{Ledger: make(map[Key]Want), Stamps: make(map[Key]Stamped), client: c}}
	s.orders, s.gone = prefix+"-orders", prefix+"-gone"
	s.do("topics", s.topics)
	s.do("plain", s.plain)
	s.do("transactions", s.transactions)
	s.do("mixed", s.mixed)
	s.do("members", s.members)
	s.do("deletions", s.deletions)
	if s.err != nil {
		s.r.Close(ctx)
		return nil, s.err
	}
	return s.r, nil
}

type run struct {
	ctx          context.Context
	c            *Client
	prefix       string
	orders, gone string
	r            *Result
	err          error
}

func (s *run) do(name string, part func() error) {
	if s.err != nil {
		return
	}
	if err := part(); err != nil {
		s.err = fmt.Errorf("script, %s: %w", name, err)
	}
}

func (s *run) group(name string) string { return s.prefix + "-" + name }

func (s *run) topics() error {
	return errors.Join(s.c.CreateTopic(s.ctx, s.orders, 4), s.c.CreateTopic(s.ctx, s.gone, 1))
}

func (s *run) order(partition int32, offset int64, metadata string) Offset {
	return Offset{s.orders, partition, offset, metadata}
}

// commit commits from outside and expects it to count.
func (s *run) commit(name string, offsets ...Offset) error {
	if err := s.c.Commit(s.ctx, s.group(name), 0, offsets...); err != nil {
		return err
	}
	s.counts(name, offsets...)
	return nil
}

func (s *run) counts(name string, offsets ...Offset) {
	for _, o := range offsets {
		s.r.Ledger[Key{s.group(name), o.Topic, o.Partition}] = Want{Offset: o.Offset, Metadata: o.Metadata}
	}
}

func (s *run) deleted(name, topic string, partitions ...int32) {
	for _, p := range partitions {
		s.r.Ledger[Key{s.group(name), topic, p}] = Want{Deleted: true}
	}
}

func (s *run) plain() error {
	for _, o := range []Offset{s.order(0, 10, "a"), s.order(0, 20, ""), s.order(0, 15, "went back"), s.order(3, 0, "zero")} {
		if err := s.commit("plain", o); err != nil {
			return err
		}
	}
	if err := s.commit("wide", s.order(0, 1, ""), s.order(1, 2, "ü"), s.order(2, 3, "")); err != nil {
		return err
	}
	if err := s.commit("grüppe-😀", s.order(1, 11, "")); err != nil {
		return err
	}
	stamped := s.order(2, 77, "stamped")
	if err := s.c.Commit(s.ctx, s.group("plain"), retention, stamped); err != nil {
		return err
	}
	s.counts("plain", stamped)
	s.r.Stamps[Key{s.group("plain"), s.orders, 2}] = Stamped{retention}
	return nil
}

// transactions commits one, aborts one, and leaves one open; by both protocols.
func (s *run) transactions() error {
	for _, next := range []bool{false, true} {
		name := fmt.Sprintf("tx-%v", next)
		for p := range int32(3) {
			if err := s.commit(name, s.order(p, 5, "before")); err != nil {
				return err
			}
		}
		t, err := s.c.Producer(s.ctx, s.group(name), time.Minute, next)
		if err != nil {
			return err
		}
		committed, aborted := s.order(0, 30, "committed"), s.order(1, 50, "aborted")
		for _, x := range []struct {
			o      Offset
			commit bool
		}{{aborted, false}, {committed, true}, {aborted, false}} {
			if err := t.Commit(s.ctx, s.group(name), x.o); err != nil {
				return err
			}
			if err := t.End(s.ctx, x.commit); err != nil {
				return err
			}
		}
		s.counts(name, committed)
	}
	open, err := s.c.Producer(s.ctx, s.group("open"), time.Minute, false)
	if err != nil {
		return err
	}
	s.r.open = open
	return open.Commit(s.ctx, s.group("tx-false"), s.order(2, 70, "left open"))
}

// mixed has plain commits and deletions meet transactional ones.
func (s *run) mixed() error {
	t, err := s.c.Producer(s.ctx, s.group("mixed"), time.Minute, false)
	if err != nil {
		return err
	}
	group := s.group("mixed")
	if err := s.commit("mixed", s.order(0, 5, ""), s.order(1, 5, "")); err != nil {
		return err
	}
	// 0: a plain commit after the pending one wins. 1: a deletion takes the pending one along. 2: it simply counts.
	if err := t.Commit(s.ctx, group, s.order(0, 80, "pending"), s.order(1, 90, "pending"), s.order(2, 95, "pending")); err != nil {
		return err
	}
	if err := s.commit("mixed", s.order(0, 81, "later")); err != nil {
		return err
	}
	if err := s.c.DeleteOffset(s.ctx, group, s.orders, 1); err != nil {
		return err
	}
	s.deleted("mixed", s.orders, 1)
	s.counts("mixed", s.order(2, 95, "pending"))
	return t.End(s.ctx, true)
}

// members commits as a member of either kind; a commit from outside is refused meanwhile.
func (s *run) members() error {
	join := map[string]func(group string) (*Member, error){
		"classic": func(group string) (*Member, error) { return s.c.JoinClassic(s.ctx, group, s.orders) },
		"consumer": func(group string) (*Member, error) {
			return s.c.JoinConsumer(s.ctx, group, s.orders, s.prefix+"-member")
		},
	}
	for _, name := range []string{"classic", "consumer"} {
		m, err := join[name](s.group(name))
		if err != nil {
			return err
		}
		if err := m.Commit(s.ctx, s.order(0, 40, name)); err != nil {
			return err
		}
		for _, refused := range []time.Duration{0, retention} {
			if err := s.c.Commit(s.ctx, s.group(name), refused, s.order(0, 99, "")); !errors.Is(err, kerr.UnknownMemberID) {
				return fmt.Errorf("a commit from outside to a living group: %v, want UNKNOWN_MEMBER_ID", err)
			}
		}
		if err := m.Leave(s.ctx); err != nil {
			return err
		}
		s.counts(name, s.order(0, 40, name))
		s.r.Lived = append(s.r.Lived, s.group(name))
		if err := s.commit(name, s.order(1, 41, "afterwards")); err != nil {
			return err
		}
	}
	return nil
}

func (s *run) deletions() error {
	if err := s.commit("deleted", s.order(0, 1, ""), s.order(1, 2, "")); err != nil {
		return err
	}
	if err := s.c.DeleteOffset(s.ctx, s.group("deleted"), s.orders, 0); err != nil {
		return err
	}
	s.deleted("deleted", s.orders, 0)

	if err := s.commit("dead", s.order(0, 1, ""), s.order(1, 2, "")); err != nil {
		return err
	}
	if err := s.c.DeleteGroup(s.ctx, s.group("dead")); err != nil {
		return err
	}
	s.deleted("dead", s.orders, 0, 1)
	if err := s.commit("dead", s.order(1, 3, "risen")); err != nil {
		return err
	}

	if err := s.commit("loses-topic", s.order(0, 1, ""), Offset{s.gone, 0, 2, ""}); err != nil {
		return err
	}
	if err := s.c.DeleteTopic(s.ctx, s.gone); err != nil {
		return err
	}
	s.deleted("loses-topic", s.gone, 0)
	return nil
}
