package checkpoint

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math/bits"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
	"go.uber.org/zap"
)

const (
	defaultLockTimeout = 2 * time.Second
	// mmapSize is address space, not memory: growing past it would make writers wait for readers.
	mmapSize = 1 << 30
)

// Open opens or makes the index at path. A file of another link, of a newer schema, damaged, or in use is an error that
// says what to do. Empty cluster ids match anything; Identify says them later.
func Open(path string, o Options) (*Index, error) {
	if o.Logger == nil {
		o.Logger = zap.NewNop()
	}
	if o.LockTimeout == 0 {
		o.LockTimeout = defaultLockTimeout
	}
	db, err := openFile(path, o)
	if err != nil {
		return nil, err
	}
	x := &Index{path: path, db: db, readOnly: o.ReadOnly, log: o.Logger, live: map[string]*Pair{}, verdicts: map[string]Verdict{},
		held: map[OffsetKey]*Held{}, dirty: map[*Partition]struct{}{}, update: db.Update}
	if err := x.begin(o.Link); err != nil {
		db.Close()
		return nil, err
	}
	return x, nil
}

func openFile(path string, o Options) (db *bbolt.DB, err error) {
	if o.ReadOnly {
		if _, err := os.Stat(path); err != nil {
			return nil, fmt.Errorf("open index: %w", err)
		}
	} else if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, fmt.Errorf("open index: %w", err)
	}
	if err := whole(path); err != nil {
		return nil, err
	}
	defer func() { // bbolt trusts the file; a page that is no page panics
		if r := recover(); r != nil {
			db, err = nil, errCorrupt(path, fmt.Errorf("%v", r))
		}
	}()
	options := &bbolt.Options{Timeout: o.LockTimeout, ReadOnly: o.ReadOnly, FreelistType: bbolt.FreelistMapType, NoStatistics: true}
	if runtime.GOOS != "windows" && bits.UintSize == 64 {
		options.InitialMmapSize = mmapSize
	}
	db, err = bbolt.Open(path, 0o600, options)
	switch {
	case err == nil:
		return db, nil
	case errors.Is(err, bolterrors.ErrTimeout):
		return nil, errLocked(path)
	case errors.Is(err, bolterrors.ErrInvalid), errors.Is(err, bolterrors.ErrChecksum), errors.Is(err, bolterrors.ErrVersionMismatch):
		return nil, errCorrupt(path, err)
	}
	var pathErr *os.PathError
	if !errors.As(err, &pathErr) {
		return nil, errCorrupt(path, err)
	}
	return nil, fmt.Errorf("open index: %w", err)
}

// begin makes the buckets of a new file, or reads what is always in memory of an old one.
func (x *Index) begin(link Link) error {
	fresh := false
	err := x.view(func(tx *bbolt.Tx) error {
		fresh = tx.Bucket(metaBucket) == nil
		return nil
	})
	if err != nil {
		return err
	}
	if fresh && x.readOnly {
		return errCorrupt(x.path, errors.New("it holds no index"))
	}
	if fresh {
		if err := x.put(func(tx *bbolt.Tx) error { return create(tx, link) }); err != nil {
			return fmt.Errorf("create index: %w", err)
		}
	}
	if err := x.view(x.read); err != nil {
		return err
	}
	if link.Name != "" && x.link.Name == "" {
		x.link.Name = link.Name
	}
	return x.Identify(link.PrimaryClusterID, link.SecondaryClusterID)
}

func create(tx *bbolt.Tx, link Link) error {
	for _, name := range allBuckets {
		if _, err := tx.CreateBucketIfNotExists(name); err != nil {
			return err
		}
	}
	if err := tx.Bucket(metaBucket).Put(schemaKey, binary.BigEndian.AppendUint32(nil, schemaVersion)); err != nil {
		return err
	}
	return putJSON(tx.Bucket(metaBucket), linkKey, link)
}

// read loads meta, topics, what changed hands, and verdicts.
func (x *Index) read(tx *bbolt.Tx) error {
	schema := tx.Bucket(metaBucket).Get(schemaKey)
	if len(schema) != 4 {
		return errCorrupt(x.path, errors.New("no schema version"))
	}
	if n := int(binary.BigEndian.Uint32(schema)); n > schemaVersion {
		return errNewer(x.path, n)
	}
	for _, name := range allBuckets {
		if tx.Bucket(name) == nil {
			return errCorrupt(x.path, fmt.Errorf("no bucket %s", name))
		}
	}
	if err := json.Unmarshal(tx.Bucket(metaBucket).Get(linkKey), &x.link); err != nil {
		return errCorrupt(x.path, err)
	}
	if err := x.readPairs(tx); err != nil {
		return err
	}
	if err := x.readSwitched(tx); err != nil {
		return err
	}
	return tx.Bucket(verdictsBucket).ForEach(func(k, v []byte) error {
		var verdict Verdict
		if err := json.Unmarshal(v, &verdict); err != nil || len(k) == 0 {
			return errCorrupt(fmt.Sprintf("verdict on %q", k), err)
		}
		x.verdicts[string(k[1:])] = verdict
		return nil
	})
}

// Identify says the cluster ids once they are known: ErrOtherLink, naming both, when they are not those of this index.
// An empty id says nothing.
func (x *Index) Identify(primaryClusterID, secondaryClusterID string) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	link := x.link
	for _, id := range []struct {
		side   string
		stored *string
		got    string
	}{{"primary", &link.PrimaryClusterID, primaryClusterID}, {"secondary", &link.SecondaryClusterID, secondaryClusterID}} {
		switch {
		case id.got == "" || *id.stored == id.got:
		case *id.stored == "":
			*id.stored = id.got
		default:
			return errOther(x.path, id.side, *id.stored, id.got)
		}
	}
	if link == x.link || x.readOnly {
		return nil
	}
	if err := x.put(func(tx *bbolt.Tx) error { return putJSON(tx.Bucket(metaBucket), linkKey, link) }); err != nil {
		return err
	}
	x.link = link
	return nil
}

func putJSON(b *bbolt.Bucket, key []byte, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return b.Put(key, text)
}
