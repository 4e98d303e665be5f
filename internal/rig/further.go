package rig

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// further is the class path of artifacts beyond the broker's jars, of the same version of Kafka, resolved once a version into the folder
// of that name.
func (in *installation) further(name string, artifacts ...string) (string, error) {
	lib := filepath.Join(in.dir, name)
	if err := once(lib, func() error { return in.resolveFurther(lib, artifacts) }); err != nil {
		return "", err
	}
	jars, err := in.jarsBeyond(lib)
	return strings.Join(jars, string(os.PathListSeparator)), err
}

func (in *installation) resolveFurther(lib string, artifacts []string) error {
	mvn, err := findTool("mvn", "apt-get install maven")
	if err != nil {
		return err
	}
	var of distribution
	for _, a := range artifacts {
		of.artifacts = append(of.artifacts, a+":"+in.version)
	}
	pom := lib + ".xml"
	if err := os.WriteFile(pom, []byte(of.pom()), 0o644); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*slow)
	defer cancel()
	cmd := exec.CommandContext(ctx, mvn, "-q", "-B", "-f", pom, copyDependencies, "-DincludeScope=runtime", "-DoutputDirectory="+lib)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("mvn can't resolve %v of Kafka %s: %w: %s", artifacts, in.version, err, lastLines(string(out), 5))
	}
	return nil
}

// compiled is the folder of a class of ours that the broker's jars are enough for, compiled once a version of its source.
func (in *installation) compiled(class, source string) (string, error) {
	dir := filepath.Join(in.dir, strings.ToLower(class)+"-"+shortHash(source))
	return dir, once(dir, func() error {
		javac, err := findTool("javac", "apt-get install openjdk-17-jdk-headless")
		if err != nil {
			return err
		}
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
		path := filepath.Join(dir, class+".java")
		if err := os.WriteFile(path, []byte(source), 0o644); err != nil {
			return err
		}
		if out, err := exec.Command(javac, "--release", "17", "-cp", in.classPath, "-d", dir, path).CombinedOutput(); err != nil {
			return fmt.Errorf("javac: %w: %s", err, lastLines(string(out), 10))
		}
		return nil
	})
}

// smallCommand is the command line of a main class with a small JVM, and more behind the broker's jars.
func (in *installation) smallCommand(heap, more, main string, args ...string) []string {
	flags := append([]string{"-Xmx" + heap, "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData"}, in.classData()...)
	argv := in.command(flags, main, args...)
	for i, a := range argv {
		if a == "-cp" { // behind the jars: class data wants the class path it knows first
			argv[i+1] += string(os.PathListSeparator) + more
		}
	}
	return argv
}
