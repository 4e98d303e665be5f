// Command bench measures what docs/architecture.md promises, beside MirrorMaker 2 where it has the row, and writes docs/benchmarks.md and
// docs/benchmarks.json. It needs Java and Maven, and runs from the folder of the repository.
//
//	go run ./cmd/bench all
//	go run ./cmd/bench latency --runs 5
//	go run ./cmd/bench match --short
package main

import "os"

func main() { os.Exit(run(os.Args[1:])) }
