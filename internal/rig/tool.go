package rig

import (
	"bytes"
	"context"
	"os/exec"
	"runtime"
	"strings"
	"testing"
)

// ConsumerGroups runs kafka-consumer-groups against the cluster, as an operator does, and returns what it printed. A tool that
// fails, or prints an error and ends well all the same, fails the test.
func (c *Cluster) ConsumerGroups(t testing.TB, args ...string) string {
	t.Helper()
	const class = "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand"
	return c.tool(t, class, append([]string{"--bootstrap-server", strings.Join(c.Direct(), ",")}, args...)...)
}

func (c *Cluster) tool(t testing.TB, class string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), slow)
	defer cancel()
	flags := append([]string{"-Xmx192m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData"}, c.in.classData()...)
	argv := c.in.command(flags, class, args...)
	runtime.LockOSThread() // the kernel ends the child with the thread that started it
	defer runtime.UnlockOSThread()
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.SysProcAttr = dieWithUs()
	var out, complaints bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaints
	err := cmd.Run()
	if text := out.String(); err != nil || strings.Contains(text, "Error:") {
		t.Fatalf("rig: %s %v: %v\n%s\n%s", class, args, err, lastLines(text, 10), lastLines(complaints.String(), 10))
	}
	return out.String()
}
