package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/leftoff/leftoff/configs"
	"github.com/leftoff/leftoff/replicator/api"
)

// errBad ends a command whose work is done and whose answer is bad: exit status 1, and nothing more to print.
var errBad = errors.New("the answer is bad")

var errInterrupted = errors.New("interrupted")

// hinted is an error with what to do about it.
type hinted struct {
	message, try string
}

func usage(format string, args ...any) *hinted { return &hinted{message: fmt.Sprintf(format, args...)} }

func (h *hinted) hint(try string) error {
	h.try = try
	return h
}

func (h *hinted) Error() string {
	if h.try == "" {
		return h.message
	}
	return h.message + ". Try: " + h.try
}

// report prints an error in one line, and what to do in a second. It returns the exit status.
func (a *app) report(err error) int {
	var p *fileProblems
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errBad):
		return 1
	case errors.As(err, &p):
		fmt.Fprintf(a.err, "leftoff: %s\n", p)
	default:
		message, hint := api.SplitHint(readable(err.Error()))
		fmt.Fprintf(a.err, "leftoff: %s\n", message)
		if hint = hintFor(message, hint); hint != "" {
			fmt.Fprintf(a.err, "Try: %s\n", hint)
		}
	}
	return 2
}

// hintFor adds one to what cobra says about flags and commands.
func hintFor(message, hint string) string {
	for _, beginning := range []string{"unknown command", "unknown flag", "unknown shorthand", "accepts ", "requires ", "flag needs", "invalid argument"} {
		if hint == "" && strings.HasPrefix(message, beginning) {
			return "leftoff --help, or leftoff COMMAND --help"
		}
	}
	return hint
}

// fileProblems are all problems of a file, one a line.
type fileProblems struct {
	file string
	all  configs.Problems
}

// problems keeps errors that are not the file's fault as they are.
func problems(file string, err error) error {
	var all configs.Problems
	if errors.As(err, &all) {
		return &fileProblems{file, all}
	}
	return err
}

func (f *fileProblems) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s has %s:", f.file, plural(len(f.all), "problem"))
	for _, p := range f.all {
		b.WriteString("\n" + problemLine(f.file, p))
	}
	return b.String()
}

// problemLine begins as compilers' messages do, so that editors can jump to it.
func problemLine(file string, p configs.Problem) string {
	at := file
	if p.Line > 0 {
		at = fmt.Sprintf("%s:%d", file, p.Line)
	}
	return at + ": " + p.String()
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return number(int64(n)) + " " + what + "s"
}
