package acceptance

import (
	"testing"

	"github.com/leftoff/leftoff/internal/rig"
)

// Issue 4, scenario 7: Kafka 3.9.2 as primary and 4.3.1 as secondary, scenario 1 in small.
func TestMirrorMaker2FromKafka39(t *testing.T) {
	rig.Require(t)
	t.Parallel()
	props := map[string]string{"log.cleaner.backoff.ms": "1000"}
	primary, secondary := rig.StartTwo(t, rig.Options{Name: "primary", Version: rig.V39, Props: props}, rig.Options{Name: "secondary", Props: props})
	exactOverMirrorMaker2(t, primary, secondary, 20_000, []int64{0, 1, 10, 1_000, 10_000})
}
