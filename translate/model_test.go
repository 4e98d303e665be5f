package translate

// model is the naive truth: it holds every single copy, told or not, and every foreign record.
type model struct {
	copies  map[int64]int64 // secondary offset → primary offset
	foreign map[int64]bool  // secondary offset → accepted by a person
	end     int64           // the secondary's log end
	next    int64           // the primary's next record to copy
	log     Bounds          // the primary's, End unused
	logs    int64           // the secondary's log start
}

func newModel() *model {
	return &model{copies: map[int64]int64{}, foreign: map[int64]bool{}}
}

// top is one past the greatest primary offset ever copied.
func (m *model) top() (top int64) {
	for _, s := range m.copies {
		top = max(top, s+1)
	}
	return top
}

// forward returns T(u) for u in 0..n, over the copies the secondary still has.
func (m *model) forward(n int64) []int64 {
	last := map[int64]int64{}
	for d, s := range m.copies {
		if d >= m.logs {
			last[s] = max(last[s], d)
		}
	}
	t := make([]int64, n+1)
	low := m.end
	for s := max(n, m.top()); s >= 0; s-- {
		if d, ok := last[s]; ok {
			low = min(low, d)
		}
		if s <= n {
			t[s] = max(low, m.logs)
		}
	}
	return t
}

// firstForeign is the first unaccepted foreign record.
func (m *model) firstForeign() int64 {
	first := int64(None)
	for d, accepted := range m.foreign {
		if !accepted && d >= m.logs {
			first = min(first, d)
		}
	}
	return first
}

// records counts what can be read in [from, to).
func (m *model) records(from, to int64) (n int64) {
	for d := from; d < to; d++ {
		_, copied := m.copies[d]
		if _, foreign := m.foreign[d]; copied || foreign {
			n++
		}
	}
	return n
}

// reverse is the least available primary record whose first copy is at v or above.
func (m *model) reverse(v int64) (int64, bool) {
	first := map[int64]int64{}
	for d, s := range m.copies {
		if f, ok := first[s]; !ok || d < f {
			first[s] = d
		}
	}
	home := int64(None)
	for s, d := range first {
		if d >= v && s >= m.log.LogStart {
			home = min(home, s)
		}
	}
	return home, home != None
}

// read counts the records in [from, to) of the primary that a group at v has read.
func (m *model) read(from, to, v int64) int64 {
	seen := map[int64]bool{}
	for d, s := range m.copies {
		if d < v && s >= from && s < to {
			seen[s] = true
		}
	}
	return int64(len(seen))
}

// truncate drops the secondary's copies from an offset on.
func (m *model) truncate(from int64) {
	for d := range m.copies {
		if d >= from {
			delete(m.copies, d)
		}
	}
	for d := range m.foreign {
		if d >= from {
			delete(m.foreign, d)
		}
	}
	m.end = from
}

// void makes foreign records of the last copies of what the primary lost, and forgets the others.
func (m *model) void(from int64) {
	last := map[int64]int64{}
	for d, s := range m.copies {
		last[s] = max(last[s], d)
	}
	for d, s := range m.copies {
		if s < from {
			continue
		}
		delete(m.copies, d)
		if last[s] == d && d >= m.logs {
			m.foreign[d] = false
		}
	}
}
