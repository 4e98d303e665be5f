// Package failover is the day of the failover: a state machine that takes the groups of a link from one region to the other,
// step by step, each step durable on the secondary before the next begins.
//
// # Promise
//
//   - Any step may be killed and repeated, by another process on another machine, with an empty disk: the state is a topic of the
//     secondary, and every step is idempotent.
//   - Two operators at once: the second is told where the first stands. Of two that write at the same time one loses, and knows it.
//   - Nothing is switched before the step that says so, and what was switched stays so: a primary that comes back finds leftoff's
//     mirror fenced, and a daemon that starts anew knows which groups it must not write.
//   - What is not known is said: the age of what was last seen, and records that were never mirrored, as "at least".
//
// # Basics
//
//	planned    preflight ─▶ stop ─▶ drain ─▶ sync ─▶ verify ─▶ switch ─▶ hand_over ─▶ done
//	unplanned  freeze ────────────────────▶ sync ─▶ verify ─▶ switch ─▶ hand_over ─▶ done
//	rollback   from anywhere, until a group has started on the secondary: take_back ─▶ rolled_back
//
// A step looks, says what it waits for, and does its work when there is nothing to wait for. What stop, drain and sync waited for is asked
// once more right before anything changes hands: verify may take an hour. What still slips through, between that look and the fence, is
// counted and noted. The machine runs only while somebody watches it (Advance): an operator who goes away leaves it at a step that is
// written down, and whoever comes goes on. Who only wants to know looks (Where), and changes nothing.
//
// State is the fold of an append-only log: topic leftoff-state, one partition, nothing of it ever deleted or compacted. The
// same log is the audit: who did what, when and why.
//
// # Caveats
//
// A mirror that is not leftoff's can't be fenced. After the switch, records that it still copies are said to be there
// (alarm), not kept away; with mapping identity, which learns nothing of places, not even said. Another leftoff that mirrors the same
// link learns of a switch within seconds, not at once.
//
// What counts in the log is its order. A machine that was away meanwhile goes by the clocks for what it had concluded itself and
// not written down.
package failover
