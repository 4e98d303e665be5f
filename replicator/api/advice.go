package api

import "github.com/leftoff/leftoff/replicator"

// Advice is what a person should know about a reason at 3 a.m.: one line each. docs/reasons.md says more.
type Advice struct {
	Meaning string
	Do      string
	// Rank orders reasons, worst first: 0 somebody would lose records, 1 somebody has to act, 2 look at it by day, 3 it
	// passes by itself, 4 as wished.
	Rank int
}

// AdviceOn a reason.
func AdviceOn(r replicator.Reason) Advice { return advices[r] }

var advices = map[replicator.Reason]Advice{
	replicator.AheadOnSecondary: {
		"the secondary holds a higher offset that leftoff did not write: consumers that resume there skip records",
		"find out who wrote it; to let leftoff set it back: leftoff reclaim GROUP", 0},
	replicator.Unauthorized: {
		"the secondary refuses the write", "grant leftoff's user READ on the group and on the topic (secondary); with tombstones: delete DELETE on the group, too", 1},
	replicator.TopicRecreated: {
		"the topic was deleted and created again since this commit", "nothing, once the group commits again; else delete its old offset on the primary", 1},
	replicator.PartitionMismatch: {
		"the topic has fewer partitions on the secondary, or records of one partition lie in several there",
		"give the secondary's topic the primary's partition count, with a mirror that keeps partitions", 1},
	replicator.TopicMissing: {
		"the topic does not exist on the secondary", "let the mirror create it, or exclude it from the link", 1},
	replicator.PartitionMissing: {
		"the partition does not exist on the secondary yet", "let the mirror add it; it is tried again by itself", 1},
	replicator.SourceDegraded: {
		"the mapping source or the tail can't vouch for what it knows", "read the detail; leftoff's log says what happened", 1},
	replicator.OtherReplicator: {
		"another program copies this group's offsets, too", "turn its offset sync off for the group (MirrorMaker 2: sync.group.offsets.enabled=false), then leftoff reclaim GROUP", 1},
	replicator.ForeignValue: {
		"the secondary holds an offset that leftoff did not write", "leftoff reclaim GROUP, or policy.first_contact", 1},
	replicator.Unmapped: {
		"nothing provable is known of where the offset lies on the secondary", "is the mirror copying the topic? policy.unmapped says what to do meanwhile", 1},
	replicator.Unreachable: {
		"the secondary does not answer", "is it up, and reachable from here? leftoff keeps trying", 1},
	replicator.MetadataTooLarge: {
		"the secondary refuses the commit's metadata, even without it", "raise offset.metadata.max.bytes on the secondary", 2},
	replicator.TakenOver: {
		"consumers ran on the secondary: the group is theirs", "once they are stopped for good: leftoff reclaim GROUP", 2},
	replicator.HandedOver: {
		"leftoff let go of the group at a failover", "to bring it home with its topics: leftoff failback; where no topic was switched: leftoff reclaim GROUP", 2},
	replicator.RewindNever: {
		"the group went back on the primary, and policy.rewind is never", "policy.rewind: follow, or reset the group on the secondary by hand", 2},
	replicator.ShareGroupID: {
		"it is a share group, which has no committed offsets", "nothing: share groups are not replicated", 2},
	replicator.GroupLive: {
		"consumers of the group run on the secondary right now", "nothing, if they should; else stop them, then leftoff reclaim GROUP", 2},
	replicator.CatchingUp: {
		"leftoff is still reading the offsets topics or comparing records: a better position is being looked for", "wait; it takes seconds", 3},
	replicator.WaitingForOutputs: {
		"what the application wrote before this commit is not mirrored yet", "wait; see policy.after", 3},
	replicator.NotOwner: {
		"another leftoff process writes this group", "nothing", 3},
	replicator.Filtered: {
		"the configuration leaves it out", "topics and groups of the link, if it should not", 4},
}
