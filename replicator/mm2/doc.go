// Package mm2 reads what MirrorMaker 2 says about where it put records: its offset syncs, and its checkpoints of groups.
//
// # Promise
//
//   - Every sync that was ever read is kept (Hints), in bounded memory: MirrorMaker 2 itself compacts its topic, and holds 64
//     a partition.
//   - What is said here is a prediction. Two syncs with the same difference do not prove what lies between them: a dropped
//     and a doubled record cancel out. Nothing of it is a position before records were compared (package match).
//   - A topic of that name that holds something else is refused, with a sentence; nothing of it is used.
//   - Reading again what was read before changes nothing.
//
// # Basics
//
//	Find, Locate ── which topic, on which side ──▶ Syncs ── (topic, partition, upstream, downstream) ──▶ Hints
//	                                               Checkpoints ──▶ which group offsets MirrorMaker 2 writes itself
//
// MirrorMaker 2 calls the primary upstream and the secondary downstream; so do the records, and so does this package where
// it speaks of them. Topics in syncs have the primary's names, those in checkpoints the secondary's.
//
// A restart of MirrorMaker 2 makes it copy again from its last committed source offset. The syncs show that: they go back.
// Each such stretch is a session of its own.
//
//	upstream    0 ───────────────▶ 900
//	                      800 ───────────────▶ 2000        a second session: 800 to 900 were copied twice
//	downstream  0 ─────────────────901 ─────────────▶
//
// # Caveats
//
// Syncs come late and are thinned out by MirrorMaker 2 itself (at most ten on the way at a time, see facts on
// OffsetSyncWriter): a rewind shorter than the distance of two syncs does not show.
package mm2
