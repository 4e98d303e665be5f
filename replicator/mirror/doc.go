// Package mirror is the built-in mirror: it copies the records of the primary to the secondary, and learns from its own
// acknowledgements which record went where.
//
// Promise. Every record of a selected topic gets a copy in the partition of the same number, with key, value, headers (null and
// empty kept apart) and timestamp; in order, and exactly once as long as the secondary keeps what it acknowledged. Whatever
// happens (kill -9 at any step, a late produce of a dead process, a foreign writer, a truncated partition on either side,
// a topic recreated, a lost index), nothing is left out, and no position is ever answered above T(u): what can't be
// proven is copied or read again.
//
// Basics. Each partition is a small machine (partition.go) that sends batches in a window of five under its own producer
// id, epoch and sequence, and expects each to land at the next offset. Whenever anything is not as expected, and at every
// start, it compares what stands on the secondary with the primary's records (realign.go, align.go), and goes on from
// there under the next producer epoch, which fences whatever is still on the wire.
//
// Caveats. It must be the only writer of its target partitions: foreign records are found, said, and cap all positions
// until a person accepts them. Records that are equal in everything, timestamp included, cannot be told apart. A broker that
// truncates a partition and fills it up with other records to the same end, under the same leader epoch, within the second between two
// looks, is noticed by the next batch only. After the index was lost, what a
// compacted primary has deleted for good (a tombstone that is gone) looks foreign on a secondary that still has it.
package mirror
