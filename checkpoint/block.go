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
	dp, ds, n, k := step(d.b)
	if k == 0 {
		return r, false
	}
	d.b, d.left = d.b[k:], d.left-1
	r = translate.Run{Primary: d.p + dp, Secondary: d.s + ds, Length: int64(n >> 1), Closed: n&1 == 1}
	d.p, d.s = r.PrimaryEnd(), r.SecondaryEnd()
	return r, true
}

// seek reads up to the first run that ends above an offset of one side; prev is the run before it. It is next in a loop,
// as lookups spend most of their time here.
func (d *blockReader) seek(offset int64, side Side) (prev, next translate.Run, found bool) {
	b, left, p, s := d.b, d.left, d.p, d.s
	var startP, startS int64
	var n uint64
	for ; left > 0; left-- {
		dp, ds, m, k := step(b)
		if k == 0 {
			break
		}
		b = b[k:]
		endP, endS := p+dp+int64(m>>1), s+ds+int64(m>>1)
		end := endP
		if side == Secondary {
			end = endS
		}
		if end > offset {
			next, found = translate.Run{Primary: p + dp, Secondary: s + ds, Length: int64(m >> 1), Closed: m&1 == 1}, true
			left--
			p, s = endP, endS
			break
		}
		startP, startS, n = p+dp, s+ds, m
		p, s = endP, endS
	}
	d.b, d.left, d.p, d.s = b, left, p, s
	return translate.Run{Primary: startP, Secondary: startS, Length: int64(n >> 1), Closed: n&1 == 1}, next, found
}

// step decodes one run's three numbers and says how many bytes they took; 0 when they do not decode.
func step(b []byte) (dp, ds int64, n uint64, k int) {
	if len(b) >= 3 && (b[0]|b[1]|b[2]) < 0x80 { // nearly always
		return int64(b[0]>>1) ^ -int64(b[0]&1), int64(b[1]>>1) ^ -int64(b[1]&1), uint64(b[2]), 3
	}
	return slowStep(b)
}

func slowStep(b []byte) (dp, ds int64, n uint64, k int) {
	dp, i := binary.Varint(b)
	if i <= 0 {
		return 0, 0, 0, 0
	}
	ds, j := binary.Varint(b[i:])
	if j <= 0 {
		return 0, 0, 0, 0
	}
	n, l := binary.Uvarint(b[i+j:])
	if l <= 0 {
		return 0, 0, 0, 0
	}
	return dp, ds, n, i + j + l
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
