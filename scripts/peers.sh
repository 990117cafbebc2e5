#!/usr/bin/env bash
# Makes the proxies of newer Debian releases for the end-to-end tests, each release in a folder of its own, and prints their versions.
#   scripts/peers.sh [--refresh] [RELEASE...]
# RELEASE is trixie (HAProxy 3.0, nginx 1.26) or sid (HAProxy 3.2 and newer, nginx 1.30, Caddy 2.11); default: both.
# What is there stays as it is; --refresh makes it anew, for sid moves. Nothing outside the folders is touched.
# SIDECAR_PEERS=FOLDER holds them (default /var/cache/sidecar-peers, 450 MB each). Needs root, debootstrap and a Debian mirror.
# A release that cannot be made is 'not run', with the reason, and the exit status is 3.
set -euo pipefail

folder=${SIDECAR_PEERS:-/var/cache/sidecar-peers}
packages=(haproxy nginx libnginx-mod-http-lua libnginx-mod-http-js lua-cjson caddy curl)
limit=1800 # seconds that making one may take

refresh=
case "${1:-}" in
  -h|--help) sed -n '2,7s/^# \{0,1\}//p' "$0"; exit 0 ;;
  --refresh) refresh=1; shift ;;
esac
[ $# -gt 0 ] || set -- trixie sid

# Why nothing can be made here; nothing when it can.
obstacle() {
  if [ "$(id -u)" != 0 ]; then echo "only root can make and enter the folder, and this is $(id -un)"; return; fi
  for tool in debootstrap unshare; do
    command -v "$tool" >/dev/null || { echo "$tool is missing; install debootstrap and util-linux"; return; }
  done
}

# Made under another name and renamed, so that a run that is broken off leaves nothing that looks whole.
# No daemon of a package starts, and no package asks. A mirror of sid may lag behind the week for which its index is valid; signatures are checked.
make_release() {
  local part="$folder/.$1.part" within="timeout $limit" in="timeout $limit chroot $folder/.$1.part env DEBIAN_FRONTEND=noninteractive"
  discard "$part" &&
    $within debootstrap --variant=minbase "$1" "$part" &&
    printf '#!/bin/sh\nexit 101\n' >"$part/usr/sbin/policy-rc.d" &&
    chmod 755 "$part/usr/sbin/policy-rc.d" &&
    $in apt-get -q -o Acquire::Check-Valid-Until=false update &&
    $in apt-get -qy install --no-install-recommends "${packages[@]}" &&
    touch "$part/.done" &&
    discard "$folder/$1" &&
    mv "$part" "$folder/$1"
}

# Deletes a folder, unless something is mounted in it: that would go too.
discard() {
  if grep -q " ${1:?}/" /proc/self/mountinfo; then echo "something is mounted below $1; unmount it first"; return 1; fi
  rm -rf --one-file-system "${1:?}"
}

# The versions as the programs state them, and those of nginx's modules.
versions() {
  local in="chroot $folder/$1"
  echo "HAProxy $($in /usr/sbin/haproxy -v | sed -n 's/^HAProxy version \([0-9.]*\).*/\1/p')," \
    "nginx $($in /usr/sbin/nginx -v 2>&1 | sed -n 's,^nginx version: nginx/,,p')" \
    "($($in dpkg-query -W -f 'Lua module ${source:Upstream-Version}' libnginx-mod-http-lua)," \
    "$($in dpkg-query -W -f 'njs ${source:Upstream-Version}' libnginx-mod-http-js))," \
    "Caddy $($in /usr/bin/caddy version | sed 's/^v\{0,1\}\([0-9.]*\).*/\1/')"
}

status=0
for release in "$@"; do
  case "$release" in
    trixie|sid) ;;
    *) echo "peers.sh: release '$release' is unknown; trixie and sid are" >&2; exit 2 ;;
  esac
  reason=$(obstacle)
  if [ -z "$reason" ]; then
    mkdir -p "$folder"
    exec 8>"$folder/.$release.lock"
    flock 8
    if [ -n "$refresh" ] || [ ! -e "$folder/$release/.done" ]; then
      echo "peers.sh: making $release in $folder/$release"
      make_release "$release" >"$folder/$release.log" 2>&1 8>&- ||
        reason="it could not be made: $(tail -n 1 "$folder/$release.log"); the whole log is $folder/$release.log"
    fi
    exec 8>&-
  fi
  if [ -n "$reason" ]; then
    echo "$release: not run: $reason"
    status=3
  else
    echo "$release: $(versions "$release")"
  fi
done
exit "$status"
