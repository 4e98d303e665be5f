package checkpoint

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"os"
)

// A bbolt file begins with two meta pages, the newer valid one counts. Each is a 16 byte page header, then (in the
// machine's byte order): magic, version, page size, flags uint32; root page, sequence, freelist page, pages ever used,
// transaction uint64; and an FNV-1a of all that.
const (
	metaHeader   = 16
	metaSum      = 56
	metaMagic    = 0xED0CDAED
	metaPageSize = 8
	metaPages    = 40
	metaTx       = 48
)

// whole refuses a file that is shorter than it says. bbolt would map it and read past its end, which is no error but the
// end of the process. A file that is not there, empty, or no bbolt file at all is for bbolt to judge.
func whole(path string) error {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	} else if err != nil {
		return fmt.Errorf("open index: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("open index: %w", err)
	}
	var size, newest uint64
	step := int64(os.Getpagesize())
	for at := int64(0); at <= step; at += step {
		meta := make([]byte, metaSum+8)
		if _, err := f.ReadAt(meta, at+metaHeader); err != nil || !validMeta(meta) {
			continue
		}
		step = int64(binary.NativeEndian.Uint32(meta[metaPageSize:]))
		if tx := binary.NativeEndian.Uint64(meta[metaTx:]); size == 0 || tx > newest {
			newest, size = tx, binary.NativeEndian.Uint64(meta[metaPages:])*uint64(step)
		}
	}
	if size > uint64(info.Size()) {
		return errCorrupt(path, fmt.Errorf("%d bytes are missing", size-uint64(info.Size())))
	}
	return nil
}

func validMeta(meta []byte) bool {
	h := fnv.New64a()
	h.Write(meta[:metaSum])
	return binary.NativeEndian.Uint32(meta) == metaMagic && h.Sum64() == binary.NativeEndian.Uint64(meta[metaSum:]) &&
		binary.NativeEndian.Uint32(meta[metaPageSize:]) > 0
}
