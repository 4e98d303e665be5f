package rig

import (
	"context"
	_ "embed"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

//go:embed java/WordCount.java
var wordCountSource string

// StreamsOptions say what an application counts.
type StreamsOptions struct {
	Application   string // application.id
	Input, Output string
	Guarantee     string            // exactly_once_v2 if empty
	Props         map[string]string // further settings
}

// Streams is a Kafka Streams application, a word count, in a process of its own.
type Streams struct {
	proc *process
	dir  string
}

// StartStreams starts the application against the cluster's Bootstrap and returns at once. Its input and output have to be there; the
// topics of its own it makes itself: APPLICATION-words-repartition and APPLICATION-counts-changelog. It is killed at the end of the
// test.
func StartStreams(t testing.TB, c *Cluster, o StreamsOptions) *Streams {
	t.Helper()
	classes, err := c.in.streamsClasses()
	if err != nil {
		unavailable(t, err)
	}
	dir, err := os.MkdirTemp("", "leftoff-rig-streams-")
	if err != nil {
		t.Fatalf("rig: %v", err)
	}
	flags := []string{"-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData"}
	argv := c.in.command(flags, "WordCount", o.arguments(c, filepath.Join(dir, "state"))...)
	for i, a := range argv {
		if a == "-cp" {
			argv[i+1] += string(os.PathListSeparator) + classes
		}
	}
	s := &Streams{dir: dir}
	if s.proc, err = launch("streams "+o.Application, s.log(), argv, nil, nil); err != nil {
		t.Fatalf("rig: %v", err)
	}
	t.Cleanup(func() {
		s.Kill()
		if kept := clearAway(dir, t.Failed(), []string{s.log()}, func() {}); kept != "" {
			t.Log(kept)
		}
	})
	return s
}

func (s *Streams) log() string { return filepath.Join(s.dir, "streams.log") }

// Kill ends the process at once.
func (s *Streams) Kill() {
	s.proc.kill()
	<-s.proc.done
}

// arguments are the settings as key=value. What was read is not deleted from the repartition topics within a test.
func (o StreamsOptions) arguments(c *Cluster, state string) []string {
	p := map[string]string{
		"bootstrap.servers":             strings.Join(c.Bootstrap(), ","),
		"application.id":                o.Application,
		"processing.guarantee":          "exactly_once_v2",
		"commit.interval.ms":            "100",
		"statestore.cache.max.bytes":    "0",
		"replication.factor":            "1",
		"num.stream.threads":            "1",
		"repartition.purge.interval.ms": "3600000",
		"auto.offset.reset":             "earliest",
		"metadata.max.age.ms":           "2000",
		"state.dir":                     state,
		"rig.input":                     o.Input,
		"rig.output":                    o.Output,
	}
	if o.Guarantee != "" {
		p["processing.guarantee"] = o.Guarantee
	}
	maps.Copy(p, o.Props)
	var args []string
	for _, k := range slices.Sorted(maps.Keys(p)) {
		args = append(args, k+"="+p[k])
	}
	return args
}

// streamsClasses is what the application needs beyond the broker's jars: Kafka Streams, resolved once a version, and itself, compiled
// once a version of its source.
func (in *installation) streamsClasses() (string, error) {
	lib := filepath.Join(in.dir, "streams-lib")
	if err := once(lib, func() error { return in.resolveStreams(lib) }); err != nil {
		return "", err
	}
	jars, err := in.jarsBeyond(lib)
	if err != nil {
		return "", err
	}
	dir := filepath.Join(in.dir, "streams-"+shortHash(wordCountSource))
	all := strings.Join(append(jars, dir), string(os.PathListSeparator))
	return all, once(dir, func() error {
		javac, err := findTool("javac", "apt-get install openjdk-17-jdk-headless")
		if err != nil {
			return err
		}
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
		source := filepath.Join(dir, "WordCount.java")
		if err := os.WriteFile(source, []byte(wordCountSource), 0o644); err != nil {
			return err
		}
		path := in.classPath + string(os.PathListSeparator) + all
		if out, err := exec.Command(javac, "--release", "17", "-cp", path, "-d", dir, source).CombinedOutput(); err != nil {
			return fmt.Errorf("javac: %w: %s", err, lastLines(string(out), 10))
		}
		return nil
	})
}

func (in *installation) resolveStreams(lib string) error {
	mvn, err := findTool("mvn", "apt-get install maven")
	if err != nil {
		return err
	}
	pom := lib + ".xml"
	of := distribution{artifacts: []string{"org.apache.kafka:kafka-streams:" + in.version}}
	if err := os.WriteFile(pom, []byte(of.pom()), 0o644); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*slow)
	defer cancel()
	cmd := exec.CommandContext(ctx, mvn, "-q", "-B", "-f", pom, copyDependencies, "-DincludeScope=runtime", "-DoutputDirectory="+lib)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("mvn can't resolve Kafka Streams %s: %w: %s", in.version, err, lastLines(string(out), 5))
	}
	return nil
}

// jarsBeyond are the jars of a folder that the broker does not have.
func (in *installation) jarsBeyond(lib string) ([]string, error) {
	all, err := filepath.Glob(filepath.Join(lib, "*.jar"))
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(jar string) bool { return exists(filepath.Join(in.lib(), filepath.Base(jar))) }), nil
}
