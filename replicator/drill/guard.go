package drill

import (
	"context"
	"errors"
	"fmt"

	"github.com/leftoff/leftoff/replicator/kafka"
)

// errNotAShadow is a bug of this package that did no harm.
var errNotAShadow = errors.New("a drill never touches a group but its shadows")

// Writer is all that a drill can change: groups of the secondary. Only the guard calls it.
type Writer interface {
	// Commit commits offsets from outside; one error an offset.
	Commit(ctx context.Context, group string, offsets []kafka.CommitOffset) ([]error, error)
	// Join makes a member that wants the topics.
	Join(ctx context.Context, group string, topics []string) (Member, error)
	// RemoveMembers takes out members of processes that died.
	RemoveMembers(ctx context.Context, group string, ids []string) error
	// Delete deletes a group without members.
	Delete(ctx context.Context, group string) error
}

// Member of a group.
type Member interface {
	Assigned() []kafka.TopicPartition
	Lost() error
	Leave(ctx context.Context) error
}

// guard is the one place where groups are changed. It lets nothing but shadow groups pass: to join and commit only those of its own drill;
// to be emptied and deleted, those of drills that were killed, too.
type guard struct {
	to Writer
	id string
}

func (g guard) commit(ctx context.Context, group string, offsets []kafka.CommitOffset) ([]error, error) {
	if err := g.own(group); err != nil {
		return nil, err
	}
	return g.to.Commit(ctx, group, offsets)
}

func (g guard) join(ctx context.Context, group string, topics []string) (Member, error) {
	if err := g.own(group); err != nil {
		return nil, err
	}
	return g.to.Join(ctx, group, topics)
}

func (g guard) removeMembers(ctx context.Context, group string, ids []string) error {
	if err := g.any(group); err != nil {
		return err
	}
	return g.to.RemoveMembers(ctx, group, ids)
}

func (g guard) delete(ctx context.Context, group string) error {
	if err := g.any(group); err != nil {
		return err
	}
	return g.to.Delete(ctx, group)
}

func (g guard) any(group string) error {
	if _, ok := drillOf(group); !ok {
		return fmt.Errorf("group %q: %w", group, errNotAShadow)
	}
	return nil
}

func (g guard) own(group string) error {
	if id, ok := drillOf(group); !ok || id != g.id {
		return fmt.Errorf("group %q: %w", group, errNotAShadow)
	}
	return nil
}
