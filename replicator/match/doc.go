// Package match is the mapping source for any mirror that keeps partitions: it finds out where records went by comparing them
// on both sides, where consumer groups stand.
//
// # Promise
//
//   - A position is never above T(u), on the two assumptions below.
//   - It is exact only when the record itself was seen on both sides, something in the stretch compared is unique there, and
//     order was checked over the window in which the mirror may land batches out of order. Else it is a floor, with a bound,
//     and with a sentence that says what keeps it from being exact.
//   - Whole topics are never read. A group costs two stretches of some windows; the tip of a partition is read once for all
//     groups that stand there; what was proven is kept in the index and paid for once. Bytes a second are bounded, partitions
//     take turns, and the newest demand comes first.
//
// # Basics
//
//	look    once a partition: its end, its start, and places between at distances that double: from where was it copied?
//	probe   for a committed offset: bracket, predict, fetch both sides, align, prove; what is proven becomes an island
//	tip     both ends, read without a hole as they grow
//
//	secondary ─■■■■────────■■────────────────■■■■■■■■■■   islands: compared record by record, in the index
//	            ↑           ↑                 ↑
//	            group a     group b           the tip, and most groups
//
// Records are recognised by fingerprints of timestamp, key, value and headers, or of fewer of those where the mirror changes
// some (print.go). Equal differences of offsets only predict where to look.
//
// Where more offsets lie between two places of the secondary than of the primary, something was copied again, or markers lie
// there: that bracket is looked into before anything around it is called exact (shape.go). While a mirror is still copying
// again, T is lower than its newest copies, and that is what is answered.
//
// # Caveats
//
// Assumed, and checked where records are compared: copies are out of order within the window only, and a mirror that is
// restarted goes on where it stopped, or before, and leaves out nothing then that it had copied already.
//
// What was read is kept for a short while (shelf.go), as fingerprints: many groups near each other cost little more than one.
//
// A mirror that drops records and then copies exactly as many again, all of it between two places that were looked at, hides
// both from the differences; so may records that are alike. The position is then still safe, and the records that were copied
// again are read again, beyond what was said.
//
// Where the primary has deleted the start of its log, copies of that part can't be recognised. An earlier session which had come
// further may end among them: it is found by time, and where time tells nothing by steps that can't pass over it.
//
// Foreign records are found where something is compared next to them, not everywhere.
package match
