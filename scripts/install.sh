#!/usr/bin/env bash
# Publishes the daemon as one file and installs it with its systemd unit. See --help.
set -euo pipefail

readonly name=sidecar
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
prefix=${PREFIX:-/usr/local}
destdir=${DESTDIR:-}
action=install
dry_run=false
purge=false
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
  /etc/sidecar/sidecar.yaml               a configuration that inspects nothing and says so, unless there is one
  the system user and group "sidecar"     unless they exist or DESTDIR is set
and for the proxies that are there (a group www-data, nginx, haproxy, caddy, envoy or traefik):
  /etc/systemd/system/sidecar.service.d/10-proxies.conf
                                          the daemon is in their groups, so that group= of a listener can let each in
  /var/lib/haproxy/sidecar                where HAProxy's chroot sees a socket of the daemon
The daemon joins the proxies' groups, and no proxy joins the daemon's: each can open its own socket and no other.
It starts and enables nothing. Running it again upgrades, and finds proxies that have come since; the running daemon keeps its old binary
until it is restarted.

Options:
  --binary FILE  install FILE instead of publishing (built elsewhere, no .NET SDK and compiler needed here)
  --uninstall    stop the service and remove what was installed; a configuration that was changed stays, and with it the user
  --purge        with --uninstall: remove the configuration, /var/lib/sidecar, the user and the group too; nothing is left
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
        --purge) purge=true ;;
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
[[ $action == uninstall ]] || ! $purge || wrong_use "--purge makes sense with --uninstall only"
[[ -z $binary || -f $binary ]] || wrong_use "--binary '$binary' is not a file"
if [[ -z $destdir && $EUID -ne 0 ]] && ! $dry_run; then
    fail "installing into the system needs root; run it with sudo, or set DESTDIR to install into a directory of yours"
fi

prefix=${prefix%/}
destdir=${destdir%/}
readonly bin=$destdir$prefix/bin/$name
readonly unit=$destdir/etc/systemd/system/$name.service
readonly dropins=$destdir/etc/systemd/system/$name.service.d
readonly tmpfiles=$destdir/etc/tmpfiles.d/$name.conf
readonly settings=$destdir/etc/$name
readonly state=$destdir/var/lib/$name
readonly sample=$root/systemd/$name.yaml
readonly chroot=/var/lib/haproxy
readonly in_chroot=$chroot/$name

# Whose groups the daemon joins: those of the proxies' packages.
readonly proxies=(www-data nginx haproxy caddy envoy traefik)

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

# The groups of the proxies that are there. A unit that names one that is not does not start.
proxy_groups() {
    local group
    if [[ -n $destdir ]]; then return; fi
    for group in "${proxies[@]}"; do
        if getent group "$group" > /dev/null; then echo "$group"; fi
    done
}

# Debian's HAProxy has its chroot there: it sees no other socket file.
has_chroot() { [[ -z $destdir && -d $chroot ]] && getent group haproxy > /dev/null; }

for_proxies() {
    local groups
    mapfile -t groups < <(proxy_groups)
    if ((${#groups[@]} == 0)); then
        if [[ -z $destdir ]]; then say "no proxy's group is there; run this again when one is installed"; fi
        return
    fi

    say "the daemon joins ${groups[*]}, whose sockets it is to make"
    {
        echo "# Made by install.sh for the proxies that were there; it makes it anew. Own settings belong into another file."
        echo "[Service]"
        echo "SupplementaryGroups=${groups[*]}"
        if has_chroot; then echo "ReadWritePaths=-$in_chroot"; fi
    } > "$work/10-proxies.conf"
    place 0644 "$work/10-proxies.conf" "$dropins/10-proxies.conf"
    if has_chroot; then
        say "making $in_chroot, which HAProxy sees as /$name"
        run install -d -m 0750 -o "$name" -g haproxy -- "$in_chroot"
    fi
}

# What an operator wrote is never replaced. The secrets that it may name are for the daemon only.
place_sample() {
    if [[ -e $settings/$name.yaml ]]; then
        say "$settings/$name.yaml stays as it is"
        return
    fi

    say "writing $settings/$name.yaml, by which nothing is inspected yet"
    if [[ -n $destdir ]]; then
        place 0644 "$sample" "$settings/$name.yaml"
        return
    fi

    run install -d -m 0750 -o root -g "$name" -- "$settings"
    run install -m 0640 -o root -g "$name" -- "$sample" "$settings/$name.yaml.new"
    run mv -f -- "$settings/$name.yaml.new" "$settings/$name.yaml"
}

install_all() {
    work=$(mktemp -d)
    if [[ -z $binary ]]; then
        say "publishing native code for this machine; that takes a minute or two"
        run "$root/scripts/publish.sh" "$work/out"
        binary=$work/out/$name
    fi

    sed -E "s#^(ExecStart|ExecReload)=/usr/local/bin/#\\1=$prefix/bin/#" "$root/systemd/$name.service" > "$work/$name.service"
    make_user
    say "installing $bin, $unit and $tmpfiles"
    place 0755 "$binary" "$bin"
    place 0644 "$work/$name.service" "$unit"
    place 0644 "$root/systemd/$name.tmpfiles" "$tmpfiles"
    place_sample
    for_proxies
    if systemd_is_ours; then
        run systemd-tmpfiles --create "$tmpfiles"
        run systemctl daemon-reload
    elif [[ -z $destdir ]]; then
        # As tmpfiles.d says it; who starts the daemon by other means makes it again after a boot.
        run install -d -m 0755 -o "$name" -g "$name" -- "/run/$name"
    fi

    say "done; now write /etc/$name/$name.yaml, see it checked ($name check), and start the daemon: systemctl enable --now $name"
}

uninstall_all() {
    if systemd_is_ours && [[ -e $unit ]]; then
        run systemctl disable --now "$name.service"
    fi

    say "removing $bin, $unit, $dropins and $tmpfiles"
    run rm -f -- "$bin" "$unit" "$dropins/10-proxies.conf" "$tmpfiles"
    if [[ -d $dropins ]]; then run rmdir --ignore-fail-on-non-empty -- "$dropins"; fi

    # Where the sockets were: a daemon that was killed leaves files behind.
    if [[ -z $destdir ]]; then
        if [[ -d $in_chroot ]]; then run rm -rf -- "$in_chroot"; fi
        run rm -rf -- "/run/$name"
    fi

    if $purge; then
        say "removing $settings and $state"
        run rm -rf -- "$settings" "$state"
    elif [[ -e $settings/$name.yaml ]] && cmp -s -- "$sample" "$settings/$name.yaml"; then
        run rm -f -- "$settings/$name.yaml"
        run rmdir --ignore-fail-on-non-empty -- "$settings"
    fi

    if $purge && [[ -z $destdir ]]; then
        if getent passwd "$name" > /dev/null; then run userdel -- "$name"; fi
        if getent group "$name" > /dev/null; then run groupdel -- "$name"; fi
    fi

    if systemd_is_ours; then
        run systemctl daemon-reload
    fi

    if $purge; then
        say "done; nothing is left"
    else
        say "done; the user $name, /var/lib/$name and what was changed in /etc/$name were left; --purge removes them, too"
    fi
}

"${action}_all"
