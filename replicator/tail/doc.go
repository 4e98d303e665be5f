// Package tail follows `__consumer_offsets` of one cluster and hands on what its records mean, as replicator.Changes.
//
// # Promise
//
//   - Whoever keeps the newest Order of each key holds what the group coordinators hold: commits of a transaction appear when
//     its commit marker does, under the Order of their own record, so that a later plain commit wins, and those of an
//     aborted one never.
//   - An open transaction delays nobody: the log is read uncommitted, and each producer's pending commits are kept aside.
//   - Batch.CaughtUp is a fact about positions, never about "the last record": a compacted tail, a trailing marker or an
//     empty partition does not keep a tail from catching up.
//   - Nothing is dropped. A slow Out slows the fetches down.
//   - A cluster that is down is waited for; State says so.
//
// # Basics
//
//	opener ── found, opened ──▶
//	                            run ── replicator.Batch ──▶ Out
//	poller ── fetched ────────▶
//
// The opener asks for the topic's partitions and their ends, about once a second; the poller waits for data; run owns all
// bookkeeping. A tail keeps nothing on disk: it always starts at the log start (1.2 s a million records).
//
// # Caveats
//
// A partition whose log was cut below the position (an unclean election, a trimmed log) is read again from its log start;
// commits that the cluster lost that way stay with whoever kept them, as their group really did read that far.
//
// A deleted and recreated `__consumer_offsets` ends Run with ErrRecreated: Orders start over there, so the ledger must, too.
package tail
