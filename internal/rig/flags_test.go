package rig

import "testing"

func TestBenchFlags(t *testing.T) {
	RequireSoak(t)
	Start(t, Options{Bench: true, JVM: []string{"-Xmx640m"}})
}
