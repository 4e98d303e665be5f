package configs

// Secret is a string that does not print: fmt, zap, JSON and YAML show ***.
type Secret string

const hidden = "***"

// Reveal is the secret itself, for whoever has to send it.
func (s Secret) Reveal() string { return string(s) }

func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return hidden
}

func (s Secret) GoString() string { return s.String() }

// MarshalText keeps it out of JSON and logs.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// MarshalYAML keeps it out of `leftoff config print`.
func (s Secret) MarshalYAML() (any, error) { return s.String(), nil }
