package acceptance

import (
	"testing"
	"time"

	"github.com/leftoff/leftoff/internal/rig"
)

// Scenario 4: a transaction that is left open with commits pending does not delay the other groups of its offsets partition.
func TestHangingTransactionDelaysNobody(t *testing.T) {
	primary, secondary := rig.Shared(t)
	prefix := rig.Name(t, "hanging") + "."
	topic, hanging := prefix+"payments", prefix+"hanging"
	primary.CreateTopic(t, topic, 1, nil)
	fill(t, primary, topic, 0, 1_000, 0)
	other := neighbour(prefix, hanging)

	stuck := openCommit(t, primary, hanging, topic, 500)
	defer stuck()

	r := start(t, newSpec(t, primary.Bootstrap(), secondary.Bootstrap(), "mirror", prefix))
	for _, u := range []int64{10, 700, 1_000} {
		commit(t, primary, other, topic, map[int32]int64{0: u})
		if !eventually(20*time.Second, func() bool { return committed(t, secondary, other, topic)[0] == u }) {
			t.Fatalf("commit %d of a group beside an open transaction did not arrive: %s", u, r.unsettled([]string{other}))
		}
	}
	if got, ok := committed(t, secondary, hanging, topic)[0]; ok {
		t.Fatalf("the open transaction's commit %d was copied", got)
	}
}
