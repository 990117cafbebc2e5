#!/usr/bin/env bash
# Measures what README.md states, in one run, so that the ratios hold whatever else the machine does.
#   scripts/bench.sh [SECONDS]      seconds of each measurement (default 5), after as many of warm-up
#   scripts/bench.sh --haproxy [SECONDS]      the same for a whole HAProxy: without a filter, with an agent that does nothing, with the sidecar (5 rounds)
#   scripts/bench.sh --micro [ARGUMENTS]      what selection, affinity and breaker cost (BenchmarkDotNet; --job short is quicker)
# Two processes on this machine: 'sidecar bench' and the demo agent (or an echo for raw frames). Where it says "through a daemon", a third
# one between them; bodies have 1 MiB (with pieces of 1 KiB: 64 KiB) and pass in stream mode. Small headers are 6, large ones 30.
set -euo pipefail
cd "$(dirname "$0")/.."
case "${1:-}" in -h|--help) sed -n '2,7s/^# \{0,1\}//p' "$0"; exit 0 ;; esac
if [ "${1:-}" = --haproxy ]; then shift; exec scripts/bench/haproxy.sh "$@"; fi
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1
if [ "${1:-}" = --micro ]; then
  shift
  dotnet build -c Release -v quiet Sidecar.Tests >/dev/null
  exec dotnet Sidecar.Tests/bin/Release/net10.0/Sidecar.Tests.dll --filter '*Benchmarks*' --inProcess --artifacts "${TMPDIR:-/tmp}/sidecar-micro" "$@"
fi
seconds=${1:-5}
dotnet build -c Release -v quiet Sidecar.Daemon >/dev/null
sidecar="dotnet $PWD/Sidecar.Daemon/bin/Release/net10.0/sidecar.dll"
dir=$(mktemp -d)
pids=()
finish() { for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done; wait 2>/dev/null || true; rm -rf "$dir"; }
trap finish EXIT

start() {
  rm -f "$dir/agent" "$dir/grpc" "$dir/echo" "$dir/native"
  $1 $sidecar agent demo --listen "$dir/agent" >"$dir/log" 2>&1 & pids+=($!)
  $1 $sidecar agent demo --listen "grpc-unix:$dir/grpc" >"$dir/log" 2>&1 & pids+=($!)
  $1 $sidecar bench --echo "$dir/echo" >"$dir/log" 2>&1 & pids+=($!)
  $1 $sidecar run --agent "demo=$dir/agent,body-mode=stream" --listen "native=$dir/native" >"$dir/log" 2>&1 & pids+=($!)
  for _ in $(seq 100); do [ -S "$dir/agent" ] && [ -S "$dir/grpc" ] && [ -S "$dir/echo" ] && [ -S "$dir/native" ] && return; sleep 0.1; done
  echo "bench.sh: the other end did not start" >&2; cat "$dir/log" >&2; exit 1
}
stop() { for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done; wait 2>/dev/null || true; pids=(); }
field() { sed "s/.*\"$1\":\([0-9.]*\).*/\1/"; }
row() { # label, prefix, arguments of bench
  local label=$1 prefix=$2 result; shift 2
  # It fails when no call was answered; the row says so as well.
  result=$($prefix $sidecar bench --warmup "${seconds}s" --duration "${seconds}s" --json "$@") || [ -n "$result" ]
  local rate; rate=$(field calls_per_second <<<"$result")
  [ -n "${base:-}" ] || base=$rate
  printf '| %s | %s | %s | %s | %s | %s | %s |\n' "$label" "$rate" "$(awk "BEGIN{printf \"%.2f\", $rate/$base}")" \
    "$(field p50_us <<<"$result")" "$(field p99_us <<<"$result")" "$(field cpu_us_per_call <<<"$result")" "$(field bytes_per_call <<<"$result")"
}

echo '| What | calls/s | of raw | p50 µs | p99 µs | CPU µs/call | bytes/call |'
echo '|---|---|---|---|---|---|---|'
start ""
row 'raw frames, 1 connection, 64 in flight' "" --raw --connect "$dir/echo"
for encoding in msgpack json; do
  [ $encoding = json ] && name=JSON || name=MessagePack
  for headers in 6 30; do
    for connections in 1 4; do
      for calls in 1 16 64 256; do
        row "$name, $headers headers, $connections connection$([ $connections = 1 ] || echo s), $calls in flight" "" \
          --encoding $encoding --headers $headers --connections $connections --concurrency $calls --connect "$dir/agent"
      done
    done
  done
done
for size in 1 16 64; do
  row "MessagePack, bodies in pieces of $size KiB as raw bytes, 64 in flight" "" --event request-body --size "${size}KiB" --connect "$dir/agent"
  row "MessagePack, bodies in pieces of $size KiB as base64, 64 in flight" "" --base64 --event request-body --size "${size}KiB" --connect "$dir/agent"
  row "JSON, bodies in pieces of $size KiB, 64 in flight" "" --encoding json --event request-body --size "${size}KiB" --connect "$dir/agent"
  row "gRPC, bodies in pieces of $size KiB, 64 in flight" "" --event request-body --size "${size}KiB" --connect "grpc-unix:$dir/grpc"
done
for calls in 64 256; do
  row "gRPC, 6 headers, 1 connection, $calls in flight" "" --concurrency $calls --connect "grpc-unix:$dir/grpc"
done
row 'MessagePack, 6 headers, 64 in flight, through a daemon' "" --connect "$dir/native"
for size in 1 16 64; do
  row "MessagePack, bodies in pieces of $size KiB as raw bytes, 64 in flight, through a daemon" "" --event request-body --size "${size}KiB" --connect "$dir/native"
done
stop
pin="taskset -c 0"
start "$pin"
row 'raw frames, 1 in flight, one processor' "$pin" --raw --concurrency 1 --connect "$dir/echo"
row 'MessagePack, 1 in flight, one processor' "$pin" --concurrency 1 --connect "$dir/agent"
stop
if command -v cc >/dev/null; then
  cc -O2 -o "$dir/pingpong" scripts/bench/pingpong.c
  result=$($pin "$dir/pingpong" 470 220 "$seconds")
  printf '| blocking C ping-pong of the same sizes, one processor | | | %s | %s | | |\n' "$(field p50_us <<<"$result")" "$(field p99_us <<<"$result")"
fi
