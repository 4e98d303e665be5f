package configs

import _ "embed"

//go:embed reference.yml
var reference string

// Reference is reference.yml: every key with its default.
func Reference() string { return reference }
