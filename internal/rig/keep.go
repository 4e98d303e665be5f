package rig

import (
	"bufio"
	"fmt"
	"os"
	"strings"
)

// complaints is how many lines of each log a failed test prints.
const complaints = 8

// clearAway removes a folder, or thins it out to its logs and says what they
// complained about last: on a CI machine that is all anybody will ever see.
func clearAway(dir string, keep bool, logs []string, thin func()) (kept string) {
	if dir == "" {
		return ""
	}
	if os.Getenv("LEFTOFF_RIG_KEEP") == "1" {
		return "rig: everything kept in " + dir
	}
	if !keep {
		os.RemoveAll(dir)
		return ""
	}
	thin()
	var b strings.Builder
	fmt.Fprintf(&b, "rig: logs kept in %s", dir)
	for _, log := range logs {
		for _, line := range lastComplaints(log) {
			fmt.Fprintf(&b, "\n  %s: %s", strings.TrimPrefix(log, dir+"/"), line)
		}
	}
	return b.String()
}

// lastComplaints returns the last errors of a log: or, for a log too short to
// have any, its last lines (a JVM that refused its flags).
func lastComplaints(log string) []string {
	f, err := os.Open(log)
	if err != nil {
		return nil
	}
	defer f.Close()
	var all, bad []string
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line := lines.Text()
		all = tail(append(all, line))
		if strings.Contains(line, " ERROR ") || strings.Contains(line, " FATAL ") || strings.HasPrefix(line, "Caused by") {
			bad = tail(append(bad, line))
		}
	}
	if len(all) < complaints {
		return all
	}
	return bad
}

func tail(lines []string) []string { return lines[max(0, len(lines)-complaints):] }
