package tail

import (
	"context"
	"fmt"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leftoff/leftoff/internal/region"
	"github.com/leftoff/leftoff/internal/region/script"
	"github.com/leftoff/leftoff/internal/rig"
	"github.com/leftoff/leftoff/replicator"
)

// One script of everything that writes to `__consumer_offsets`; one ledger on both grounds, read live and from the start.
func TestSameLedgerOnBothGrounds(t *testing.T) {
	t.Run("embedded", func(t *testing.T) {
		r, err := region.Start(region.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		runScript(t, r.Bootstrap())
	})
	t.Run("kafka", func(t *testing.T) {
		primary, _ := rig.Shared(t)
		runScript(t, primary.Bootstrap())
	})
}

func runScript(t *testing.T, brokers []string) {
	live := follow(t, brokers)
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	r, err := script.Run(ctx, rig.Name(t, "s"), kgo.SeedBrokers(brokers...))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := r.Close(context.WithoutCancel(ctx)); err != nil {
			t.Error(err)
		}
	}()
	eventually(t, "followed live", func() error { return live.agrees(r) })
	late := follow(t, brokers)
	eventually(t, "read from the start", func() error { return late.agrees(r) })
	eventually(t, "caught up beside an open transaction", func() error { return wantUp(late, true, true) })
	for _, f := range []*follower{live, late} {
		if s := f.tail.State(); s.OpenTransactions != 1 || s.UnknownTypes+s.Unreadable+s.Malformed+s.Restarts != 0 {
			t.Errorf("state %+v", s)
		}
	}
}

func (f *follower) agrees(r *script.Result) error {
	return f.with(func() error {
		for k, want := range r.Ledger {
			c, ok := f.ledger[replicator.Key{Group: k.Group, Topic: k.Topic, Partition: k.Partition}]
			got := script.Want{Offset: c.Commit.Offset, Metadata: c.Commit.Metadata, Deleted: c.Kind == replicator.Deleted}
			if !ok || got != want {
				return fmt.Errorf("%v is %v %+v, want %+v", k, ok, got, want)
			}
			if stamp := r.Stamps[k].Retention.Milliseconds(); c.Commit.Retention != stamp {
				return fmt.Errorf("%v has retention %d, want %d", k, c.Commit.Retention, stamp)
			}
		}
		for _, g := range r.Lived {
			c, ok := f.groups[g]
			if !ok || c.Kind == replicator.GroupState && c.Group.Members != 0 || c.Kind == replicator.MemberSeen || c.Kind == replicator.GroupGone {
				return fmt.Errorf("group %s is %+v %+v", g, c, c.Group)
			}
		}
		return nil
	})
}
