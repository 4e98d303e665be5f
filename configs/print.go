package configs

import (
	"bytes"

	"go.yaml.in/yaml/v3"
)

// Print is the configuration with all defaults filled in, as YAML. Secrets show as ***.
func (c Config) Print() (string, error) {
	var out bytes.Buffer
	e := yaml.NewEncoder(&out)
	e.SetIndent(2)
	if err := e.Encode(c); err != nil {
		return "", err
	}
	return out.String(), e.Close()
}
