#!/usr/bin/env bash
# `make test`: everything that must hold before a change lands, in the order that fails soonest.
# Prints how long each part took. Needs Go, git, make and root or sudo; installs and builds the rest.
set -euo pipefail
cd "$(dirname "$0")/.."
tools=$PWD/bin/tools

part() {
  local name=$1 start=$SECONDS
  shift
  printf '\n== %s\n' "$name"
  "$@" || { printf '== %s FAILED after %ss\n' "$name" "$((SECONDS - start))"; exit 1; }
  printf '== %s: ok, %ss\n' "$name" "$((SECONDS - start))"
}

drift() {
  git diff --quiet -- . || { echo "the checkout has changes; they are kept out of the drift check by comparing before and after"; }
  local before after
  before=$(git status --porcelain=v1; git diff)
  go mod tidy
  hack/generate.sh
  after=$(git status --porcelain=v1; git diff)
  [ "$before" = "$after" ] || { git --no-pager diff --stat; echo "generated files or go.mod drifted: run 'make generate' and 'go mod tidy', then commit" >&2; return 1; }
}

part "packages" hack/packages.sh
part "programs of the recipes" hack/programs/install.sh
part "tools" make --no-print-directory tools
part "generated files" drift
part "lint" hack/lint.sh
part "Kubernetes servers" make --no-print-directory servers
part "build" make --no-print-directory build
part "unit tests, race detector" "$tools/gotestsum" --format pkgname-and-test-fails --format-hide-empty-pkg -- -race ./...
part "alerts and dashboard, by Prometheus' own engine" go -C hack/prometheus test -count=1 ./...
part "the container image and a release, built twice, and krew" go -C hack/image test -count=1 ./...
part "the Helm chart, by Helm itself, on real servers" go -C hack/helm test -tags integration -count=1 ./...
part "integration and conformance tests, real servers" "$tools/gotestsum" --format pkgname-and-test-fails --raw-command -- go run ./hack/integration
