package mm2

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
)

// The vectors were written by hand from OffsetSync.java and Checkpoint.java; TestRealMirrorMaker reads what MirrorMaker 2
// itself writes.
const (
	syncKey         = "0006" + "6f7264657273" + "00000003"
	syncValue       = "0000000000003039" + "00000000000d431f"
	checkpointValue = "0000" + "0000000000003039" + "000000000000303a" + "0002" + "6d64"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestSyncVector(t *testing.T) {
	want := Sync{Topic: "orders", Partition: 3, Upstream: 12345, Downstream: 869151}
	got, err := ParseSync(unhex(t, syncKey), unhex(t, syncValue))
	if err != nil || got != want {
		t.Fatalf("%+v %v, want %+v", got, err, want)
	}
	k, v := AppendSync(nil, nil, want)
	if hex.EncodeToString(k) != syncKey || hex.EncodeToString(v) != syncValue {
		t.Errorf("encoded as %x %x", k, v)
	}
}

func TestCheckpointVector(t *testing.T) {
	key := "0007" + "62696c6c696e67" + "000b" + hex.EncodeToString([]byte("west.orders")) + "00000001"
	want := Checkpoint{CheckpointKey{"billing", "west.orders", 1}, 12345, 12346, "md"}
	got, err := ParseCheckpoint(unhex(t, key), unhex(t, checkpointValue))
	if err != nil || got != want {
		t.Fatalf("%+v %v, want %+v", got, err, want)
	}
	k, v := AppendCheckpoint(nil, nil, want)
	if hex.EncodeToString(k) != key || hex.EncodeToString(v) != checkpointValue {
		t.Errorf("encoded as %x %x", k, v)
	}
}

// TestRefusals: every refusal says what is wrong, and where.
func TestRefusals(t *testing.T) {
	for _, c := range []struct{ key, value, want string }{
		{"", syncValue, "key: topic: 0 of 2 bytes"},
		{"0006" + "6f72", syncValue, "key: topic: 2 of 6 bytes"},
		{"ffff" + "00000003", syncValue, "key: topic: length -1"},
		{"0000" + "00000003", syncValue, `key: "" is no topic's name`},
		{"0003" + "612f62" + "00000003", syncValue, `key: "a/b" is no topic's name`},
		{"0002" + "c328" + "00000003", syncValue, "key: topic is not UTF-8"},
		{"0006" + "6f7264657273" + "000000", syncValue, "key: partition: 3 of 4 bytes"},
		{"0006" + "6f7264657273" + "ffffffff", syncValue, "key: partition -1 is negative"},
		{syncKey + "00", syncValue, "key: 1 bytes left over"},
		{syncKey, "", "value: upstream offset: 0 of 8 bytes"},
		{syncKey, syncValue[:20], "value: downstream offset: 2 of 8 bytes"},
		{syncKey, "ffffffffffffffff" + syncValue[16:], "value: upstream offset -1 is negative"},
		{syncKey, syncValue[:16] + "8000000000000000", "value: downstream offset -9223372036854775808 is negative"},
		{syncKey, syncValue + "0001", "value: 2 bytes left over"},
	} {
		_, err := ParseSync(unhex(t, c.key), unhex(t, c.value))
		if !errors.Is(err, ErrMalformed) || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s %s: %v, want %s", c.key, c.value, err, c.want)
		}
	}
	key, _ := AppendCheckpoint(nil, nil, Checkpoint{CheckpointKey: CheckpointKey{"g", "t", 0}})
	for _, c := range []struct{ value, want string }{
		{"00", "value: version: 1 of 2 bytes"},
		{"0000" + syncValue, "value: metadata: 0 of 2 bytes"},
		{"0000" + syncValue + "ffff", "value: metadata: length -1"},
		{"0000" + syncValue + "000161" + "00", "value: 1 bytes left over"},
		{"0000" + "ffffffffffffffff" + syncValue[:16] + "0000", "value: upstream offset -1 is negative"},
	} {
		_, err := ParseCheckpoint(key, unhex(t, c.value))
		if !errors.Is(err, ErrMalformed) || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", c.value, err, c.want)
		}
	}
	if _, err := ParseCheckpoint(key, unhex(t, "0001"+"00")); !errors.Is(err, ErrVersion) {
		t.Errorf("version 1: %v", err)
	}
	if _, err := ParseCheckpoint(unhex(t, syncKey), unhex(t, checkpointValue)); !errors.Is(err, ErrMalformed) {
		t.Errorf("a sync's key as a checkpoint's: %v", err)
	}
}

// FuzzSync holds: no panic; what is read is written back byte by byte, so nothing was ignored.
func FuzzSync(f *testing.F) {
	f.Add(unhex(f, syncKey), unhex(f, syncValue))
	f.Add([]byte("orders"), []byte(`{"offset":1}`))
	f.Fuzz(func(t *testing.T, key, value []byte) {
		s, err := ParseSync(key, value)
		if err != nil {
			if !errors.Is(err, ErrMalformed) {
				t.Fatal(err)
			}
			return
		}
		if s.Upstream < 0 || s.Downstream < 0 || s.Partition < 0 || !validTopic(s.Topic) {
			t.Fatalf("read %+v", s)
		}
		if k, v := AppendSync(nil, nil, s); !bytes.Equal(k, key) || !bytes.Equal(v, value) {
			t.Fatalf("%x %x is %+v, which is %x %x", key, value, s, k, v)
		}
	})
}

// FuzzCheckpoint holds the same of checkpoints.
func FuzzCheckpoint(f *testing.F) {
	k, v := AppendCheckpoint(nil, nil, Checkpoint{CheckpointKey{"billing", "west.orders", 1}, 1, 2, "md"})
	f.Add(k, v)
	f.Add(unhex(f, syncKey), unhex(f, checkpointValue))
	f.Fuzz(func(t *testing.T, key, value []byte) {
		c, err := ParseCheckpoint(key, value)
		if err != nil {
			if !errors.Is(err, ErrMalformed) && !errors.Is(err, ErrVersion) {
				t.Fatal(err)
			}
			return
		}
		if k, v := AppendCheckpoint(nil, nil, c); !bytes.Equal(k, key) || !bytes.Equal(v, value) {
			t.Fatalf("%x %x is %+v, which is %x %x", key, value, c, k, v)
		}
	})
}
