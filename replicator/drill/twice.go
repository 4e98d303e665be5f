package drill

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// once refuses JSON in which an object has a key twice: readers differ in which one counts, so that a signature over one would stand beside
// the other. "Checksum" and "checksum" are the same key, because to encoding/json they are. What it is given is known to be JSON.
func once(encoded []byte) error {
	d := json.NewDecoder(bytes.NewReader(encoded))
	d.UseNumber()
	var open []object
	for {
		t, err := d.Token()
		if err != nil {
			return nil // its end
		}
		if last := len(open) - 1; last >= 0 && open[last].takesKey(t) {
			if key := t.(string); open[last].has(key) {
				return fmt.Errorf("%w: the key %q is there twice", ErrNotAReport, key)
			}
			continue
		}
		switch t {
		case json.Delim('{'):
			open = append(open, object{keys: map[string]bool{}, key: true})
		case json.Delim('['):
			open = append(open, object{})
		case json.Delim('}'), json.Delim(']'):
			open = open[:len(open)-1]
			fallthrough
		default:
			if last := len(open) - 1; last >= 0 {
				open[last].key = open[last].keys != nil // its value is over
			}
		}
	}
}

// object is one that is being read, or an array, which has no keys.
type object struct {
	keys map[string]bool
	key  bool // a key is next
}

// takesKey says that a token is a key, and not what ends the object.
func (o *object) takesKey(t json.Token) bool {
	if _, ends := t.(json.Delim); ends || !o.key {
		return false
	}
	o.key = false
	return true
}

func (o *object) has(key string) bool {
	folded := strings.ToLower(strings.ToUpper(key)) // as encoding/json folds: the sign of Kelvin is a k, and the long s an s
	had := o.keys[folded]
	o.keys[folded] = true
	return had
}
