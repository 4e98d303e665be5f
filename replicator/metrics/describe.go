package metrics

import "github.com/prometheus/client_golang/prometheus"

// metric is one family: what it is called, what it says, and its labels.
type metric struct {
	desc *prometheus.Desc
	kind prometheus.ValueType
}

func counter(name, help string, labels ...string) metric {
	return metric{prometheus.NewDesc("leftoff_"+name, help, labels, nil), prometheus.CounterValue}
}

func gauge(name, help string, labels ...string) metric {
	return metric{prometheus.NewDesc("leftoff_"+name, help, labels, nil), prometheus.GaugeValue}
}

// The families. docs/metrics.md says when to be woken by which.
var (
	buildInfo = gauge("build_info", "Always 1; the version is a label.", "version")

	clusterUp = gauge("cluster_up", "1 where the cluster answered last time.", "link", "side")
	caughtUp  = gauge("caught_up", "1 where the offsets topic was read up to where it ended at start.", "link", "side")
	pairs     = gauge("offsets_known", "Committed (group, topic, partition) known.", "link", "side")
	writable  = gauge("writable", "1 where leftoff writes: both sides caught up, and the gate is open.", "link")
	problems  = gauge("problems", "Problems that `leftoff status` names: of the mapping, the index, what is kept on the secondary, a mirror that still copies into switched topics.", "link")
	stampKept = gauge("stamp_kept", "1 where the secondary keeps leftoff's mark, 0 where it drops it; absent before the first write.", "link")

	groups       = gauge("groups", "Consumer groups with commits in chosen topics.", "link")
	groupsLeft   = gauge("groups_filtered", "Consumer groups that the configuration leaves out.", "link")
	groupsLive   = gauge("groups_live", "Groups with members on the secondary.", "link")
	groupVerdict = gauge("groups_by_verdict", "Groups by verdict: taken_over, handed_over, reclaimed.", "link", "verdict")
	inFlight     = gauge("groups_in_flight", "Groups with a request to the secondary under way.", "link")

	offsets        = gauge("offsets", "Committed offsets by the confidence of their position: exact, floor, behind, unmapped.", "link", "confidence")
	offsetsPending = gauge("offsets_pending", "Committed offsets of which a better position is being looked for.", "link")
	held           = gauge("offsets_held", "Committed offsets that are not written, by reason.", "link", "reason")
	due            = gauge("offsets_due", "Committed offsets that are to be written now.", "link")
	missing        = gauge("offsets_missing", "Committed offsets of which the secondary holds none: auto.offset.reset would decide there.", "link")
	uncommitted    = gauge("partitions_uncommitted", "Mirrored partitions of a committed group's topics without a commit on the primary either.", "link")
	orphans        = gauge("offsets_deleted_on_primary", "Offsets of leftoff's that stay on the secondary although the primary has them no more.", "link")
	lagRecords     = gauge("lag_records", "Records that would be read again now because the secondary does not hold the newest position yet.", "link")
	rereadRecords  = gauge("reread_records", "Records that may be read again because positions are not exact: the sum of the bounds that are known.", "link")
	skipRecords    = gauge("skip_records", "Records that would be skipped now because the secondary holds more than it should.", "link")
	oldestDue      = gauge("oldest_due_seconds", "Age of the oldest commit that is to be written and is not; 0 where there is none.", "link")
	outputsWait    = gauge("outputs_waiting_seconds", "How long the outputs of a commit have been waited for, at most (policy after); 0 where none waits.", "link")

	comparePartitions = gauge("compare_partitions", "Partitions whose records are compared, by state: looked_at, waiting.", "link", "state")
	compareWanted     = gauge("compare_wanted", "Offsets that are being looked for by comparing records.", "link")
	compareProbes     = counter("compare_probes_total", "Offsets that were looked for by comparing records.", "link")
	compareConflicts  = counter("compare_conflicts_total", "How often what was compared contradicted what was known, and was compared anew.", "link")
	compareFetches    = counter("compare_fetches_total", "Fetches to compare records.", "link", "side")
	compareBytes      = counter("compare_bytes_total", "Bytes read to compare records.", "link", "side")

	drillLast      = gauge("drill_last_run_timestamp_seconds", "When the newest drill ended, in seconds since 1970. Only with drill.every.", "link")
	drillSuccess   = gauge("drill_last_success_timestamp_seconds", "When the newest drill that has passed ended; 0 where none has. Only with drill.every.", "link")
	drillResult    = gauge("drill_last_result", "1 for what came out of the newest drill: passed, failed, incomplete. Only with drill.every.", "link", "result")
	drillPositions = gauge("drill_positions", "Positions of the newest drill, by what their records show. Only with drill.every.", "link", "verdict")
	drillRPO       = gauge("drill_rpo_seconds", "Age of the oldest record that would have been lost in the newest drill; absent where it is not known.", "link")
	drillRTO       = gauge("drill_rto_seconds", "The longest time that a group took to resume in the newest drill.", "link")
	drillHeld      = gauge("drill_held", "1 where a drill is due and waits: a failover is under way, or a side is still being read. Only with drill.every.", "link")

	commitsRead  = counter("commits_read_total", "Commits read from the primary.", "link")
	written      = counter("offsets_written_total", "Offsets that the secondary acknowledged.", "link")
	coalesced    = counter("commits_coalesced_total", "Commits superseded by a newer one of their key before they were sent.", "link")
	refused      = counter("offsets_refused_total", "Offsets that the secondary refused.", "link")
	rewinds      = counter("rewinds_total", "Commits of the primary below the one before.", "link")
	raised       = counter("positions_raised_total", "Positions raised because the secondary's log start passed them.", "link")
	refreshed    = counter("offsets_refreshed_total", "Idle offsets written again so that they do not expire.", "link")
	removed      = counter("offsets_removed_total", "Offsets deleted on the secondary because they were on the primary (policy tombstones: delete).", "link")
	unreadable   = counter("records_unreadable_total", "Records of the offsets topics whose version is newer than this leftoff.", "link")
	unknownTypes = counter("records_unknown_total", "Records of the offsets topics of a type that this leftoff does not know.", "link")

	groupLag  = gauge("group_lag_records", "lag_records of one group. Only with metrics.per_group.", "link", "group")
	groupSkip = gauge("group_skip_records", "skip_records of one group. Only with metrics.per_group.", "link", "group")
	groupHeld = gauge("group_offsets_held", "offsets_held of one group. Only with metrics.per_group.", "link", "group")
)

var families = []metric{
	buildInfo, clusterUp, caughtUp, pairs, writable, problems, stampKept, groups, groupsLeft, groupsLive, groupVerdict, inFlight,
	offsets, offsetsPending, held, due, missing, uncommitted, orphans, lagRecords, rereadRecords, skipRecords, oldestDue, outputsWait,
	comparePartitions, compareWanted, compareProbes, compareConflicts, compareFetches, compareBytes,
	drillLast, drillSuccess, drillResult, drillPositions, drillRPO, drillRTO, drillHeld,
	commitsRead, written, coalesced, refused, rewinds, raised, refreshed, removed, unreadable, unknownTypes, groupLag, groupSkip, groupHeld,
}
