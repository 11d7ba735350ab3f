#!/usr/bin/env bash
# Installs the Debian packages that the tests need, if they are missing: database servers (as binaries
# only) and ssh-keygen.
# Nothing is left running: the packages are chosen or told not to start a service of their own.
set -euo pipefail

missing=()
ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 || missing+=(postgresql)
[ -x /usr/sbin/mariadbd ] || missing+=(mariadb-server-core mariadb-client-core)
command -v ssh-keygen >/dev/null || missing+=(openssh-client) # git checks signatures with it
[ "${#missing[@]}" -gt 0 ] || exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || { echo "packages: need root or sudo to install: ${missing[*]}" >&2; exit 1; }
  as_root=(sudo)
fi
command -v apt-get >/dev/null || {
  echo "packages: this machine has no apt-get; install by hand: PostgreSQL 15 and MariaDB 10.11 servers" >&2
  exit 1
}

echo "installing Debian packages: ${missing[*]}"
# Debian's PostgreSQL package makes and starts a cluster unless this file says otherwise (postgresql-common(7)).
if [ ! -e /etc/postgresql-common/createcluster.conf ]; then
  "${as_root[@]}" mkdir -p /etc/postgresql-common
  echo 'create_main_cluster = false' | "${as_root[@]}" tee /etc/postgresql-common/createcluster.conf >/dev/null
fi
export DEBIAN_FRONTEND=noninteractive
"${as_root[@]}" apt-get -q -o DPkg::Lock::Timeout=300 update
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
  apt-get -q -y -o DPkg::Lock::Timeout=300 -o Dpkg::Options::=--force-confold install --no-install-recommends "${missing[@]}"
