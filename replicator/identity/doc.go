// Package identity is the mapping source of offset-preserving links (Cluster Linking, Shadowing, Orbit, KIP-1279): a record
// has the same offset on both sides, so a committed offset u is its own position.
//
// # Promise
//
//   - Nothing is answered for a partition before whole records (key, value, headers, timestamp) were compared on both sides at
//     offsets spread over what both hold. Equal ends prove nothing.
//   - The comparison is repeated: every few minutes, after a change of leader epoch or topic id, after a truncation. One
//     record that differs, or a secondary that holds more than its primary, and the partition is answered SourceDegraded.
//   - A position is never past the secondary's readable end (its last stable offset) nor below its log start.
//   - A commit at the tip becomes exact within milliseconds of the copy: the secondary's end is asked for while somebody waits.
//
// # Basics
//
//	watch    each second: topics and ids of both sides, the secondary's log starts and ends, the primary's ends
//	chase    while an offset past the known end is wanted: that partition's end, every few milliseconds
//	prove    compares what is due, committed partitions first
//
// Answers come from memory. With the primary gone the last ones stand: that is the day they exist for.
//
// # Caveats
//
// A secondary without a record needs no proof: its log start is its end, nothing lies below that, and later copies land at
// or above it. Where both hold records but none in common (the primary's were deleted sooner), nothing can be proven and
// the answer is Unmapped, unless it was proven before.
//
// Samples are samples: a copy that differs only between them is found by a later comparison, or by `verify`.
package identity
