package checkpoint

import (
	"encoding/binary"
	"hash/crc32"
	"slices"
	"testing"

	"github.com/leftoff/leftoff/translate"
)

// FuzzBlock: whatever a block holds, reading it ends, and what reads as a block is written the same again; seek agrees
// with reading it all.
func FuzzBlock(f *testing.F) {
	f.Add(encodeBlock([]translate.Run{{Primary: 5, Secondary: 4, Length: 3, Closed: true}, {Primary: 9, Secondary: 7, Length: 1 << 40}})[4:], int64(8))
	f.Add([]byte{2, 0, 0, 3, 2, 0}, int64(1))
	f.Fuzz(func(t *testing.T, body []byte, offset int64) {
		block := binary.BigEndian.AppendUint32(nil, crc32.Checksum(body, castagnoli))
		block = append(block, body...)
		runs, err := decodeBlock(nil, block)
		if err != nil {
			return
		}
		again, err := decodeBlock(nil, encodeBlock(runs))
		if err != nil || !slices.Equal(again, runs) {
			t.Fatalf("%v, then %v, %v", runs, again, err)
		}
		if !slices.IsSortedFunc(runs, func(a, b translate.Run) int { return int(min(max(a.PrimaryEnd()-b.PrimaryEnd(), -1), 1)) }) {
			return
		}
		d, _ := openBlock(block)
		prev, next, found := d.seek(offset, Primary)
		want := translate.Search(runs, offset, translate.Run.PrimaryEnd)
		if found != want.HasNext || next != want.Next || prev != want.Prev {
			t.Fatalf("seek %d in %v: %+v, %+v; want %+v", offset, runs, prev, next, want)
		}
	})
}

// FuzzFront: whatever a front holds, reading it ends, and what reads is written the same again.
func FuzzFront(f *testing.F) {
	c := translate.New()
	c.HasFrontier, c.Frontier, c.Tip, c.NextOpen = true, translate.Frontier{Primary: 7, Secondary: 6}, 9, true
	c.Foreign = []translate.Span{{From: 3, To: 5}}
	c.Veils = []translate.Veil{{Of: translate.Span{From: 1, To: 2}, In: translate.Span{From: 3, To: 4}, Covered: 1}}
	f.Add(encodeFront(c, []byte("cursor")))
	f.Add(encodeFront(translate.New(), nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		c := translate.New()
		cursor, err := decodeFront(c, b)
		if err != nil {
			return
		}
		d := translate.New()
		again, err := decodeFront(d, encodeFront(c, cursor))
		if err != nil || string(again) != string(cursor) || !slices.Equal(encodeFront(c, cursor), encodeFront(d, again)) {
			t.Fatalf("%+v, then %+v, %v", c, d, err)
		}
	})
}
