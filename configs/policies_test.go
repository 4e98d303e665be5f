package configs

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestUsualGroupsAreFollowed: a link that says nothing follows the groups of Connect's sinks and of Kafka Streams, and their topics, and
// never those of leftoff and of Kafka itself.
func TestUsualGroupsAreFollowed(t *testing.T) {
	l := DefaultLink()
	group, topic := l.SelectGroup(), l.SelectTopic()
	for name, want := range map[string]bool{"connect-orders-to-s3": true, "word-count": true, "leftoff-drill.1.payments": false} {
		if group(name) != want {
			t.Errorf("group %s is followed: %v", name, !want)
		}
	}
	for name, want := range map[string]bool{
		"word-count-counts-store-changelog": true, "word-count-KSTREAM-AGGREGATE-STATE-STORE-0000000003-repartition": true,
		"__consumer_offsets": false, "leftoff-state": false,
	} {
		if topic(name) != want {
			t.Errorf("topic %s is followed: %v", name, !want)
		}
	}
}

// TestPoliciesNameTheirTests: the tests that docs/policies.md names are there.
func TestPoliciesNameTheirTests(t *testing.T) {
	page, err := os.ReadFile("../docs/policies.md")
	if err != nil {
		t.Fatal(err)
	}
	there := map[string]bool{}
	err = filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, m := range regexp.MustCompile(`(?m)^func (Test\w+)\(`).FindAllStringSubmatch(string(text), -1) {
			there[m[1]] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile("`(Test\\w+)`").FindAllStringSubmatch(string(page), -1)
	if len(named) < 20 {
		t.Errorf("only %d tests are named", len(named))
	}
	for _, m := range named {
		if !there[m[1]] {
			t.Errorf("docs/policies.md names %s, which is not there", m[1])
		}
	}
}
