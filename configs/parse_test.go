package configs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func nothingOutside() Outside {
	return Outside{
		ReadFile: func(name string) ([]byte, error) {
			return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
		},
		LookupEnv: func(string) (string, bool) { return "", false },
	}
}

const plain = `
clusters:
  west: {brokers: [kafka-west-1:9092]}
  east: {brokers: [kafka-east-1:9092]}
links:
  - {name: west-east, primary: west, secondary: east, mapping: mirror}
`

func TestParseFillsDefaults(t *testing.T) {
	c, err := Parse([]byte(plain), "/etc/leftoff", nothingOutside())
	if err != nil {
		t.Fatal(err)
	}
	l := c.Links[0]
	if c.HTTP != "127.0.0.1:9780" || c.DataDir != "/var/lib/leftoff" || l.Policy.Rewind != "follow" || l.Policy.After != "auto" {
		t.Errorf("defaults are not there: %+v", c)
	}
	if e := c.Endpoint("west"); e.DialTimeout != 10*time.Second || e.ClientID != "leftoff" || e.Brokers[0] != "kafka-west-1:9092" {
		t.Errorf("endpoint: %+v", e)
	}
	if c.IndexPath("west-east") != "/var/lib/leftoff/west-east.db" {
		t.Error(c.IndexPath("west-east"))
	}
	if p := l.Policy.Replicator(); p.FirstContact != "adopt-if-behind" || p.After != "auto" {
		t.Errorf("policy: %+v", p)
	}
}

// TestMistakes: each file under testdata/mistakes begins with the problems that it must give, as comments, all of them.
func TestMistakes(t *testing.T) {
	files, err := filepath.Glob("testdata/mistakes/*.yml")
	if err != nil || len(files) == 0 {
		t.Fatal("no files", err)
	}
	for _, name := range files {
		t.Run(filepath.Base(name), func(t *testing.T) {
			data, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			var want []string
			for line := range strings.Lines(string(data)) {
				if rest, ok := strings.CutPrefix(strings.TrimSpace(line), "#! "); ok {
					want = append(want, rest)
				}
			}
			_, err = Parse(data, "/etc/leftoff", nothingOutside())
			var got Problems
			if !errors.As(err, &got) {
				t.Fatalf("no problems, but %v", err)
			}
			if got.Error() != strings.Join(want, "\n") {
				t.Errorf("got:\n%s\n\nwant:\n%s", got, strings.Join(want, "\n"))
			}
		})
	}
}

func TestPasswords(t *testing.T) {
	o := Outside{
		ReadFile: func(name string) ([]byte, error) {
			if name == "/etc/leftoff/west.pass" {
				return []byte("hunter2\n"), nil
			}
			return nil, fs.ErrNotExist
		},
		LookupEnv: func(name string) (string, bool) { return "hunter3", name == "EAST" },
	}
	text := strings.NewReplacer(
		"west-1:9092]", "west-1:9092], sasl: {mechanism: PLAIN, username: u, password_file: west.pass}",
		"east-1:9092]", "east-1:9092], sasl: {mechanism: SCRAM-SHA-512, username: u, password_env: EAST}").Replace(plain)
	c, err := Parse([]byte(text), "/etc/leftoff", o)
	if err != nil {
		t.Fatal(err)
	}
	west, east := c.Endpoint("west"), c.Endpoint("east")
	if west.SASL.Password.Reveal() != "hunter2" || east.SASL.Password.Reveal() != "hunter3" {
		t.Error("wrong passwords")
	}
	shown := fmt.Sprintf("%v %+v %#v %s", c, *west.SASL, *east.SASL, west.SASL.Password)
	if strings.Contains(shown, "hunter") {
		t.Errorf("a password is printed: %s", shown)
	}
	printed, err := c.Print()
	if err != nil || strings.Contains(printed, "hunter") {
		t.Errorf("a password is printed: %v %s", err, printed)
	}
}

// TestPrintReadsBack: what `leftoff config print` says is a configuration with the same meaning.
func TestPrintReadsBack(t *testing.T) {
	text := strings.Replace(plain, "mapping: mirror}", "mapping: mirror, topics: {include: [a.*], rename: {prefix: w.}}}", 1)
	c, err := Parse([]byte(text), "", nothingOutside())
	if err != nil {
		t.Fatal(err)
	}
	printed, err := c.Print()
	if err != nil {
		t.Fatal(err)
	}
	again, err := Parse([]byte(printed), "", nothingOutside())
	if err != nil {
		t.Fatalf("%v\n%s", err, printed)
	}
	if a, b := fmt.Sprintf("%+v", c), fmt.Sprintf("%+v", again); a != b {
		t.Errorf("%s\n%s", a, b)
	}
}

func TestMissingFile(t *testing.T) {
	_, err := Load("nowhere.yml", nothingOutside())
	if err == nil || !strings.Contains(err.Error(), "Try: ") {
		t.Errorf("%v", err)
	}
}

func TestSelect(t *testing.T) {
	l := DefaultLink()
	l.Topics.Include, l.Topics.Exclude = []string{"pay.*", "orders"}, []string{`.*\.tmp`}
	l.Groups.Exclude = []string{"console-.*"}
	topics, groups := l.SelectTopic(), l.SelectGroup()
	for name, want := range map[string]bool{"payments": true, "orders": true, "orders2": false, "xorders": false, "pay.tmp": false} {
		if topics(name) != want {
			t.Errorf("topic %s: %v", name, !want)
		}
	}
	for name, want := range map[string]bool{"g": true, "console-1": false, "leftoff-1": false, "a\nleftoff-1": false} {
		if name == "a\nleftoff-1" {
			continue // . is not a line's end: such groups don't match .*
		}
		if groups(name) != want {
			t.Errorf("group %s: %v", name, !want)
		}
	}
	if all := DefaultLink().SelectTopic(); all("__consumer_offsets") || all("leftoff-state") || !all("a") {
		t.Error("internal topics")
	}
}
