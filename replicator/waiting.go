package replicator

import "container/heap"

// waiting holds the rows of a partition whose committed offset is past the mirror's frontier, least offset first, so that
// an advancing frontier touches only the rows it reaches.
type waiting []*row

func (w waiting) Len() int           { return len(w) }
func (w waiting) Less(i, j int) bool { return w[i].primary.offset < w[j].primary.offset }
func (w waiting) Swap(i, j int) {
	w[i], w[j] = w[j], w[i]
	w[i].heap, w[j].heap = int32(i+1), int32(j+1)
}

func (w *waiting) Push(x any) {
	r := x.(*row)
	*w = append(*w, r)
	r.heap = int32(len(*w))
}

func (w *waiting) Pop() any {
	old := *w
	r := old[len(old)-1]
	old[len(old)-1] = nil
	*w = old[:len(old)-1]
	r.heap = 0
	return r
}

// wait puts a row into its partition's heap, or restores its place after its offset changed.
func (r *row) wait() {
	w := &r.where.waiting
	if r.heap > 0 {
		heap.Fix(w, int(r.heap-1))
		return
	}
	heap.Push(w, r)
}

func (r *row) unwait() {
	if r.heap > 0 {
		heap.Remove(&r.where.waiting, int(r.heap-1))
	}
}
