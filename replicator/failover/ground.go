package failover

import (
	"cmp"
	"context"
	"fmt"
	"strings"
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
	// Open lists transactions that are open on topics: From is where each partition can be read up to, To where it ends. It asks the primary.
	Open(ctx context.Context, topics []string) ([]Unmirrored, error)
	// Land waits a moment for what leftoff's mirror has read of topics and has not on the secondary yet; left is how many offsets are still on their way.
	Land(ctx context.Context, topics []string) (left int64, err error)
	// Seen is what is known of the primary without asking it.
	Seen(ctx context.Context, topics []string) (Seen, error)
	// Check compares the records at the positions: on both sides, or on the secondary alone. It returns soon. What takes longer goes on by
	// itself, and waits say how far it is: who asks again with the same ID is told of the same look, until its answer was given.
	Check(ctx context.Context, o Look) (c Checked, waits []string, err error)
	// Switch fences leftoff's mirror of topics, and says where. Twice is once.
	Switch(ctx context.Context, topics []string) ([]TopicReport, error)
	// Written lists what the secondary has of topics past where they were switched. Where it can't be asked that is an error.
	Written(ctx context.Context, switched map[string]Role) ([]Written, error)
	// SwitchBack lets the mirror go on.
	SwitchBack(ctx context.Context, topics []string) error
	// HandOver lets go of groups, and returns their verdicts. Twice is once.
	HandOver(ctx context.Context, groups []string, why string) (map[string]string, error)
	// TakeBack reclaims groups that were handed over.
	TakeBack(ctx context.Context, groups []string, why string) error
}

// Look says what to check.
type Look struct {
	ID    string // of the failover, or Dry
	Scope Scope
	Alone bool // on the secondary: the primary is gone
	// Accept: an answer that was given a short while ago may be given again. It is what a person has read, and lets pass.
	Accept bool
	// Peek: begin none, and take no answer from who will ask for it.
	Peek bool
}

// Written is what a partition of a switched topic got on the secondary since: from S* on.
type Written struct {
	Topic     string // the primary's name
	There     string // the secondary's
	Partition int32
	From, To  int64 // offsets of the secondary
	Fenced    bool  // leftoff's mirror copies the topic, and has written nothing since
	Anew      bool  // it ends before S*: the topic was made anew, or cut
}

// Compare orders by topic and partition.
func (w Written) Compare(other Written) int {
	return cmp.Or(strings.Compare(w.Topic, other.Topic), cmp.Compare(w.Partition, other.Partition))
}

// Dry is the ID of a look that belongs to no failover.
const Dry = "trial"

// View is what stands where.
type View struct {
	Ready    [2]bool // both offsets topics were read
	Error    [2]string
	Groups   []GroupView
	Topics   []string // of the primary, mirrored, of these groups
	Absent   []string // of Topics: those that the secondary was asked for and does not have
	Problems []string // of the mapping source and the index
	// Unkept are reasons why what happens may not be kept on the secondary, as far as is known without writing there.
	Unkept []string
	// Unlisted: nothing tells of topics that no group reads. The primary is gone, and nobody kept a list.
	Unlisted bool
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

// ready says what is not known yet; the primary only counts where it must be there.
func ready(v View, both bool) []string {
	var missing []string
	for side, name := range []string{"primary", "secondary"} {
		switch {
		case side == 0 && !both:
		case v.Error[side] != "":
			missing = append(missing, fmt.Sprintf("the %s does not answer: %s", name, v.Error[side]))
		case !v.Ready[side]:
			missing = append(missing, fmt.Sprintf("the offsets of the %s are being read", name))
		}
	}
	return missing
}
