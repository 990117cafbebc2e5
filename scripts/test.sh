#!/usr/bin/env bash
# Builds everything and runs all tests, as continuous integration does.
#   scripts/test.sh [--quick] [arguments of dotnet test]
# --quick leaves out the format check and the end-to-end tests.
# SIDECAR_TEST_SCALE=N makes the storms N times longer (default 1).
set -euo pipefail
cd "$(dirname "$0")/.."
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1

quick=
if [ "${1:-}" = --quick ]; then quick=1; shift; fi
case "${1:-}" in -h|--help) sed -n '2,5s/^# \{0,1\}//p' "$0"; exit 0 ;; esac

command -v dotnet >/dev/null || { echo "test.sh: the .NET 10 SDK is missing; install it and put dotnet on the PATH" >&2; exit 1; }

# What the end-to-end tests drive: how to see that it is there, and the package that brings it.
needs='
  command nginx           nginx
  nginx   http_js         libnginx-mod-http-js
  nginx   http_lua        libnginx-mod-http-lua
  lua5.1  cjson           lua-cjson
  command caddy           caddy
  command haproxy         haproxy
  python  grpc            python3-grpcio
  python  google.protobuf python3-protobuf
  command node            nodejs
  command npm             npm
'

# A module counts only where the distribution's packages put it: for its Python, its nginx, its Lua.
present() {
  case "$1" in
    command) command -v "$2" >/dev/null || [ -x "/usr/sbin/$2" ] ;;
    python) /usr/bin/python3 -c "import $2" 2>/dev/null ;;
    nginx) [ -e "/usr/lib/nginx/modules/ngx_$2_module.so" ] ;;
    lua5.1) compgen -G "/usr/lib/*/lua/5.1/$2.so" >/dev/null ;;
    *) echo "test.sh: '$1' in the list of needs is unknown; 'command', 'nginx', 'lua5.1' and 'python' are" >&2; exit 1 ;;
  esac
}

install_missing() {
  local kind name package missing=()
  while read -r kind name package; do
    if [ -n "$kind" ] && ! present "$kind" "$name"; then missing+=("$package"); fi
  done <<<"$needs"
  if [ "${#missing[@]}" = 0 ]; then return; fi
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "test.sh: ${missing[*]} missing and may not be installed from here; run 'apt-get install ${missing[*]}' as root, or use --quick" >&2
    exit 1
  fi
  echo "test.sh: installing ${missing[*]} for the end-to-end tests"
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

# Node looks for packages from a script's folder upwards, so those in bin/ are found by the tests of every configuration.
install_node_packages() {
  local list=Sidecar.Tests/EndToEnd/Node place=Sidecar.Tests/bin
  if [ -e "$place/node_modules/.package-lock.json" ] && cmp -s "$list/package-lock.json" "$place/package-lock.json"; then return; fi
  echo "test.sh: installing Node packages for the end-to-end tests"
  mkdir -p "$place"
  cp "$list/package.json" "$list/package-lock.json" "$place/"
  npm ci --prefix "$place" --ignore-scripts --no-audit --no-fund --prefer-offline --loglevel=error ||
    { echo "test.sh: npm could not install the packages of $list/package-lock.json; see above, or use --quick" >&2; exit 1; }
}

if [ -z "$quick" ]; then install_missing; install_node_packages; fi

dotnet restore --locked-mode
if [ -z "$quick" ]; then dotnet format --no-restore --verify-no-changes; fi
dotnet build --no-restore -c Release

filter=()
if [ -n "$quick" ]; then filter=(--filter 'TestCategory!=EndToEnd'); fi
log=$(mktemp)
trap 'rm -f "$log"' EXIT
status=0
dotnet test --no-build -c Release --logger 'console;verbosity=minimal' "${filter[@]}" "$@" 2>&1 | tee "$log" || status=$?

# One line that any reader of logs understands, summed over the test assemblies.
awk '
  match($0, /Failed: +[0-9]+, Passed: +[0-9]+, Skipped: +[0-9]+/) {
    split(substr($0, RSTART, RLENGTH), part, /[:,]/)
    failed += part[2]; passed += part[4]; skipped += part[6]
  }
  END { printf "%d passed, %d failed%s\n", passed, failed, skipped ? ", " skipped " skipped" : ""; exit passed == 0 }
' "$log" || { echo "test.sh: no test was run" >&2; exit 1; }
exit "$status"
