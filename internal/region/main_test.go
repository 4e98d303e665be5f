package region

import (
	"testing"

	"github.com/leftoff/leftoff/internal/rig"
)

// TestMain looks for goroutines that were left behind, and ends the real clusters.
func TestMain(m *testing.M) { rig.Main(m) }
