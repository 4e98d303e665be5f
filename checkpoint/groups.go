package checkpoint

import "maps"

// Verdict is the durable judgement on a group.
func (x *Index) Verdict(group string) (Verdict, bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	v, ok := x.verdicts[group]
	return v, ok
}

// Verdicts returns a copy of all of them.
func (x *Index) Verdicts() map[string]Verdict {
	x.mu.Lock()
	defer x.mu.Unlock()
	return maps.Clone(x.verdicts)
}

// SetVerdict is durable when it returns.
func (x *Index) SetVerdict(group string, v Verdict) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.verdicts[group] = v
	return nil
}

// ClearVerdict is durable when it returns.
func (x *Index) ClearVerdict(group string) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	delete(x.verdicts, group)
	return nil
}

// PutIntents is durable when it returns.
func (x *Index) PutIntents(all []Intent) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, i := range all {
		x.intents[i.OffsetKey] = i
	}
	return nil
}

// Intents walks all of them until yield says false.
func (x *Index) Intents(yield func(Intent) bool) error {
	x.mu.Lock()
	all := maps.Clone(x.intents)
	x.mu.Unlock()
	for _, i := range all {
		if !yield(i) {
			break
		}
	}
	return nil
}

// DropIntents forgets keys, durable when it returns.
func (x *Index) DropIntents(keys []OffsetKey) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, k := range keys {
		delete(x.intents, k)
	}
	return nil
}

// PutHeld keeps commits that are not written yet, durable at the next Flush.
func (x *Index) PutHeld(all []Held) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, h := range all {
		x.held[h.OffsetKey] = h
	}
}

// DropHeld forgets keys, durable at the next Flush.
func (x *Index) DropHeld(keys []OffsetKey) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, k := range keys {
		delete(x.held, k)
	}
}

// Held walks all of them until yield says false.
func (x *Index) Held(yield func(Held) bool) error {
	x.mu.Lock()
	all := maps.Clone(x.held)
	x.mu.Unlock()
	for _, h := range all {
		if !yield(h) {
			break
		}
	}
	return nil
}
