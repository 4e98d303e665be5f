package drill

import (
	"crypto/rand"
	"encoding/hex"
	"strings"
	"time"
)

// Prefix of all groups that a drill makes. Every link leaves out groups with leftoff- in front.
const Prefix = "leftoff-drill."

// newID says when a drill began, and differs from that of any other.
func newID(now time.Time) string {
	b := make([]byte, 4)
	rand.Read(b) // never fails
	return now.UTC().Format("20060102t150405z") + "-" + hex.EncodeToString(b)
}

// shadow is the name under which a drill resumes a group.
func shadow(id, group string) string { return beacon(id) + "." + group }

// beacon is the group whose member says that a drill is running.
func beacon(id string) string { return Prefix + id }

// drillOf is the id of the drill that made a group; false for everybody else's groups.
func drillOf(group string) (id string, ok bool) {
	rest, ok := strings.CutPrefix(group, Prefix)
	id, _, _ = strings.Cut(rest, ".")
	if !ok || !isID(id) {
		return "", false
	}
	return id, true
}

// isID is strict, so that a group which somebody else named in a similar way is nobody's shadow.
func isID(s string) bool {
	at, random, ok := strings.Cut(s, "-")
	if _, err := time.Parse("20060102t150405z", at); err != nil || !ok || len(random) != 8 {
		return false
	}
	_, err := hex.DecodeString(random)
	return err == nil
}
