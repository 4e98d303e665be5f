package bench

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/leftoff/leftoff/internal/rig"
)

// Machine is what figures depend on, without a name that would tell whose it is.
type Machine struct {
	CPU      string `json:"cpu,omitempty"`
	Cores    int    `json:"cores"`
	MemoryGB int    `json:"memory_gib,omitempty"`
	Platform string `json:"platform"`
}

func (m Machine) String() string {
	s := fmt.Sprintf("%d cores", m.Cores)
	if m.CPU != "" {
		s += " (" + m.CPU + ")"
	}
	if m.MemoryGB > 0 {
		s += fmt.Sprintf(", %d GiB of memory", m.MemoryGB)
	}
	return s + ", " + m.Platform
}

// Versions of what took part.
type Versions struct {
	Leftoff string `json:"leftoff"`
	Go      string `json:"go"`
	Kafka   string `json:"kafka"`
	MM2     string `json:"mirrormaker2"`
	Java    string `json:"java,omitempty"`
}

func (v Versions) String() string {
	s := fmt.Sprintf("leftoff %s, %s, Kafka %s, MirrorMaker 2 %s", v.Leftoff, v.Go, v.Kafka, v.MM2)
	if v.Java != "" {
		s += ", Java " + v.Java
	}
	return s
}

func thisMachine() Machine {
	m := Machine{Cores: runtime.NumCPU(), Platform: runtime.GOOS + "/" + runtime.GOARCH, CPU: field("/proc/cpuinfo", "model name")}
	var kib int
	if _, err := fmt.Sscan(field("/proc/meminfo", "MemTotal"), &kib); err == nil {
		m.MemoryGB = (kib + 1<<19) >> 20
	}
	return m
}

// field is the first value of that name in a file of "name: value" lines.
func field(path, name string) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if k, v, _ := strings.Cut(lines.Text(), ":"); strings.TrimSpace(k) == name {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

// loadBefore is the load of the last minute, −1 where nobody knows.
func loadBefore() float64 {
	load := -1.0
	if text, err := os.ReadFile("/proc/loadavg"); err == nil {
		fmt.Sscan(string(text), &load)
	}
	return load
}

func theseVersions(ctx context.Context) Versions {
	return Versions{Leftoff: revision(ctx), Go: runtime.Version(), Kafka: rig.V43, MM2: rig.V43, Java: javaVersion(ctx)}
}

// revision is the commit that is measured: git's word where the bench runs in its repository, else that of the build.
func revision(ctx context.Context) string {
	out, err := exec.CommandContext(ctx, "git", "rev-parse", "--short=10", "HEAD").Output()
	if err != nil {
		if info, ok := debug.ReadBuildInfo(); ok {
			return info.Main.Version
		}
		return "unknown"
	}
	at := strings.TrimSpace(string(out))
	if changed, err := exec.CommandContext(ctx, "git", "status", "--porcelain", "--", "*.go", "go.mod").Output(); err == nil && len(changed) > 0 {
		at += " with changes"
	}
	return at
}

var javaSays = regexp.MustCompile(`version "([^"]+)"`)

func javaVersion(ctx context.Context) string {
	out, err := exec.CommandContext(ctx, "java", "-version").CombinedOutput()
	if m := javaSays.FindSubmatch(out); err == nil && m != nil {
		return string(m[1])
	}
	return ""
}
