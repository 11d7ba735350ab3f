#!/usr/bin/env bash
# Runs every fuzz target of the module for the given time (default 20s) each.
set -euo pipefail
cd "$(dirname "$0")/.."
duration=${1:-20s}
count=0
while IFS=: read -r file target; do
  count=$((count + 1))
  echo "fuzz: ${target} in $(dirname "$file")"
  go test -run '^$' -fuzz "^${target}\$" -fuzztime "$duration" "./$(dirname "$file")"
done < <(git grep -oE '^func Fuzz[A-Za-z0-9_]+' -- '*_test.go' | sed 's/:func /:/')
[ "$count" -gt 0 ] || { echo "no fuzz target found" >&2; exit 1; }
