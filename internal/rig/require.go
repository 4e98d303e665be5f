package rig

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"sync"
	"testing"
)

// minJava is what a Kafka 4 broker needs.
const minJava = 17

// RequireVar is the environment variable that turns "skipped, because Java or
// Maven is missing" into a failure. CI sets it to 1.
const RequireVar = "LEFTOFF_REQUIRE_KAFKA"

// SoakVar is the environment variable that turns the long variants on.
const SoakVar = "LEFTOFF_SOAK"

// Require skips the test where real Kafka can't run: under -short, or when
// Java, Maven or the jars can't be had. With LEFTOFF_REQUIRE_KAFKA=1 only
// -short skips; the rest is fatal.
//
// Start, Shared and StartPair call it by themselves.
func Require(t testing.TB) {
	t.Helper()
	require(t, V43)
}

// Soaking reports whether the long variants of tests are asked for
// (LEFTOFF_SOAK=1, make soak).
func Soaking() bool { return os.Getenv(SoakVar) == "1" }

// RequireSoak is Require for the tests that only make soak runs.
func RequireSoak(t testing.TB) {
	t.Helper()
	if !Soaking() {
		t.Skip("rig: a long one, run by make soak (" + SoakVar + "=1)")
	}
	Require(t)
}

func require(t testing.TB, version string) {
	t.Helper()
	if testing.Short() {
		t.Skip("rig: real Kafka is not started under -short")
	}
	if _, err := install(version); err != nil {
		unavailable(t, err)
	}
}

func unavailable(t testing.TB, err error) {
	t.Helper()
	if os.Getenv(RequireVar) == "1" {
		t.Fatalf("rig: %s=1, but real Kafka can't be started: %v", RequireVar, err)
	}
	t.Skipf("rig: no real Kafka here: %v", err)
}

// java is the runtime found on the path.
type java struct {
	path    string // of the launcher
	version string // first line of java -version: part of the name of what depends on it
}

var versionPattern = regexp.MustCompile(`version "(\d+)`)

var findJava = sync.OnceValues(func() (java, error) {
	path, err := exec.LookPath("java")
	if home := os.Getenv("JAVA_HOME"); err != nil && home != "" {
		path, err = exec.LookPath(filepath.Join(home, "bin", "java"))
	}
	if err != nil {
		return java{}, fmt.Errorf("no java on the path. Try: apt-get install openjdk-17-jdk-headless maven")
	}
	ctx, cancel := context.WithTimeout(context.Background(), slow)
	defer cancel()
	out, err := exec.CommandContext(ctx, path, "-version").CombinedOutput()
	if err != nil {
		return java{}, fmt.Errorf("%s -version: %w", path, err)
	}
	m := versionPattern.FindSubmatch(out)
	if m == nil {
		return java{}, fmt.Errorf("%s -version printed no version: %q", path, out)
	}
	if n, _ := strconv.Atoi(string(m[1])); n < minJava {
		return java{}, fmt.Errorf("%s is Java %d, Kafka needs %d. Try: apt-get install openjdk-17-jdk-headless", path, n, minJava)
	}
	return java{path: path, version: string(out)}, nil
})

// findTool finds a second program of the JDK (javac) or Maven (mvn).
func findTool(name, hint string) (string, error) {
	path, err := exec.LookPath(name)
	if err != nil {
		return "", fmt.Errorf("no %s on the path. Try: %s", name, hint)
	}
	return path, nil
}
