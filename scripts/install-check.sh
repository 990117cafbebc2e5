#!/usr/bin/env bash
# Installs the daemon into a fresh Debian 12, as an operator would, and starts it for the first time behind nginx, HAProxy and Caddy.
#   scripts/install-check.sh BINARY
# BINARY is what scripts/publish.sh made. Needs root, debootstrap, unshare and a Debian mirror; what it makes is SIDECAR_INSTALL_CHECK
# (default /var/cache/sidecar-install-check, 450 MB, kept for the next run). There is no systemd in it: the unit is played, with its user,
# groups, directories and commands, without the sandbox.
# Exit status: 0 all is well, 1 something is not, 3 cannot be run here.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
case "${1:-}" in
  -h|--help) sed -n '2,7s/^# \{0,1\}//p' "$0"; exit 0 ;;
  '' | -*) echo "install-check.sh: name the binary; see --help" >&2; exit 2 ;;
esac
binary=$1
folder=${SIDECAR_INSTALL_CHECK:-/var/cache/sidecar-install-check}
debian=$folder/bookworm
packages=(nginx haproxy caddy curl iproute2)

cannot() { echo "install-check.sh: not run: $1"; exit 3; }
fail() { echo "install-check.sh: $1" >&2; exit 1; }
say() { echo "== $1"; }

[[ $(id -u) == 0 ]] || cannot "only root can make and enter a system"
for tool in debootstrap unshare setpriv; do
  command -v $tool >/dev/null || cannot "$tool is missing; install debootstrap and util-linux"
done
[[ -x $binary ]] || fail "there is no program $binary; make it with scripts/publish.sh"

make_debian() {
  rm -rf --one-file-system "$debian.part"
  debootstrap --variant=minbase bookworm "$debian.part" >"$folder/make.log" 2>&1 || return 1
  printf '#!/bin/sh\nexit 101\n' >"$debian.part/usr/sbin/policy-rc.d"
  chmod 755 "$debian.part/usr/sbin/policy-rc.d"
  DEBIAN_FRONTEND=noninteractive chroot "$debian.part" apt-get -qy install --no-install-recommends "${packages[@]}" >>"$folder/make.log" 2>&1 || return 1
  mv "$debian.part" "$debian"
}

if [[ ! -d $debian ]]; then
  say "making Debian 12 in $debian"
  mkdir -p "$folder"
  make_debian || cannot "Debian could not be made; see $folder/make.log"
fi

if command -v systemd-analyze >/dev/null; then
  say "the unit, as systemd reads it"
  unit=$(mktemp -d)
  sed "s#/usr/local/bin/sidecar#$(realpath "$binary")#" "$root/systemd/sidecar.service" >"$unit/sidecar.service"
  problems=$(systemd-analyze verify "$unit/sidecar.service" 2>&1) || true
  rm -rf "$unit"
  [[ -z $problems ]] || fail "systemd-analyze: $problems"
fi

# Everything happens in a copy and in namespaces of its own: what is left running ends with the script.
work=$(mktemp -d)
trap 'rm -rf --one-file-system "$work"' EXIT
cp -a --reflink=auto "$debian" "$work/debian"
mkdir -p "$work/debian/src"
cp -a "$root/scripts" "$root/systemd" "$work/debian/src/"
install -m 755 "$binary" "$work/debian/src/sidecar"
unshare --mount --pid --net --fork --kill-child --mount-proc="$work/debian/proc" chroot "$work/debian" /bin/bash /src/scripts/install-check-inside.sh
