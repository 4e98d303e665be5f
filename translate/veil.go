package translate

// Veil says that copies of some records with primary offsets in Of lie at secondary offsets in In, nobody knows which.
// It is what an open gap leaves behind when the main line before it is copied again, or what follows it is cut off: from
// then on the order of the main line says nothing about what was copied there.
//
// Until every one of those records is known to have a later copy (Covered, the least of them that has none), no position
// at or before them passes In.From. A covered veil is kept: the later copies may be lost again.
type Veil struct {
	Of, In  Span
	Covered int64
}

// maxVeils bounds what lookups walk through; more of them become one.
const maxVeils = 64

func (c *Copies) addVeil(of, in Span) {
	if of.From >= of.To || in.From >= in.To {
		return
	}
	for _, v := range c.Veils {
		if v.Of.To == of.To && v.In.To == in.To {
			return // the gap before the same run, known better then
		}
	}
	c.Past.Forgotten = max(c.Past.Forgotten, of.To)
	c.Veils = append(c.Veils, Veil{Of: of, In: in, Covered: of.From})
	if len(c.Veils) <= maxVeils {
		return
	}
	all := c.Veils[0]
	for _, v := range c.Veils {
		all.Of = Span{min(all.Of.From, v.Of.From), max(all.Of.To, v.Of.To)}
		all.In = Span{min(all.In.From, v.In.From), max(all.In.To, v.In.To)}
		all.Covered = min(all.Covered, v.Covered)
	}
	c.Veils = []Veil{all}
}

// cover notes the newest copies: those of their records behind a veil are not the last ones any more.
func (c *Copies) cover(r Run) {
	for i, v := range c.Veils {
		if r.Primary <= v.Covered && v.Covered < r.PrimaryEnd() {
			c.Veils[i].Covered = r.PrimaryEnd()
		}
	}
}

// trimVeils drops what is gone from the secondary outside [from, to), and begins to cover again: later copies may be lost.
func (c *Copies) trimVeils(from, to int64, again bool) {
	var kept []Veil
	for _, v := range c.Veils {
		if again {
			v.Covered = v.Of.From
		}
		if v.In.To = min(v.In.To, to); v.In.To > max(v.In.From, from) {
			kept = append(kept, v)
		}
	}
	c.Veils = kept
}

// behindVeil lowers a position to what veils allow.
func (c *Copies) behindVeil(u int64, pos Position, logStart int64) Position {
	for _, v := range c.Veils {
		// A covered one hides nothing, but perhaps the only copy left of a record whose known ones were pruned.
		hides := v.Covered < v.Of.To || c.Past.Secondary > 0
		if u < v.Of.To && hides && v.In.To > logStart {
			pos = lower(pos, max(v.In.From, logStart), Floor)
		}
	}
	return pos
}
