package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// TestHelpEndsInTwoExamples, and the examples are commands that exist, with flags that exist.
func TestHelpEndsInTwoExamples(t *testing.T) {
	var visit func(c *cobra.Command)
	visit = func(c *cobra.Command) {
		if c.Hidden || c.Name() == "help" || c.Name() == "completion" {
			return
		}
		examples := strings.Split(c.Example, "\n")
		if len(examples) != 2 {
			t.Errorf("%s: %d examples", c.CommandPath(), len(examples))
		}
		for _, e := range examples {
			parses(t, c.CommandPath(), e)
		}
		var out bytes.Buffer
		c.SetOut(&out)
		if err := c.Help(); err != nil {
			t.Fatal(err)
		}
		if help := strings.TrimSpace(out.String()); !strings.HasSuffix(help, strings.TrimSpace(c.Example)) {
			t.Errorf("%s: help does not end in its examples:\n%s", c.CommandPath(), help)
		}
		for _, sub := range c.Commands() {
			visit(sub)
		}
	}
	visit((&app{}).root())
}

// parses finds the command of a documented line and reads its flags. It runs nothing.
func parses(t *testing.T, where, line string) {
	t.Helper()
	line, _, _ = strings.Cut(line, " | ")
	line, _, _ = strings.Cut(line, " > ")
	line, _, _ = strings.Cut(line, "  #")
	line = strings.ReplaceAll(line, `"`, "")
	words := strings.Fields(strings.ReplaceAll(line, "drill is over", "over"))
	root := (&app{}).root()
	c, rest, err := root.Find(words[1:])
	if err != nil || c == root && len(words) > 1 {
		t.Errorf("%s: %q is no command: %v", where, line, err)
		return
	}
	if err := c.ParseFlags(rest); err != nil {
		t.Errorf("%s: %q: %v", where, line, err)
		return
	}
	if c.Args != nil {
		if err := c.Args(c, c.Flags().Args()); err != nil {
			t.Errorf("%s: %q: %v", where, line, err)
		}
	}
}
