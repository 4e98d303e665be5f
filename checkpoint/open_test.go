package checkpoint

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"github.com/leftoff/leftoff/translate"
)

func mustOpen(t *testing.T, path string, link Link) *Index {
	t.Helper()
	x, err := Open(path, Options{Link: link})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := x.Check(); err != nil && !errors.Is(err, ErrClosed) {
			t.Error(err)
		}
		x.Close()
	})
	return x
}

func file(t *testing.T) string { return filepath.Join(t.TempDir(), "dir", "index.db") }

func mustPair(t *testing.T, x *Index, topics Topics) *Pair {
	t.Helper()
	p, _, err := x.Pair(topics)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestLocked(t *testing.T) {
	path := file(t)
	mustOpen(t, path, Link{})
	begun := time.Now()
	_, err := Open(path, Options{LockTimeout: 50 * time.Millisecond})
	if !errors.Is(err, ErrLocked) || !strings.Contains(err.Error(), "Try: ") || time.Since(begun) > 5*time.Second {
		t.Errorf("%v after %v", err, time.Since(begun))
	}
}

func TestOtherLink(t *testing.T) {
	path := file(t)
	mustOpen(t, path, Link{"a", "west", "east"}).Close()
	for _, link := range []Link{{"a", "north", "east"}, {"a", "west", "south"}, {"a", "east", "west"}} {
		_, err := Open(path, Options{Link: link})
		if !errors.Is(err, ErrOtherLink) || !strings.Contains(err.Error(), `"west"`) && !strings.Contains(err.Error(), `"east"`) {
			t.Errorf("%v: %v", link, err)
		}
	}
	if got := mustOpen(t, path, Link{}).Link(); got != (Link{"a", "west", "east"}) {
		t.Errorf("link %+v", got)
	}
}

// A daemon starts with either cluster down, and says the id when it knows it.
func TestIdentify(t *testing.T) {
	path := file(t)
	x := mustOpen(t, path, Link{Name: "a", PrimaryClusterID: "west"})
	for _, err := range []error{x.Identify("", ""), x.Identify("west", "east")} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := x.Identify("west", "south"); !errors.Is(err, ErrOtherLink) {
		t.Errorf("another secondary: %v", err)
	}
	x.Close()
	if _, err := Open(path, Options{Link: Link{SecondaryClusterID: "south"}}); !errors.Is(err, ErrOtherLink) {
		t.Errorf("another secondary, later: %v", err)
	}
}

func TestNewerSchema(t *testing.T) {
	path := file(t)
	x := mustOpen(t, path, Link{})
	err := x.put(func(tx *bbolt.Tx) error {
		return tx.Bucket(metaBucket).Put(schemaKey, binary.BigEndian.AppendUint32(nil, schemaVersion+1))
	})
	if err != nil {
		t.Fatal(err)
	}
	x.Close()
	if _, err := Open(path, Options{}); !errors.Is(err, ErrNewerSchema) || !strings.Contains(err.Error(), "Try: ") {
		t.Error(err)
	}
}

func TestDamagedFiles(t *testing.T) {
	path := file(t)
	x := mustOpen(t, path, Link{})
	p := mustPair(t, x, drivenTopics).Partition(0)
	for i := range int64(5000) {
		if err := p.Append(translate.Run{Primary: i * 11, Secondary: i * 10, Length: 10, Closed: true}); err != nil {
			t.Fatal(err)
		}
	}
	x.Close()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{
		"no index at all": []byte("hello"),
		"a page of text":  bytes.Repeat([]byte("hello, hello "), 4096),
		"zeroes":          make([]byte, 64<<10),
		"cut short":       raw[:3*4096],
		"cut to a page":   raw[:4096],
	} {
		t.Run(name, func(t *testing.T) {
			damaged := filepath.Join(t.TempDir(), "index.db")
			if err := os.WriteFile(damaged, content, 0o600); err != nil {
				t.Fatal(err)
			}
			if x, err := Open(damaged, Options{}); !errors.Is(err, ErrCorrupt) {
				t.Errorf("%v", err)
				if x != nil {
					x.Close()
				}
			}
		})
	}
}

// A block that lost a bit is not believed: its offsets are unmapped, and Check says which one.
func TestDamagedBlock(t *testing.T) {
	small(t, 4, 1)
	path := file(t)
	x, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	p := mustPair(t, x, drivenTopics).Partition(0)
	for i := range int64(100) {
		if err := p.Append(translate.Run{Primary: i * 11, Secondary: i * 10, Length: 10, Closed: true}); err != nil {
			t.Fatal(err)
		}
	}
	if err := x.Flush(); err != nil {
		t.Fatal(err)
	}
	k := p.at.runKey(0)
	err = x.put(func(tx *bbolt.Tx) error {
		b := bytes.Clone(tx.Bucket(runsBucket).Get(k[:]))
		b[6] ^= 1
		return tx.Bucket(runsBucket).Put(k[:], b)
	})
	if err != nil {
		t.Fatal(err)
	}
	if pos := p.Forward(15, translate.Bounds{End: 1000}); pos.Confidence != translate.Unmapped {
		t.Errorf("damaged block: %+v", pos)
	}
	if pos := p.Forward(1000, translate.Bounds{End: 1000}); pos.Confidence != translate.Exact {
		t.Errorf("sound block: %+v", pos)
	}
	if err := x.Check(); !errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), "block 0") {
		t.Errorf("check: %v", err)
	}
}

func TestReadOnly(t *testing.T) {
	path := file(t)
	if _, err := Open(path, Options{ReadOnly: true}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	x := mustOpen(t, path, Link{"a", "west", "east"})
	mustPair(t, x, drivenTopics).Partition(0).SetCursor([]byte("here"))
	x.Close()
	x, err := Open(path, Options{ReadOnly: true, Link: Link{"a", "west", "east"}})
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	pair, ok := x.Lookup("orders")
	if !ok || string(pair.Partition(0).Cursor()) != "here" {
		t.Error("not as it was")
	}
	if err := pair.Partition(0).Append(translate.Run{Length: 1}); !errors.Is(err, ErrReadOnly) {
		t.Errorf("append: %v", err)
	}
	if err := x.SetVerdict("g", Verdict{Kind: TakenOver}); !errors.Is(err, ErrReadOnly) {
		t.Errorf("verdict: %v", err)
	}
	if err := errors.Join(x.Flush(), x.Check(), x.Close(), x.Close()); err != nil {
		t.Error(err)
	}
}

// A flush that fails keeps everything for the next one.
func TestFullDisk(t *testing.T) {
	path := file(t)
	x := mustOpen(t, path, Link{})
	p := mustPair(t, x, drivenTopics).Partition(0)
	if err := p.Append(translate.Run{Length: 10, Closed: true}); err != nil {
		t.Fatal(err)
	}
	p.Epoch(Primary, 3, 0)
	x.PutHeld([]Held{{OffsetKey: OffsetKey{"g", "orders", 0}, Offset: 5}})
	x.db.MaxSize = 1
	for i := range int64(20_000) {
		if err := p.Append(translate.Run{Primary: 20 + i*1000, Secondary: 20 + i*1000, Length: 10, Closed: true}); err != nil {
			t.Fatal(err)
		}
	}
	x.update = failing
	for range 2 {
		if err := x.Flush(); !errors.Is(err, errNoSpace) {
			t.Fatalf("flush: %v", err)
		}
	}
	x.update, x.db.MaxSize = x.db.Update, 0
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
	x = mustOpen(t, path, Link{})
	p = mustPair(t, x, drivenTopics).Partition(0)
	held := 0
	if err := x.Held(func(Held) bool { held++; return true }); err != nil || held != 1 {
		t.Errorf("%d held, %v", held, err)
	}
	if got := p.Stats().Runs; got != 20_001 || fmt.Sprint(p.Epochs(Primary)) != "[{3 0}]" {
		t.Errorf("%d runs, epochs %v", got, p.Epochs(Primary))
	}
}

func TestClosed(t *testing.T) {
	x := mustOpen(t, file(t), Link{})
	p := mustPair(t, x, drivenTopics).Partition(0)
	if err := errors.Join(x.Close(), x.Close()); err != nil {
		t.Error(err)
	}
	if err := x.Flush(); !errors.Is(err, ErrClosed) {
		t.Errorf("flush: %v", err)
	}
	if err := x.SetVerdict("g", Verdict{}); !errors.Is(err, ErrClosed) {
		t.Errorf("verdict: %v", err)
	}
	p.Forward(3, translate.Bounds{}) // does not panic
}
