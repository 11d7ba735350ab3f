#!/usr/bin/env bash
# Installs the Debian packages that the tests need, if they are missing: database servers (as binaries
# only), ssh-keygen, strace, what makes networks and containers, what the example in Python needs, and an SSH server and
# containerd as programs in the user's cache directory.
# Nothing is left running: the packages are chosen or told not to start a service of their own.
set -euo pipefail

missing=()
ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 || missing+=(postgresql)
[ -x /usr/sbin/mariadbd ] || missing+=(mariadb-server-core mariadb-client-core)
command -v ssh-keygen >/dev/null || missing+=(openssh-client) # git checks signatures with it
/usr/bin/python3 -c 'import grpc, google.protobuf' 2>/dev/null || missing+=(python3 python3-grpcio python3-protobuf)
command -v strace >/dev/null || missing+=(strace) # tests of durability read what a process synced
command -v curl >/dev/null || missing+=(curl) # the conformance check of a real process drives it over HTTP
# Networks of a test's own, with a router in between, are made with ip, sysctl and nsenter.
[ -x /sbin/ip ] || command -v ip >/dev/null || missing+=(iproute2)
[ -x /sbin/sysctl ] || command -v sysctl >/dev/null || missing+=(procps)
command -v nsenter >/dev/null || missing+=(util-linux)
command -v runc >/dev/null || [ -x /usr/sbin/runc ] || missing+=(runc) # the container image is run, as containerd does
# Pods of a test are connected by CNI's own plugins, and kube-proxy leads to Services with nft.
[ -x /usr/lib/cni/ptp ] || [ -x /opt/cni/bin/ptp ] || missing+=(containernetworking-plugins)
command -v nft >/dev/null || [ -x /usr/sbin/nft ] || missing+=(nftables)
command -v busybox >/dev/null || missing+=(busybox-static) # a shell that many images have
command -v protoc >/dev/null || missing+=(protobuf-compiler)
[ -e /usr/include/google/protobuf/timestamp.proto ] || missing+=(libprotobuf-dev)

# sshd and containerd come out of their packages without installing them, because installing them would start services,
# of which sshd lets people in. Tests run them with configurations and directories of their own, sshd on loopback.
tools_dir=${XDG_CACHE_HOME:-$HOME/.cache}/appbur/tools
unpack=()
[ -x /usr/sbin/sshd ] || [ -x "$tools_dir/sshd/usr/sbin/sshd" ] || unpack+=(sshd)
command -v containerd >/dev/null || [ -x "$tools_dir/containerd/usr/bin/containerd" ] || unpack+=(containerd)
need_user=
# sshd separates privileges when it runs as root, and wants a user that owns nothing for it.
[ "$(id -u)" -ne 0 ] || id sshd >/dev/null 2>&1 || need_user=yes
[ "${#missing[@]}" -gt 0 ] || [ "${#unpack[@]}" -gt 0 ] || [ -n "$need_user" ] || exit 0

if [ -n "$need_user" ]; then
  useradd --system --no-create-home --home-dir /run/sshd --shell /usr/sbin/nologin sshd
fi
[ "${#missing[@]}" -gt 0 ] || [ "${#unpack[@]}" -gt 0 ] || exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || { echo "packages: need root or sudo to install: ${missing[*]} ${unpack[*]}" >&2; exit 1; }
  as_root=(sudo)
fi
command -v apt-get >/dev/null || {
  echo "packages: this machine has no apt-get; install by hand: PostgreSQL 15 and MariaDB 10.11 servers, OpenSSH's sshd, strace, iproute2, procps, util-linux, runc, containerd, the CNI plugins, nftables, protoc, grpcio for Python 3" >&2
  exit 1
}
"${as_root[@]}" apt-get -q -o DPkg::Lock::Timeout=300 update

if [ "${#missing[@]}" -gt 0 ]; then
  echo "installing Debian packages: ${missing[*]}"
  # Debian's PostgreSQL package makes and starts a cluster unless this file says otherwise (postgresql-common(7)).
  if [ ! -e /etc/postgresql-common/createcluster.conf ]; then
    "${as_root[@]}" mkdir -p /etc/postgresql-common
    echo 'create_main_cluster = false' | "${as_root[@]}" tee /etc/postgresql-common/createcluster.conf >/dev/null
  fi
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get -q -y -o DPkg::Lock::Timeout=300 -o Dpkg::Options::=--force-confold install --no-install-recommends "${missing[@]}"
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for program in "${unpack[@]}"; do
  echo "unpacking $program into $tools_dir/$program"
  case $program in
    sshd)
      wanted=(openssh-server)
      ldconfig -p | grep -q libwrap.so.0 || wanted+=(libwrap0)
      ;;
    *) wanted=("$program") ;;
  esac

  mkdir "$work/$program"
  (cd "$work/$program" && apt-get -q download "${wanted[@]}") || { echo "packages: apt-get download ${wanted[*]} failed" >&2; exit 1; }
  for package in "$work/$program"/*.deb; do dpkg -x "$package" "$work/$program/root"; done
  mkdir -p "$tools_dir"
  rm -rf "${tools_dir:?}/$program"
  mv "$work/$program/root" "$tools_dir/$program"
done
