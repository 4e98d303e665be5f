// Package translate knows where the records of a partition went, and answers "where would this group go on?" in both
// directions. Pure functions over runs; standard library only.
//
// # Promise
//
// For a committed offset u of the primary (the next record to read),
//
//	T(u) = min over mirrored primary records s >= u, still available on the secondary, of the LAST copy of s
//
// is the greatest secondary position from which nothing unread is skipped. Forward never answers more than T(u), nor more
// than the first unaccepted foreign record. When it says Exact it is T(u): reading again what lies between could not have
// been avoided, and there is nothing between. Reread bounds the records in [answer, T(u)).
//
// Reverse is the way home: the least primary record whose FIRST copy is at v or above.
//
// # Basics
//
// Copies arrive in the order of the secondary's log. As long as the mirror goes forward, they are one line that rises on
// both axes, and both directions are a bisection. A mirror that restarts copies again: the primary offset goes back while
// the secondary goes on.
//
//	primary 0..99 → 0..99, then 50..69 → 100..119 (and the mirror is still at it)
//
//	secondary
//	 120 |               o           o  pending: the last copies of 50..69, but 70..99 still lie below them:
//	 100 |             o                whoever needs 55 must start at 70, not at 105
//	  99 |                    *
//	  70 |                 *         *  main: the copies that decide T
//	  50 |             x x
//	     |        *                  x  dead: 50..69 the first time. They decide Reverse, and they are the last
//	   0 |*                             copies again when the secondary loses its tail
//	     +-------------------------- primary
//
//	T(49) = 49, T(50) = … = T(70) = 70, T(71) = 71; when the second copy of 99 has arrived, 50..99 → 100..149 is main.
//
// Copies keeps the three apart: main rises on both axes and may be millions of runs, most of them on disk (Older);
// pending and dead are the leftovers of restarts, few, and in memory.
//
// A source that compares records where it is asked to, instead of seeing all of them copied, grafts: a span of the primary was
// compared as a whole, and the main line over it is these runs. What lies between spans is an open gap; re-copies are the
// source's business, which grafts the last copies only.
//
// # Caveats
//
// The mirror keeps order within a gap: copies of the records in an open gap lie between the copies around it. An unseen
// second copy hidden in an open gap is not known; answers stay safe, but records may be read again.
package translate
