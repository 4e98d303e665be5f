package checkpoint

import (
	"encoding/binary"
	"errors"

	"github.com/leftoff/leftoff/translate"
)

// frontVersion begins every value of the fronts bucket.
const frontVersion = 1

var errFront = errors.New("front does not decode")

const (
	hasFrontierBit = 1 << iota
	nextOpenBit
	hasCursorBit
)

// encodeFront is what a partition knows besides its runs and epochs.
func encodeFront(c *translate.Copies, cursor []byte) []byte {
	var flags byte
	if c.HasFrontier {
		flags |= hasFrontierBit
	}
	if c.NextOpen {
		flags |= nextOpenBit
	}
	if cursor != nil {
		flags |= hasCursorBit
	}
	b := []byte{frontVersion, flags}
	for _, n := range []int64{c.Frontier.Primary, c.Frontier.Secondary, c.Tip, c.Accepted, c.Past.Primary, c.Past.Secondary,
		c.Past.LostCopies, c.Past.LostHome, c.Past.Forgotten, int64(len(c.Foreign)), int64(len(c.Veils)), int64(len(cursor))} {
		b = binary.AppendVarint(b, n)
	}
	for _, s := range c.Foreign {
		b = binary.AppendVarint(binary.AppendVarint(b, s.From), s.To)
	}
	for _, v := range c.Veils {
		for _, n := range []int64{v.Of.From, v.Of.To, v.In.From, v.In.To, v.Covered} {
			b = binary.AppendVarint(b, n)
		}
	}
	return append(b, cursor...)
}

// frontReader reads varints until the first one that does not decode.
type frontReader struct {
	b   []byte
	bad bool
}

func (d *frontReader) next() int64 {
	n, k := binary.Varint(d.b)
	if k <= 0 {
		d.bad, d.b = true, nil
		return 0
	}
	d.b = d.b[k:]
	return n
}

func decodeFront(c *translate.Copies, b []byte) (cursor []byte, err error) {
	if len(b) < 2 || b[0] != frontVersion {
		return nil, errFront
	}
	flags := b[1]
	c.HasFrontier, c.NextOpen = flags&hasFrontierBit != 0, flags&nextOpenBit != 0
	d := frontReader{b: b[2:]}
	var foreign, veils, size int64
	for _, n := range []*int64{&c.Frontier.Primary, &c.Frontier.Secondary, &c.Tip, &c.Accepted, &c.Past.Primary, &c.Past.Secondary,
		&c.Past.LostCopies, &c.Past.LostHome, &c.Past.Forgotten, &foreign, &veils, &size} {
		*n = d.next()
	}
	for ; foreign > 0 && !d.bad; foreign-- {
		c.Foreign = append(c.Foreign, translate.Span{From: d.next(), To: d.next()})
	}
	for ; veils > 0 && !d.bad; veils-- {
		c.Veils = append(c.Veils, translate.Veil{Of: translate.Span{From: d.next(), To: d.next()},
			In: translate.Span{From: d.next(), To: d.next()}, Covered: d.next()})
	}
	if d.bad || int64(len(d.b)) != size {
		return nil, errFront
	}
	if flags&hasCursorBit == 0 {
		return nil, nil
	}
	return append([]byte{}, d.b...), nil
}
