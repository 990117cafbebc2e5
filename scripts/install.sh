#!/usr/bin/env bash
# Publishes the daemon as one file and installs it with its systemd unit. See --help.
set -euo pipefail

readonly name=sidecar
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
prefix=${PREFIX:-/usr/local}
destdir=${DESTDIR:-}
action=install
dry_run=false
binary=
work=

usage() {
    cat <<'EOF'
Usage: scripts/install.sh [--dry-run] [--binary FILE]
       scripts/install.sh --uninstall [--dry-run]

Publishes the daemon for this machine (scripts/publish.sh: native code in one file) and installs:
  PREFIX/bin/sidecar                      the daemon
  /etc/systemd/system/sidecar.service     its unit
  /etc/tmpfiles.d/sidecar.conf            /run/sidecar, where the listener sockets live
  the system user and group "sidecar"     unless they exist or DESTDIR is set
It starts and enables nothing. Running it again upgrades; the running daemon keeps its old binary until it is restarted.

Options:
  --binary FILE  install FILE instead of publishing (built elsewhere, no .NET SDK and compiler needed here)
  --uninstall    stop the service and remove what was installed; user, /etc/sidecar and /var/lib/sidecar stay
  --dry-run      print the commands and change nothing
  --help         this text

Environment:
  PREFIX   default /usr/local; the unit is adapted to it
  DESTDIR  put in front of every path, for building packages; then no user is made and systemd is not told

Exit status: 0 done, 1 failed, 2 wrong use.
EOF
}

fail() { echo "install.sh: $1" >&2; exit 1; }
wrong_use() { echo "install.sh: $1; see --help" >&2; exit 2; }
say() { echo "==> $1"; }

run() {
    if $dry_run; then
        printf '+'; printf ' %q' "$@"; printf '\n'
    else
        "$@"
    fi
}

clean_up() { if [[ -n $work ]]; then rm -rf -- "$work"; fi; }
trap clean_up EXIT

while (($# > 0)); do
    case $1 in
        --help|-h) usage; exit 0 ;;
        --dry-run) dry_run=true ;;
        --uninstall) action=uninstall ;;
        --binary)
            (($# > 1)) || wrong_use "--binary needs a file"
            binary=$2; shift ;;
        *) wrong_use "unknown argument '$1'" ;;
    esac
    shift
done

[[ $prefix == /* ]] || wrong_use "PREFIX '$prefix' is not an absolute path"
[[ $prefix =~ ^[A-Za-z0-9/._+-]+$ ]] || wrong_use "PREFIX '$prefix' has characters that a systemd unit would need quoted"
[[ -z $destdir || $destdir == /* ]] || wrong_use "DESTDIR '$destdir' is not an absolute path"
[[ $action == install || -z $binary ]] || wrong_use "--binary makes no sense with --uninstall"
[[ -z $binary || -f $binary ]] || wrong_use "--binary '$binary' is not a file"
if [[ -z $destdir && $EUID -ne 0 ]] && ! $dry_run; then
    fail "installing into the system needs root; run it with sudo, or set DESTDIR to install into a directory of yours"
fi

prefix=${prefix%/}
destdir=${destdir%/}
readonly bin=$destdir$prefix/bin/$name
readonly unit=$destdir/etc/systemd/system/$name.service
readonly tmpfiles=$destdir/etc/tmpfiles.d/$name.conf

# Only the system itself is told, and only when systemd runs it.
systemd_is_ours() { [[ -z $destdir && -d /run/systemd/system ]]; }

# Written beside the target and renamed over it: a reader, or a starting daemon, sees the old file or the new one.
place() {
    local mode=$1 from=$2 to=$3
    run install -D -m "$mode" -- "$from" "$to.new"
    run mv -f -- "$to.new" "$to"
}

make_user() {
    if [[ -n $destdir ]]; then
        say "DESTDIR is set: no user is made"
    elif getent passwd "$name" > /dev/null; then
        say "the user $name exists"
    else
        local group=--user-group
        if getent group "$name" > /dev/null; then group="--gid=$name"; fi
        run useradd --system "$group" --no-create-home --home-dir "/var/lib/$name" --shell /usr/sbin/nologin \
            --comment "Sidecar daemon" "$name"
    fi
}

install_all() {
    work=$(mktemp -d)
    if [[ -z $binary ]]; then
        say "publishing native code for this machine; that takes a minute or two"
        run "$root/scripts/publish.sh" "$work/out"
        binary=$work/out/$name
    fi

    sed "s|^ExecStart=/usr/local/bin/|ExecStart=$prefix/bin/|" "$root/systemd/$name.service" > "$work/$name.service"
    make_user
    say "installing $bin, $unit and $tmpfiles"
    place 0755 "$binary" "$bin"
    place 0644 "$work/$name.service" "$unit"
    place 0644 "$root/systemd/$name.tmpfiles" "$tmpfiles"
    if systemd_is_ours; then
        run systemd-tmpfiles --create "$tmpfiles"
        run systemctl daemon-reload
    fi

    say "done; put the flags into /etc/$name/$name.env (SIDECAR_FLAGS=...), then: systemctl enable --now $name"
}

uninstall_all() {
    if systemd_is_ours && [[ -e $unit ]]; then
        run systemctl disable --now "$name.service"
    fi

    say "removing $bin, $unit and $tmpfiles"
    run rm -f -- "$bin" "$unit" "$tmpfiles"
    if systemd_is_ours; then
        run systemctl daemon-reload
    fi

    say "done; the user $name, /etc/$name and /var/lib/$name were left"
}

"${action}_all"
