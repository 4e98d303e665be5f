package rig

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strings"
	"sync"
	"time"
)

// slow bounds what takes seconds and must not hang.
const slow = 2 * time.Minute

// installation is one version of Kafka in the cache folder:
//
//	kafka-4.3.1-<hash>/
//	  pom.xml, log4j2.properties
//	  lib/*.jar
//	  storage/           what StorageTool formatted
//	  classes-<hash>/    the Java consumer, compiled at first use
//	  broker-<hash>.jsa  class data of a started broker: halves the start
//
// Each of the last four is made once, under a lock, and counts only once its
// marker NAME.complete is there (see once).
//
// The hash of a folder covers everything it was made from, so that a changed
// pom makes a new folder and never mixes jars.
type installation struct {
	distribution
	java      java
	dir       string
	classPath string // sorted: class data sharing wants the same order each time
}

var (
	installMu sync.Mutex
	installed = map[string]*installation{}
	brokenBy  = map[string]error{}
)

// install makes the version available, once a process, and answers the same
// again afterwards.
func install(version string) (*installation, error) {
	installMu.Lock()
	defer installMu.Unlock()
	if in := installed[version]; in != nil {
		return in, nil
	}
	if err := brokenBy[version]; err != nil {
		return nil, err
	}
	in, err := doInstall(version)
	if err != nil {
		brokenBy[version] = err
		return nil, err
	}
	installed[version] = in
	return in, nil
}

func doInstall(version string) (*installation, error) {
	d, ok := distributions[version]
	if !ok {
		return nil, fmt.Errorf("rig has no Kafka %q", version)
	}
	j, err := findJava()
	if err != nil {
		return nil, err
	}
	root, err := cacheDir()
	if err != nil {
		return nil, err
	}
	in := &installation{distribution: d, java: j, dir: filepath.Join(root, "kafka-"+version+"-"+shortHash(d.pom(), d.logConfig))}
	if err := os.MkdirAll(in.dir, 0o755); err != nil {
		return nil, err
	}
	if err := once(in.lib(), in.resolve); err != nil {
		return nil, err
	}
	return in, in.readClassPath()
}

func (in *installation) resolve() error {
	mvn, err := findTool("mvn", "apt-get install maven")
	if err != nil {
		return err
	}
	pom := filepath.Join(in.dir, "pom.xml")
	if err := os.WriteFile(pom, []byte(in.pom()), 0o644); err != nil {
		return err
	}
	if err := os.WriteFile(in.logPath(), []byte(in.logConfig), 0o644); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*slow)
	defer cancel()
	cmd := exec.CommandContext(ctx, mvn, "-q", "-B", "-f", pom, copyDependencies, "-DincludeScope=runtime", "-DoutputDirectory="+in.lib())
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("mvn can't resolve the jars of Kafka %s: %w: %s", in.version, err, lastLines(string(out), 5))
	}
	return nil
}

func (in *installation) readClassPath() error {
	jars, err := filepath.Glob(filepath.Join(in.lib(), "*.jar"))
	if err != nil {
		return err
	}
	if len(jars) == 0 {
		return errors.New("no jars in " + in.lib() + ". Try: remove " + in.dir)
	}
	sort.Strings(jars)
	in.classPath = strings.Join(jars, string(os.PathListSeparator))
	return nil
}

func (in *installation) lib() string     { return filepath.Join(in.dir, "lib") }
func (in *installation) logPath() string { return filepath.Join(in.dir, in.logFile) }

// cacheDir is where installations live: $LEFTOFF_RIG_DIR, or leftoff-rig in the
// user's cache folder.
func cacheDir() (string, error) {
	if dir := os.Getenv("LEFTOFF_RIG_DIR"); dir != "" {
		return filepath.Abs(dir)
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("no cache folder: %w. Try: set LEFTOFF_RIG_DIR", err)
	}
	return filepath.Join(dir, "leftoff-rig"), nil
}

func shortHash(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:])[:10]
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func lastLines(s string, n int) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
