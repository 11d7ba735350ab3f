# appbur. `make help` lists the targets. `make demo` and `make test` need Go, git, make and root (or sudo);
# they install and build all else: Debian packages for the two databases, and the Kubernetes servers from source.

SHELL       := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

# Builds do not depend on the state of the checkout, so that equal sources give equal binaries.
export GOFLAGS := -buildvcs=false
export CGO_ENABLED ?= 1

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
LDFLAGS := -s -w -X github.com/appbur/appbur/internal/cli.version=$(VERSION)
# kustomize would link Go's plugins, for which the linker keeps everything: 23 MB, and 30 MB of memory.
TAGS    := kustomize_disable_go_plugin_support
TOOLS   := $(CURDIR)/bin/tools
KUBE    := 1.24.17,1.37.1

.PHONY: help
help: ## Show this help
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sort | awk -F':.*## ' '{printf "  \033[1m%-14s\033[0m %s\n", $$1, $$2}'

.PHONY: build
build: ## Build appbur and the example programs into bin/
	@mkdir -p bin
	CGO_ENABLED=0 go build -trimpath -tags $(TAGS) -ldflags '$(LDFLAGS)' -o bin/ ./cmd/... ./adapters/... ./examples/fleet/cmd/... ./examples/demo ./examples/smallest ./examples/shortest

.PHONY: demo
demo: servers build ## Save a Kubernetes 1.24 management cluster to Git and rebuild it on 1.37, on real servers
	@exec bin/demo

.PHONY: image
image: ## Build the container image into bin/image: OCI layout and tarball, amd64 and arm64, with SBOMs; no Docker
	@go -C hack/image run . -C $(CURDIR) -out $(CURDIR)/bin/image -version '$(VERSION)'

.PHONY: release
release: ## Build the archives of a release and the manifest for krew into bin/release; VERSION=v1.2.3 names it
	@go -C hack/image run . release -C $(CURDIR) -out $(CURDIR)/bin/release -version '$(VERSION)'

.PHONY: servers
servers: ## Build etcd and the Kubernetes servers into the user's cache directory, once
	@go run ./hack/kube -versions $(KUBE)

.PHONY: compat-matrix
compat-matrix: ## Hold the lifecycle table and the conversions against API servers of every pinned release (nightly: builds five more, more than an hour the first time)
	@go run ./hack/kube
	go test -tags integration -count=1 -timeout 30m -run '^TestMatrix' ./pkg/compat -matrix

.PHONY: packages
packages: ## Install the Debian packages that tests need (PostgreSQL, MariaDB, grpcio for Python, sshd as a program), and unpack what the recipes run against
	@hack/packages.sh
	@hack/programs/install.sh

.PHONY: tools
tools: $(TOOLS)/stamp ## Build the pinned development tools into bin/tools
$(TOOLS)/stamp: hack/tools/go.mod hack/tools/go.sum
	@echo "building the development tools (a few minutes the first time)"
	@mkdir -p $(TOOLS)
	@GOBIN=$(TOOLS) CGO_ENABLED=0 go -C hack/tools install tool
	@touch $@

.PHONY: test
test: ## Everything CI runs: format, vet, linters, generated files, unit, integration and conformance tests
	@hack/test.sh

.PHONY: unit
unit: $(TOOLS)/stamp ## Unit tests without what is long (go test -short); need nothing but Go and git. What is long runs in `make test`, with the race detector
	@hack/unit.sh

.PHONY: integration
integration: $(TOOLS)/stamp servers packages build ## Tests against real Kubernetes, Git, PostgreSQL and MariaDB servers
	@$(TOOLS)/gotestsum --format pkgname-and-test-fails --raw-command -- go run ./hack/integration

.PHONY: lint
lint: $(TOOLS)/stamp ## Formatting, vet, linters, import directions, protobuf lint
	@hack/lint.sh

.PHONY: generate
generate: $(TOOLS)/stamp ## Write generated files again: protobuf, lifecycle table, command reference
	@hack/generate.sh

.PHONY: release-proto
release-proto: $(TOOLS)/stamp ## Freeze the contract as it is now; later changes are checked against it (part of a release)
	@cd proto && $(TOOLS)/buf build -o released/v1.binpb

.PHONY: golden
golden: ## Rewrite golden files from what the code does now; read the diff before you commit it
	@go test ./... -run 'Golden|Txtar|Script' -update

.PHONY: fuzz
fuzz: ## Run every fuzz target for FUZZTIME (default 20s) each
	@hack/fuzz.sh $(or $(FUZZTIME),20s)

.PHONY: bench
bench: ## Benchmarks of the hot paths
	@go test -run '^$$' -bench . -benchmem ./pkg/...

.PHONY: install
install: ## Install the appbur command into GOBIN
	CGO_ENABLED=0 go install -trimpath -tags $(TAGS) -ldflags '$(LDFLAGS)' ./cmd/appbur

.PHONY: clean
clean: ## Remove bin/ (built servers stay in the user's cache directory)
	rm -rf bin
