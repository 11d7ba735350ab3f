#!/usr/bin/env bash
# `make unit`: the unit tests without what is long (go test -short). `make test` runs all of them, vetted and with the race detector.
# The examples are programs that use the packages: each of their tests costs a program of its own to link, and it says at the end that
# they were left out.
set -euo pipefail
cd "$(dirname "$0")/.."

# Half of the work is linking some fifty test programs: without debug information, which no trace needs, and without cgo, as appbur is
# released. Packages wait for the disk and for git, so that three for each core run side by side. What vet finds, `make lint` tells.
quick=(-short -vet=off -ldflags=-s -p "$((3 * $(nproc 2>/dev/null || echo 2)))")
export CGO_ENABLED=0

# in_memory names a directory in memory for the test programs and for the files of tests, which sync them by the thousand, if this machine
# has one with room to spare. Its name is the same each time, because Go runs a test again when a variable has changed that it reads; for
# the same reason programs are run by go itself (-exec keeps no results). It is private, and what killed tests left in it an hour ago is
# removed. What happens to files when the power fails is tested elsewhere (internal/powerloss).
in_memory() {
  local dir free probe
  dir=/dev/shm/appbur-unit-$(id -u)

  # Some ten programs of 80 MB are there at a time.
  free=$(df -Pk /dev/shm 2>/dev/null | awk 'NR == 2 {print $4}')
  [ "${free:-0}" -ge $((3 << 20)) ] || return 1

  mkdir -m 700 "$dir" 2>/dev/null || { [ -d "$dir" ] && [ ! -L "$dir" ] && [ -O "$dir" ]; } || return 1
  find "$dir" -mindepth 1 -maxdepth 1 -mmin +60 -exec rm -rf {} + >&2 || true

  # Programs are run from it.
  probe=$(mktemp "$dir/probe.XXXXXX") && printf '#!/bin/sh\n' >"$probe" && chmod +x "$probe" || return 1
  "$probe" || { rm "$probe"; return 1; }
  rm "$probe"
  echo "$dir"
}

if memory=$(in_memory); then
  unset GOTMPDIR
  export TMPDIR=$memory
fi

mapfile -t packages < <(go list ./... | grep -v "^$(go list -m)/examples/")
[ "${#packages[@]}" -gt 0 ] || { echo "no packages: is this the root of the repository?" >&2; exit 1; }

bin/tools/gotestsum --format pkgname-and-test-fails --format-hide-empty-pkg -- "${quick[@]}" "${packages[@]}"
echo "LEFT OUT: what is long, and the tests of examples/ ($(go list ./examples/... | wc -l) packages); \`make test\` runs them."
