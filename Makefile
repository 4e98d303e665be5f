# The first target is help; `make check` is the loop to live in.

GO          ?= go
STATICCHECK ?= honnef.co/go/tools/cmd/staticcheck@v0.8.2
FUZZTIME    ?= 20s
BENCH       ?= .
RUNS        ?= 3

# The race detector needs a C compiler; without one the same tests run plain.
RACE := $(shell test "$$($(GO) env CGO_ENABLED)" = 1 && echo -race)

# Packages whose tests start real Kafka: those that build with internal/rig.
RIG       := $(shell $(GO) list -m)/internal/rig
KAFKA_PKGS = $(RIG) $(shell $(GO) list -test -f '{{range .Deps}}{{if eq . "$(RIG)"}}{{$$.ForTest}}{{end}}{{end}}' ./... | sort -u)

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## the binary, as bin/leftoff
	CGO_ENABLED=0 $(GO) build -trimpath -o bin/leftoff ./cmd/leftoff

check: lint ## the fast loop: lint, and every test that needs no Java
	$(GO) test -short -timeout 5m ./...

test: lint ## the same under the race detector, then the tests on real Kafka (skipped without Java and Maven)
	$(GO) test -short $(RACE) -timeout 10m ./...
	$(GO) test -parallel 3 -timeout 35m $(KAFKA_PKGS)

soak: ## the long variants of the tests on real Kafka: more seeds, more kills, 3.9.2
	LEFTOFF_SOAK=1 LEFTOFF_REQUIRE_KAFKA=1 $(GO) test -count 1 -p 1 -timeout 3h -v $(KAFKA_PKGS)

race: ## everything, real Kafka too, under the race detector
	$(GO) test -race -timeout 40m ./...

fuzz: ## every fuzz target for FUZZTIME (20s)
	@for p in $$($(GO) list ./...); do \
		for f in $$($(GO) test -list '^Fuzz' $$p | grep '^Fuzz'); do \
			echo "== $$p $$f"; $(GO) test -run '^$$' -fuzz "^$$f$$" -fuzztime $(FUZZTIME) $$p || exit 1; \
		done; \
	done

bench: ## docs/benchmarks.md, side by side with MirrorMaker 2 (about an hour; `go run ./cmd/bench -h`: one at a time)
	$(GO) run ./cmd/bench all --runs $(RUNS)

microbench: ## the micro-benchmarks, for benchstat; BENCH=regexp chooses
	$(GO) test -short -run '^$$' -bench '$(BENCH)' -benchmem -count 10 -timeout 60m ./...

lint: ## gofmt, go vet, staticcheck
	@unformatted=$$(gofmt -l $$(git ls-files '*.go' 2>/dev/null || echo .)); \
	if [ -n "$$unformatted" ]; then echo "not formatted (Try: gofmt -w):"; echo "$$unformatted"; exit 1; fi
	$(GO) vet ./...
	$(GO) run $(STATICCHECK) ./...

demo: ## two regions in one terminal, one of them dies
	$(GO) run ./cmd/leftoff demo

.PHONY: help build check test soak race fuzz bench microbench lint demo
