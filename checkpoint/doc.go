// Package checkpoint is the index of a link: which records the mirror put where, how far it has come, which leader epochs
// were seen, and the verdicts on groups. One bbolt file a link.
//
// # Promise
//
// What a mapping source writes is visible to lookups at once and durable at the next Flush, together for each partition:
// runs, frontier, cursor, epochs and foreign spans of one moment (Together widens the moment to several writes). A process
// killed at any step finds the state of one Flush, never a mixture. A Flush that fails (a full disk) loses nothing: memory
// stays dirty and the next one tries again. Verdicts and intents are durable before their call returns.
//
// Runs are never used for other topics than those they were made for: a pair is known by both names and both topic ids,
// the index by both cluster ids. What does not match is a new pair with a new number, or ErrOtherLink.
//
// # Basics
//
//	x, err := checkpoint.Open(path, checkpoint.Options{Link: link})
//	pair, created, err := x.Pair(topics)        // the live pair of these topics
//	p := pair.Partition(3)                      // one writer: its mapping source
//	p.Append(run); p.Advance(frontier)
//	p.Forward(u, bounds)                        // from anywhere
//	x.Flush()                                   // once a second
//
// The answers are package translate's; this package only keeps its Copies on disk. The end of each partition's main line is in
// memory (the open block and up to four before it), the rest is read from bbolt in place, in views of microseconds:
//
//	                     disk: blocks of 128 runs, 3 bytes a run          memory
//	main line  [0 …][4 711 …][9 386 …] … [1 204 416 …][1 209 007 …]  =  [1 204 416 …][1 209 007 …][open …]
//	            older: found by key                                      keys[0]: rewritten from the first change on
//
// A source that copies, or sees everything copied, appends. One that compares where it is asked to grafts instead: spans of the
// main line, in any order, each compared as a whole (Graft, GraftEnd, Drop). A partition is one or the other.
//
// Where a graft, a re-copy or a truncation reaches further back, the blocks from there on come into memory until the next Flush.
// Prune drops blocks wholly below a log start, so the file of a busy transactional topic stays flat.
//
// # Caveats
//
// bbolt never gives pages back to the file system: Compact does, with nobody else at the file.
//
// Copies that were made again (pending, dead) are all in memory, 32 bytes a run, until a log start passes them; so is, until
// the next Flush, the main line after the point a mirror went back to.
//
// Advance asserts that everything below it was appended or lies in an open gap before a run that was. A source that does
// not know that must not advance.
package checkpoint
