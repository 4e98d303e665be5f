// Package drill rehearses the failover of a link without disturbing anybody.
//
// # Promise
//
// For every position that groups hold on the secondary, a consumer resumes there under a shadow name, `leftoff-drill.<id>.<group>`: it joins,
// is assigned its partitions, reads the committed offsets and fetches exactly there. There is no reset policy: no offset, or one
// out of range, is a failure. What it reads, and what lies below, is compared with what the group has read and would read
// on the primary. What the primary has and the secondary has not is counted. All of it goes into a Report.
//
// No group but shadow groups is joined, committed, emptied or deleted, on either side: every such request passes the guard,
// and the guard lets only these names pass. Nothing is ever written on the primary, and no record anywhere.
//
// Shadow groups are deleted at the end, also after an error or an interrupt. A drill that was killed leaves some behind: the next
// one deletes them, or Sweep. It tells a drill that was killed from one that runs by its beacon, a group `leftoff-drill.<id>` without topics, which has
// a member as long as the process lives.
//
// # Caveats
//
// Offsets are read on the secondary first, then on the primary: with a group that goes on committing, what it commits in between looks as
// if it were read again. The times are those of this machine, with as many groups at once as Options.Parallel.
package drill
