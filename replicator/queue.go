package replicator

import "container/heap"

// queue holds groups to plan. The one that nothing was sent for the longest is next; among equals, whoever came first. Over a long
// or a busy line those that commit all the time wait for their turn with the newest of their commits, and a group that commits once
// does not wait behind thousands of them.
//
// Nobody waits for ever: who overtakes is sent something then, and does not overtake again. A group waits for each of the others
// once, at most.
type queue struct {
	line  line
	count uint64
}

func (q *queue) len() int { return len(q.line) }

// put lines a group up that is in no queue. Its sentAt must not change before it is taken.
func (q *queue) put(g *group) {
	q.count++
	g.queued = q.count
	heap.Push(&q.line, g)
}

// take returns the group that is next; nil when nobody waits.
func (q *queue) take() *group {
	if len(q.line) == 0 {
		return nil
	}
	g := heap.Pop(&q.line).(*group)
	g.queued = 0
	return g
}

// line is a heap of groups.
type line []*group

func (l line) Len() int { return len(l) }
func (l line) Less(i, j int) bool {
	a, b := l[i], l[j]
	return a.sentAt < b.sentAt || a.sentAt == b.sentAt && a.queued < b.queued
}
func (l line) Swap(i, j int) { l[i], l[j] = l[j], l[i] }

func (l *line) Push(x any) { *l = append(*l, x.(*group)) }

func (l *line) Pop() any {
	old := *l
	last := len(old) - 1
	g := old[last]
	old[last] = nil
	*l = old[:last]
	return g
}
