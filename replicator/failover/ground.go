package failover

import (
	"context"
	"time"
)

// Ground is the link as the machine sees it. Answers are of the moment; none of them changes anything but where it says so.
type Ground interface {
	// Look is what stands where. Offsets of groups outside the scope are not in it.
	Look(ctx context.Context, in Scope) (View, error)
	// Members lists who is in the groups on the primary, by group. It asks the primary.
	Members(ctx context.Context, groups []string) (map[string][]string, error)
	// Behind lists what of the topics is not mirrored yet. It asks the primary.
	Behind(ctx context.Context, topics []string) ([]Unmirrored, error)
	// Seen is what is known of the primary without asking it.
	Seen(ctx context.Context, topics []string) (Seen, error)
	// Check compares the records at the positions: on both sides, or on the secondary alone.
	Check(ctx context.Context, in Scope, alone bool) (Checked, error)
	// Switch fences leftoff's mirror of topics, and says where. Twice is once.
	Switch(ctx context.Context, topics []string) ([]TopicReport, error)
	// SwitchBack lets the mirror go on.
	SwitchBack(ctx context.Context, topics []string) error
	// HandOver lets go of groups, and returns their verdicts. Twice is once.
	HandOver(ctx context.Context, groups []string, why string) (map[string]string, error)
	// TakeBack reclaims groups that were handed over.
	TakeBack(ctx context.Context, groups []string, why string) error
}

// View is what stands where.
type View struct {
	Ready    [2]bool // both offsets topics were read
	Error    [2]string
	Groups   []GroupView
	Topics   []string // of the primary, mirrored, of these groups
	Problems []string // of the mapping source and the index
}

// GroupView is a group.
type GroupView struct {
	Group   string
	Live    bool   // members on the secondary
	Started bool   // it had members, or committed, there since it was handed over
	Verdict string // taken_over, handed_over, reclaimed or empty
	Offsets int
	// Elsewhere are topics outside the scope that it has offsets of, too.
	Elsewhere []string
	// Due are offsets that are not written yet and will be, Pending those whose position may still get better.
	Due, Pending int
	// Held are reasons why offsets are not written.
	Held map[string]int
	// Confidence is the least of its positions; LastWritten where what stands on the secondary is all that is known, and
	// NotOurs where its positions are not leftoff's business any more.
	Confidence string
	Reread     int64 // bound; −1 where none is known
	Missing    int
	LastCommit time.Time
}

// Confidence where no position can be judged.
const (
	LastWritten = "as last written"
	NotOurs     = "handed over"
)
