package mirror

import "github.com/leftoff/leftoff/translate"

// spans are offsets of a partition.
type spans []translate.Span

// spansOf asks when it is needed: what a way home left out is known once what is kept on the secondary was read.
func spansOf(ask func([16]byte, int32) []translate.Span, id [16]byte, n int32) func() spans {
	return func() spans {
		if ask == nil {
			return nil
		}
		return ask(id, n)
	}
}

func (all spans) has(offset int64) bool {
	for _, s := range all {
		if s.From <= offset && offset < s.To {
			return true
		}
	}
	return false
}

// past is the first offset at or after one that is in none of them. They are in order.
func (all spans) past(offset int64) int64 {
	for _, s := range all {
		if s.From <= offset && offset < s.To {
			offset = s.To
		}
	}
	return offset
}
