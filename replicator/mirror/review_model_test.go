package mirror

import (
	"testing"

	"pgregory.net/rapid"
)

// More worlds than the model has: troubles in combinations.
func TestReviewModel(t *testing.T) {
	for _, c := range []struct {
		name    string
		letters int
		bad     []string
	}{
		{"forgetful, truncated, retention of the primary", 0, []string{"crash", "cutOff", "late", "forget", "truncateSecondary", "primaryRetention"}},
		{"truncated primary, late, intruders", 0, []string{"crash", "cutOff", "late", "truncatePrimary", "intrude"}},
		{"equal, one letter", 1, []string{"crash", "cutOff", "late", "forget"}},
		{"equal, lost disk", 2, []string{"crash", "cutOff", "late", "lostDisk"}},
		{"equal, truncated", 2, []string{"crash", "cutOff", "late", "truncateSecondary"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) { drive(t, c.letters, c.bad) })
		})
	}
}
