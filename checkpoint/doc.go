// Package checkpoint is the index of a link: which records the mirror put where, how far it has come, which leader epochs
// were seen, and the verdicts on groups. One bbolt file a link.
//
// Promise. What a mapping source writes is visible to lookups at once and durable at the next Flush, together for each
// partition: runs, frontier, cursor, epochs and foreign spans of one moment. A process killed at any step finds the state
// of an earlier Flush, never a mixture.
package checkpoint
