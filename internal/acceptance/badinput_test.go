package acceptance

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"github.com/leftoff/leftoff/checkpoint"
)

// Bad input that needs no cluster: the real binary says what to do, and with which exit status.
func TestBadInput(t *testing.T) {
	t.Parallel()
	leftoff := build(t)
	nobody, nobodyElse := []string{"127.0.0.1:1"}, []string{"127.0.0.1:2"}

	t.Run("three mistakes", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "link.yml")
		text := "clusters:\n  west: {brokers: [west]}\n  east: {brokers: ['east:9092']}\nlinks:\n" +
			"  - {name: a, primary: west, secondary: north, mapping: aggregate}\ndata_dir: /nowhere\n"
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, command := range []string{"run", "status", "plan"} {
			leftoff.start(t, command, "-c", path).ends(10*time.Second, 2, "3 problems", "clusters.west.brokers", `"north"`, "mapping aggregate")
		}
	})

	t.Run("unreachable", func(t *testing.T) {
		path := config{primary: nobody, secondary: nobodyElse}.write(t)
		d := leftoff.start(t, "run", "-c", path)
		if got := get(t, d.http()+"/healthz"); got != 200 {
			t.Errorf("healthz: %d", got)
		}
		if got := get(t, d.http()+"/readyz"); got != 503 {
			t.Errorf("readyz: %d", got)
		}
		leftoff.says(t, d, 20*time.Second, "status", "does not answer", "127.0.0.1:1", "connection refused")
		if err := d.cmd.Process.Signal(syscall.SIGINT); err != nil {
			t.Fatal(err)
		}
		if got := d.status(2 * time.Second); got != 0 {
			t.Errorf("Ctrl-C: exit status %d", got)
		}
		leftoff.start(t, "plan", "-c", path, "--timeout", "2s").ends(10*time.Second, 2, "gave up after 2s", "connection refused")
	})

	t.Run("index of a newer schema", func(t *testing.T) {
		c := config{primary: nobody, secondary: nobodyElse, dataDir: t.TempDir()}
		newIndex(t, c.dataDir, checkpoint.Link{Name: "west-east"})
		db, err := bbolt.Open(filepath.Join(c.dataDir, "west-east.db"), 0o600, nil)
		if err != nil {
			t.Fatal(err)
		}
		put := func(tx *bbolt.Tx) error {
			return tx.Bucket([]byte("meta")).Put([]byte("schema"), binary.BigEndian.AppendUint32(nil, 99))
		}
		if err := db.Update(put); err != nil {
			t.Fatal(err)
		}
		db.Close()
		for _, command := range []string{"run", "status"} {
			leftoff.start(t, command, "-c", c.write(t)).ends(10*time.Second, 2, "newer leftoff", "schema 99", "Try:")
		}
	})

	t.Run("two daemons", func(t *testing.T) {
		path := config{primary: nobody, secondary: nobodyElse}.write(t)
		leftoff.start(t, "run", "-c", path).http()
		leftoff.start(t, "run", "-c", path).ends(10*time.Second, 2, "in use by another process", "Try:")
	})
}

// newIndex leaves an index behind.
func newIndex(t *testing.T, dir string, link checkpoint.Link) {
	t.Helper()
	x, err := checkpoint.Open(filepath.Join(dir, link.Name+".db"), checkpoint.Options{Link: link})
	if err == nil {
		err = x.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
}
