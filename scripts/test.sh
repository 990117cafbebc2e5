#!/usr/bin/env bash
# Builds everything and runs all tests, as continuous integration does.
#   scripts/test.sh [--quick | --all-peers] [arguments of dotnet test]
# --quick leaves out the format check and the end-to-end tests.
# --all-peers runs the end-to-end tests of HAProxy, nginx and Caddy on the versions of newer Debian releases besides (see scripts/peers.sh), and the
# storms at their full length on all; what they say is printed and changes neither the exit status nor the last line.
# SIDECAR_TEST_SCALE=N makes the storms N times longer (default 1; 10 with --all-peers, where it is not set).
set -euo pipefail
cd "$(dirname "$0")/.."
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1

quick='' all_peers=''
case "${1:-}" in
  -h|--help) sed -n '2,7s/^# \{0,1\}//p' "$0"; exit 0 ;;
  --quick) quick=1; shift ;;
  --all-peers) all_peers=1; shift ;;
esac

# A filter of the caller's narrows every stage.
own_filter='' arguments=()
while [ $# -gt 0 ]; do
  case "$1" in
    --filter) own_filter="&(${2?test.sh: --filter needs an expression})"; shift 2 ;;
    *) arguments+=("$1"); shift ;;
  esac
done

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
  command clang           clang
  header  zlib.h          zlib1g-dev
'

# A module counts only where the distribution's packages put it: for its Python, its nginx, its Lua.
present() {
  case "$1" in
    command) command -v "$2" >/dev/null || [ -x "/usr/sbin/$2" ] ;;
    python) /usr/bin/python3 -c "import $2" 2>/dev/null ;;
    nginx) [ -e "/usr/lib/nginx/modules/ngx_$2_module.so" ] ;;
    header) [ -e "/usr/include/$2" ] ;;
    lua5.1) compgen -G "/usr/lib/*/lua/5.1/$2.so" >/dev/null ;;
    *) echo "test.sh: '$1' in the list of needs is unknown; 'command', 'nginx', 'lua5.1', 'python' and 'header' are" >&2; exit 1 ;;
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

install() { install_missing; install_node_packages; }

# What each stage took, for the closing lines.
stages=()
stage() {
  local name=$1 start=$SECONDS
  shift
  "$@"
  stages+=("$(printf '%-12s%4d:%02d' "$name" $(((SECONDS - start) / 60)) $(((SECONDS - start) % 60)))")
}

log=$(mktemp)
published=$(mktemp -d)
trap 'rm -rf "$log" "$published"' EXIT
status=0

# What the published daemon may have (KiB), how long it may take until it listens (ms), and how much memory it may take then (KiB).
# Of the time, most is the kernel's for pages touched first: 42 ms were seen on one machine, 84 to 115 on another.
max_size=$((25 * 1024)) max_start=150 max_memory=$((40 * 1024))

# What is installed is what the end-to-end tests run.
publish() {
  scripts/publish.sh "$published"
  export SIDECAR_BINARY=$published/sidecar
  local size memory start best=1000000 took try nap
  size=$(($(stat -c %s "$SIDECAR_BINARY") / 1024))

  # The machine may be busy with other things: the best of some starts tells what the daemon needs. Nothing is ever read there, so it only waits.
  exec {nap}<> <(:)
  for try in $(seq 20); do
    start=${EPOCHREALTIME/[.,]/}
    "$SIDECAR_BINARY" run --listen "http=$published/$try.sock,proxy=nginx" --route nobody,agents=none 2>"$published/log" >&2 &
    until [ -S "$published/$try.sock" ] || [ $((${EPOCHREALTIME/[.,]/} - start)) -gt 30000000 ]; do read -rt 0.001 -u "$nap" || true; done
    took=$(((${EPOCHREALTIME/[.,]/} - start) / 1000))
    best=$((took < best ? took : best))
    memory=$(awk '$1 == "VmRSS:" { print $2 }' "/proc/$!/status")
    kill $!
    wait $! || true
  done
  printf 'test.sh: the published daemon has %d KiB, listens after %d ms at best, and takes %d KiB of memory then\n' "$size" "$best" "$memory"
  if [ "$size" -gt "$max_size" ] || [ "$best" -gt "$max_start" ] || [ "$memory" -gt "$max_memory" ]; then
    printf 'test.sh: that is more than %d KiB, %d ms, or %d KiB\n' "$max_size" "$max_start" "$max_memory" >&2
    status=1
  fi
}

# Runs the tests of a category; what fails is noted and the next stage runs all the same. A stage without a test is a mistake, but for a filter of the caller's.
tests() {
  local output
  output=$(mktemp)
  dotnet test --no-build -c Release --logger 'console;verbosity=minimal' --filter "$1$own_filter" "${arguments[@]}" 2>&1 | tee "$output" || status=1
  if [ -z "$own_filter" ] && ! sum <"$output" >/dev/null; then echo "test.sh: no test is '$1'" >&2; status=1; fi
  cat "$output" >>"$log"
  rm "$output"
}

# The same for one proxy of one release (an empty root: of this machine): a line with the sums, and what failed above it.
peer_tests() {
  local root=$1 proxy=$2 filter=$3 output
  output=$(SIDECAR_TEST_PEERS=$root SIDECAR_TEST_SCALE=${SIDECAR_TEST_SCALE:-10} dotnet test --no-build -c Release --logger 'console;verbosity=minimal' \
    --filter "TestCategory=EndToEnd&$filter$own_filter" "${arguments[@]}" 2>&1) || grep -v '^\(Passed\|Failed\)! ' <<<"$output" || true
  root=${root##*/}
  printf '%s, %s: %s\n' "${root:-this machine}" "$proxy" "$(sum <<<"$output" || true)"
}

# All that has to do with a proxy is named after it, in this case of letters, which counts; what names none and is not of another room runs as 'others'.
all_peers() {
  local folder=${SIDECAR_PEERS:-/var/cache/sidecar-peers} release proxy others='FullyQualifiedName~EndToEnd'
  for proxy in Haproxy Nginx Caddy Envoy Grpc Traefik Reverse; do others+="&FullyQualifiedName!~$proxy"; done
  for proxy in Haproxy Nginx Caddy; do peer_tests '' "$proxy" "FullyQualifiedName~$proxy&TestCategory=Storm"; done
  for release in trixie sid; do
    scripts/peers.sh "$release" || continue
    for proxy in Haproxy Nginx Caddy; do
      # Caddy of trixie is the version of Debian 12.
      if [ "$release-$proxy" != trixie-Caddy ]; then peer_tests "$folder/$release" "$proxy" "FullyQualifiedName~$proxy"; fi
    done
    peer_tests "$folder/$release" others "$others"
  done
}

# One line that any reader of logs understands, summed over all test runs.
sum() {
  awk '
    match($0, /Failed: +[0-9]+, Passed: +[0-9]+, Skipped: +[0-9]+/) {
      split(substr($0, RSTART, RLENGTH), part, /[:,]/)
      failed += part[2]; passed += part[4]; skipped += part[6]
    }
    END { printf "%d passed, %d failed%s\n", passed, failed, skipped ? ", " skipped " skipped" : ""; exit passed == 0 }
  '
}

if [ -z "$quick" ]; then stage install install; fi
stage restore dotnet restore --locked-mode
if [ -z "$quick" ]; then stage format dotnet format --no-restore --verify-no-changes; fi
stage build dotnet build --no-restore -c Release
stage unit tests 'TestCategory!=EndToEnd&TestCategory!=Fuzz'
stage fuzz tests 'TestCategory=Fuzz'
if [ -z "$quick" ]; then
  stage publish publish
  stage end-to-end tests 'TestCategory=EndToEnd&TestCategory!=Attack'
  stage attack tests 'TestCategory=EndToEnd&TestCategory=Attack'
fi

if [ -n "$all_peers" ]; then stage all-peers all_peers; fi

printf 'test.sh: minutes per stage\n'
printf '  %s\n' "${stages[@]}" "$(printf '%-12s%4d:%02d' 'in all' $((SECONDS / 60)) $((SECONDS % 60)))"
sum <"$log" || { echo "test.sh: no test was run" >&2; exit 1; }
exit "$status"
