package configs

import (
	"fmt"
	"net"
	"sort"
	"strconv"
	"strings"
)

// checker looks at what the binder filled in. Every method says all that it finds.
type checker struct {
	*binder
	cfg     *Config
	outside Outside
}

func (c *checker) all() {
	c.top()
	c.clusters()
	c.links()
	c.together()
}

func (c *checker) top() {
	if c.cfg.DataDir == "" {
		c.say("data_dir", "", "is empty", "a folder that only leftoff writes to")
	}
	if c.cfg.HTTP != NoHTTP {
		c.address("http", c.cfg.HTTP, "127.0.0.1:9780, or none")
	}
	if len(c.cfg.Clusters) == 0 && !c.failed["clusters"] {
		c.say("clusters", "", "there are none", `two clusters, each with its brokers`)
	}
	if len(c.cfg.Links) == 0 && !c.failed["links"] {
		c.say("links", "", "there are none", `a link with name, primary, secondary and mapping`)
	}
}

// address wants host:port.
func (c *checker) address(path, value, hint string) bool {
	host, port, err := net.SplitHostPort(value)
	number, bad := strconv.Atoi(port)
	switch {
	case value == "":
		c.say(path, "", "is empty", hint)
	case err != nil && strings.Contains(err.Error(), "missing port"):
		c.say(path, value, "missing port", strings.TrimPrefix(hint, "host:port, such as "))
	case err != nil:
		c.say(path, value, "is not host:port", hint)
	case strings.Contains(value, "/"), strings.ContainsAny(host, " \t,"):
		c.say(path, value, "is not host:port", hint)
	case bad != nil || number < 0 || number > 65535:
		c.say(path, value, "has no port between 0 and 65535", hint)
	default:
		return true
	}
	return false
}

// oneOf wants a word of a closed set.
func (c *checker) oneOf(path, value string, words ...string) {
	for _, w := range words {
		if w == value {
			return
		}
	}
	hint := "one of " + strings.Join(words, ", ")
	if len(words) == 1 {
		hint = words[0]
	}
	if w, ok := nearest(value, words); ok {
		hint = fmt.Sprintf("%s (of %s)", w, strings.Join(words, ", "))
	}
	if value == "" {
		c.say(path, "", "is missing", hint)
		return
	}
	c.say(path, value, "no such choice", hint)
}

func (c *checker) clusterNames() []string {
	names := make([]string, 0, len(c.cfg.Clusters))
	for name := range c.cfg.Clusters {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}
