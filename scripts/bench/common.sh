# What the benchmarks share: a folder and processes that go again, processor time, programs of others. Sourced, after 'set -euo pipefail'.
dir=$(mktemp -d)
pids=() ticks=$(getconf CLK_TCK)
stop() { for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done; wait 2>/dev/null || true; pids=(); }
trap 'stop; rm -rf "$dir"' EXIT

# serve LOG COMMAND...: starts a process that ends with us; its id is in 'served'.
serve() { local log=$dir/$1.log; shift; "$@" >"$log" 2>&1 & served=$!; pids+=($served); }
await() { # SOCKET...: until all are there
  local socket
  for socket; do
    for _ in $(seq 300); do [ -S "$socket" ] && continue 2; sleep 0.1; done
    echo "bench: $socket did not appear" >&2; tail -n 5 "$dir"/*.log >&2; exit 1
  done
}
# Ticks that a process has used, all threads, user and system; nothing for no process is 0.
cpu() { [ -n "$1" ] && sed 's/.*) //' "/proc/$1/stat" | awk '{print $12 + $13}' || echo 0; }
# peer NAME: its path, from SIDECAR_TEST_NAME or ../shared/peers; fails when it is in neither.
peer() {
  local name=SIDECAR_TEST_${1^^}; name=${name//-/_}
  if [ -n "${!name:-}" ]; then echo "${!name}"; elif [ -x ../shared/peers/unpack ]; then ../shared/peers/unpack "$1"; else return 1; fi
}
# A number of the JSON line on standard input; with a second name, the member of that object. Nothing when it is null or not there.
field() {
  if [ $# = 1 ]; then sed -n "s/.*\"$1\":\([0-9.]*\).*/\1/p"; else sed -n "s/.*\"$1\":{\([^}]*\)}.*/\1/p" | field "$2"; fi
}
# Sets 'sidecar' to the published daemon: SIDECAR_BINARY, or made now.
publish() {
  sidecar=${SIDECAR_BINARY:-}
  if [ -z "$sidecar" ]; then scripts/publish.sh "$dir"; sidecar=$dir/sidecar; fi
}
