package rig

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strings"
)

// newID is a random id in Kafka's notation: 16 bytes, URL-safe base64. A
// leading "-" is avoided, as Kafka does, because tools take it for a flag.
func newID() string {
	for {
		var b [16]byte
		rand.Read(b[:])
		if id := base64.RawURLEncoding.EncodeToString(b[:]); id[0] != '-' {
			return id
		}
	}
}

// format makes a log folder a broker can start from.
//
// StorageTool takes as long as the broker itself, and what it writes differs
// between brokers by three ids only. So it runs once a version; its output is
// the template, copied with other ids.
func (in *installation) format(dir, clusterID string, node int) error {
	template, err := in.template()
	if err != nil {
		return err
	}
	if err := os.CopyFS(dir, os.DirFS(template)); err != nil {
		return err
	}
	return writeProperties(filepath.Join(dir, "meta.properties"), map[string]string{
		"version":      "1",
		"cluster.id":   clusterID,
		"node.id":      fmt.Sprint(node),
		"directory.id": newID(),
	})
}

// template returns the folder StorageTool formatted.
func (in *installation) template() (string, error) {
	dir := filepath.Join(in.dir, "storage")
	err := once(dir, func() error { return in.runStorageTool(dir) })
	return dir, err
}

func (in *installation) runStorageTool(dir string) error {
	props := filepath.Join(in.dir, "storage.properties")
	o := Options{Version: in.version, Brokers: 1}
	p := o.properties()
	p["node.id"] = "1"
	p["log.dirs"] = dir
	p["controller.quorum.voters"] = "1@127.0.0.1:1"
	p["listeners"] = string(internal) + "://127.0.0.1:2,CONTROLLER://127.0.0.1:1"
	p["listener.security.protocol.map"] = "CONTROLLER:PLAINTEXT," + string(internal) + ":PLAINTEXT"
	if err := writeProperties(props, p); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), slow)
	defer cancel()
	cmd := exec.CommandContext(ctx, in.java.path, "-XX:TieredStopAtLevel=1", in.logFlag+in.logPath(), "-cp", in.classPath,
		"kafka.tools.StorageTool", "format", "-t", newID(), "-c", props)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("StorageTool format: %w: %s", err, lastLines(string(out), 5))
	}
	return nil
}

// once runs make unless path was made before, by whatever process. Half-made
// remains of a process that died are removed first.
func once(path string, make func() error) error {
	done := path + ".complete"
	if exists(done) {
		return nil
	}
	unlock, err := lockFile(path+".lock", true)
	if err != nil {
		return err
	}
	defer unlock()
	if exists(done) {
		return nil
	}
	if err := os.RemoveAll(path); err != nil {
		return err
	}
	if err := make(); err != nil {
		return err
	}
	return os.WriteFile(done, nil, 0o644)
}

// writeProperties writes a Java properties file, sorted. An empty value removes
// its key, so that options can take away what the rig sets.
func writeProperties(path string, p map[string]string) error {
	keys := make([]string, 0, len(p))
	for k, v := range p {
		if v != "" {
			keys = append(keys, k)
		}
	}
	sort.Strings(keys)
	var b strings.Builder
	for _, k := range keys {
		fmt.Fprintf(&b, "%s=%s\n", k, strings.ReplaceAll(p[k], `\`, `\\`))
	}
	return os.WriteFile(path, []byte(b.String()), 0o600)
}
