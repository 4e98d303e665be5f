package daemon

import (
	"errors"
	"fmt"
	"testing"

	"github.com/leftoff/leftoff/replicator/failover"
)

// The sentences of the link the other way name the regions as its link does, and names that hold such a word stay what they are.
func TestWordsOfTheWayHome(t *testing.T) {
	for said, want := range map[string]string{
		"billing still runs on the primary: till on host":                      "billing still runs on the secondary: till on host",
		"the offsets of the secondary are being read":                          "the offsets of the primary are being read",
		"the primary does not answer: dial, and the secondary's log (primary)": "the secondary does not answer: dial, and the primary's log (secondary)",
		"primary.orders/0: not mirrored, on the secondary. Try: kcat primary1": "primary.orders/0: not mirrored, on the primary. Try: kcat primary1",
		"nothing of both": "nothing of both",
	} {
		if got := turned(said); got != want {
			t.Errorf("%q became %q, want %q", said, got, want)
		}
		if again := turned(turned(said)); again != said {
			t.Errorf("%q twice is %q", said, again)
		}
	}
	if err := turnedErr(fmt.Errorf("secondary: %w", failover.ErrOvertaken)); !errors.Is(err, failover.ErrOvertaken) || err.Error() != "primary: "+failover.ErrOvertaken.Error() {
		t.Error(err)
	}
	if turnedErr(nil) != nil {
		t.Error("an error of nothing")
	}
}
