#!/usr/bin/env bash
# Writes every generated file again. hack/test.sh runs it and fails when that changes anything.
set -euo pipefail
cd "$(dirname "$0")/.."
PATH=$PWD/bin/tools:$PATH
(cd proto && buf generate)
go generate ./...
go run ./internal/cli/docgen docs/cli docs/conformance.md
