// Package configs is the configuration file: its structs, their defaults, and all of its problems at once.
//
// Promise. Load and Parse report every problem of a file, not the first one, each as data: the key's path, the value, what is
// wrong and what to do. A Config that comes back without problems can be run; what it refuses to guess it refuses by name.
// Secrets never print.
//
// The basics:
//
//	cfg, err := configs.Load("link.yml", configs.System())   // err is a Problems where the file is to blame
//	link := cfg.Links[0]
//	selects := link.SelectTopic()                            // func(topic string) bool
//	endpoint := cfg.Endpoint(link.Primary)                   // brokers, TLS files, credentials
//
// reference.yml documents every key with its default; a test holds it to the structs.
//
// Caveats. Patterns are regular expressions, always anchored at both ends: "payments" selects one topic, "payments.*" all
// that begin so. Whether two mirrors would copy a topic in a circle is decided exactly, for every topic name there could be.
package configs
