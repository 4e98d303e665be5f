package checkpoint

import (
	"errors"
	"flag"
	"os"
	"slices"
	"testing"

	"go.etcd.io/bbolt"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	flag.Parse()
	asked := false
	flag.Visit(func(f *flag.Flag) { asked = asked || f.Name == "rapid.checks" })
	if !asked {
		flag.Set("rapid.checks", "60")
	}
	code := m.Run()
	if err := goleak.Find(); code == 0 && err != nil {
		os.Stderr.WriteString(err.Error() + "\n")
		code = 1
	}
	os.Exit(code)
}

var errNoSpace = errors.New("no space left on device")

func failing(func(*bbolt.Tx) error) error { return errNoSpace }

func sortStrings(s []string) { slices.Sort(s) }
