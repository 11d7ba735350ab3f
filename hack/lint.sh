#!/usr/bin/env bash
# Formatting, vet, linters, import directions, protobuf lint. Changes nothing.
set -euo pipefail
cd "$(dirname "$0")/.."
tools=$PWD/bin/tools
mapfile -t sources < <(git ls-files --cached --others --exclude-standard '*.go' | grep -vE '\.pb\.go$')

echo "lint: gofumpt"
unformatted=$("$tools/gofumpt" -l "${sources[@]}")
[ -z "$unformatted" ] || { printf 'not gofumpt-clean (run: bin/tools/gofumpt -w FILE):\n%s\n' "$unformatted" >&2; exit 1; }

echo "lint: go vet"
go vet -tags integration ./...

echo "lint: golangci-lint"
"$tools/golangci-lint" run ./...

echo "lint: buf"
(cd proto && "$tools/buf" lint && "$tools/buf" breaking --against released/v1.binpb)
