package checkpoint

import (
	"encoding/binary"
	"errors"
	"hash/crc32"

	"github.com/leftoff/leftoff/translate"
)

// A block is up to 128 runs, each one told by its distance from the one before:
//
//	crc32c of the rest, 4 bytes
//	count            uvarint
//	then each run:   varint  primary   − primary end of the run before (0 before the first)
//	                 varint  secondary − secondary end of the run before
//	                 uvarint length<<1 | closed
//
// A transactional topic with a marker after every 25 records takes 3 bytes a run.
// Tests make it small.
var blockRuns = 128

var (
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
	errBlock   = errors.New("block does not decode")
)

// encodeBlock encodes runs in whatever order they are in.
func encodeBlock(runs []translate.Run) []byte {
	b := make([]byte, 4, 16+4*len(runs))
	b = binary.AppendUvarint(b, uint64(len(runs)))
	var p, s int64
	for _, r := range runs {
		b = binary.AppendVarint(b, r.Primary-p)
		b = binary.AppendVarint(b, r.Secondary-s)
		n := uint64(r.Length) << 1
		if r.Closed {
			n |= 1
		}
		b = binary.AppendUvarint(b, n)
		p, s = r.PrimaryEnd(), r.SecondaryEnd()
	}
	binary.BigEndian.PutUint32(b, crc32.Checksum(b[4:], castagnoli))
	return b
}

// blockReader reads a block run by run.
type blockReader struct {
	b    []byte
	left uint64
	p, s int64
}

func openBlock(b []byte) (blockReader, error) {
	if len(b) < 5 || binary.BigEndian.Uint32(b) != crc32.Checksum(b[4:], castagnoli) {
		return blockReader{}, errBlock
	}
	n, k := binary.Uvarint(b[4:])
	if k <= 0 {
		return blockReader{}, errBlock
	}
	return blockReader{b: b[4+k:], left: n}, nil
}

// next reads a run; ok is false at the end and where the block does not decode (left is then not 0).
func (d *blockReader) next() (r translate.Run, ok bool) {
	if d.left == 0 {
		return r, false
	}
	dp, ok := d.varint()
	ds, ok2 := d.varint()
	n, k := binary.Uvarint(d.b)
	if !ok || !ok2 || k <= 0 {
		return r, false
	}
	d.b = d.b[k:]
	d.left--
	r = translate.Run{Primary: d.p + dp, Secondary: d.s + ds, Length: int64(n >> 1), Closed: n&1 == 1}
	d.p, d.s = r.PrimaryEnd(), r.SecondaryEnd()
	return r, true
}

func (d *blockReader) varint() (int64, bool) {
	if len(d.b) > 0 && d.b[0] < 0x80 { // nearly always
		u := d.b[0]
		d.b = d.b[1:]
		return int64(u>>1) ^ -int64(u&1), true
	}
	v, k := binary.Varint(d.b)
	if k <= 0 {
		return 0, false
	}
	d.b = d.b[k:]
	return v, true
}

// decodeBlock appends a block's runs.
func decodeBlock(runs []translate.Run, b []byte) ([]translate.Run, error) {
	d, err := openBlock(b)
	if err != nil {
		return runs, err
	}
	for {
		r, ok := d.next()
		if !ok {
			break
		}
		runs = append(runs, r)
	}
	if d.left > 0 || len(d.b) > 0 {
		return runs, errBlock
	}
	return runs, nil
}
