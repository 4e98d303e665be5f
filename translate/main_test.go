package translate

import (
	"flag"
	"os"
	"testing"
)

// The properties run 1,500 times where nobody asks for another number (-rapid.checks): a second or two.
func TestMain(m *testing.M) {
	flag.Parse()
	asked := false
	flag.Visit(func(f *flag.Flag) { asked = asked || f.Name == "rapid.checks" })
	if !asked && !testing.Short() {
		flag.Set("rapid.checks", "1500")
	}
	os.Exit(m.Run())
}
