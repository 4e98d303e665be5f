package offsetlog

import "fmt"

// ParseMarker decodes the key of a control record: whether it commits its producer's transaction or aborts it. Control
// records of other types (leader changes, snapshots) are neither: ok is false.
func ParseMarker(key []byte) (commit, ok bool, err error) {
	r := reader{b: key}
	version, kind := r.int16(), r.int16()
	if r.bad || version < 0 {
		return false, false, fmt.Errorf("%w (control record)", ErrMalformed)
	}
	switch kind {
	case 0:
		return false, true, nil
	case 1:
		return true, true, nil
	}
	return false, false, nil
}
