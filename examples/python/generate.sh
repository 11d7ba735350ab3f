#!/usr/bin/env bash
# Writes the Python classes of the contract's messages to the directory given. Needs protoc and its
# standard files: on Debian the packages protobuf-compiler and libprotobuf-dev.
set -euo pipefail
out=${1:?usage: generate.sh DIRECTORY}
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$out"
protoc -I "$here" -I "$here/../../proto" --python_out="$out" \
  appbur/contract/v1/contract.proto appbur/contract/v1/sensitive.proto wire.proto
