#!/usr/bin/env bash
# Measures what bench/RESULTS.md states, in one run, so that the ratios hold whatever else the machine does.
#   scripts/bench.sh [--pin CLIENT:BETWEEN:SERVER] [--only REGEX] [SECONDS]      seconds of each measurement (default 5), once its rate is stable
#   scripts/bench.sh --reference [SECONDS]      our ends beside the reference's pool and server, and beside plain C (5 alternating rounds, like the next)
#   scripts/bench.sh --haproxy [SECONDS]      the same for a whole HAProxy: without a filter, with an agent that does nothing, with the sidecar
#   scripts/bench.sh --nginx [SECONDS]      the same for a whole nginx
#   scripts/bench.sh --envoy [SECONDS]      the same for a whole Envoy: ext_authz and ext_proc, beside a server on grpc-go
#   scripts/bench.sh --bodies [MIB]      long bodies through a whole Envoy and a whole nginx, both ways
#   scripts/bench.sh --overload [SECONDS]      agents that are asked for more than they can do, behind whole proxies, beside coraza-spoa
#   scripts/bench.sh --load [SECONDS]      latency against load, daemon and relay, with a picture (3 rounds)
#   scripts/bench.sh --micro [ARGUMENTS]      what an exchange, selection, affinity and breaker cost (BenchmarkDotNet; --job short is quicker)
#   scripts/bench/compare.sh OLD [NEW]      whether a change made the daemon cheaper or quicker
# A message is one event sent and answered, an exchange all messages about one request; both are the client's. Two processes on this machine: 'sidecar
# bench' and the demo agent (or an echo for raw frames). "Through" names a third process between them, which passes each message on: so an exchange
# of 2 messages (headers, complete) makes 4 round trips there. Bodies have 1 MiB (with pieces of 1 KiB: 64 KiB) and pass in stream mode.
# CPU is µs of each process, as client · between · server. --pin ties each to CPUs (taskset's lists, for example 0:1:1), so that rows are
# comparable. --only measures the rows that match. The sidecar is the published one (or SIDECAR_BINARY). SIDECAR_BENCH_WARMUP is the longest warm-up
# of a row in seconds (default 20); a rate that was not stable by then has a '~'. Rows for which a program is missing are 'not run'.
set -euo pipefail
cd "$(dirname "$0")/.."
case "${1:-}" in -h|--help) sed -n '2,19s/^# \{0,1\}//p' "$0"; exit 0 ;; esac
case "${1:-}" in --reference|--haproxy|--nginx|--envoy|--bodies|--overload|--load) script=scripts/bench/${1#--}.sh; shift; exec "$script" "$@" ;; esac
if [ "${1:-}" = --micro ]; then
  shift
  export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1
  dotnet build -c Release -v quiet Sidecar.Tests >/dev/null
  exec dotnet Sidecar.Tests/bin/Release/net10.0/Sidecar.Tests.dll --filter '*Benchmarks*' --inProcess --artifacts "${TMPDIR:-/tmp}/sidecar-micro" "$@"
fi
pins=::
only=.
while [ $# -gt 0 ]; do
  case $1 in
    --pin) pins=${2:?"--pin CLIENT:BETWEEN:SERVER"}; shift 2 ;;
    --only) only=${2:?"--only REGEX"}; shift 2 ;;
    -*) echo "bench.sh: $1 is unknown; see --help" >&2; exit 2 ;;
    *) break ;;
  esac
done
seconds=${1:-5} longest=${SIDECAR_BENCH_WARMUP:-20}
. scripts/bench/common.sh
. scripts/bench/rows.sh
publish

tie "$pins"
start
print_head
row 'raw frames, 1 connection, 64 in flight' '' echo --raw --connect "$dir/echo"
for encoding in msgpack json; do
  [ $encoding = json ] && name=JSON || name=MessagePack
  for shape in 6:1:1 6:1:16 6:1:64 6:1:256 6:4:64 6:4:256 30:1:64; do
    IFS=: read -r headers connections calls <<<$shape
    row "$name, $headers headers, $connections connection$([ $connections = 1 ] || echo s), $calls in flight" '' agent \
      --encoding $encoding --headers $headers --connections $connections --concurrency $calls --connect "$dir/agent"
  done
done
for size in 1 16 64; do
  row "MessagePack, bodies in pieces of $size KiB as raw bytes, 64 in flight" '' agent --event request-body --size "${size}KiB" --connect "$dir/agent"
  row "MessagePack, bodies in pieces of $size KiB as base64, 64 in flight" '' agent --base64 --event request-body --size "${size}KiB" --connect "$dir/agent"
  row "JSON, bodies in pieces of $size KiB, 64 in flight" '' agent --encoding json --event request-body --size "${size}KiB" --connect "$dir/agent"
  row "gRPC, bodies in pieces of $size KiB, 64 in flight" '' grpc --event request-body --size "${size}KiB" --connect "grpc-unix:$dir/grpc"
done
for calls in 64 256; do
  row "gRPC, 6 headers, 1 connection, $calls in flight" '' grpc --concurrency $calls --connect "grpc-unix:$dir/grpc"
done
for calls in 64 16 1; do
  row "MessagePack, 6 headers and complete, $calls in flight, straight to the agent" '' agent --complete --concurrency $calls --connect "$dir/agent"
  row "MessagePack, 6 headers and complete, $calls in flight, through the C relay" relay agent --complete --concurrency $calls --connect "$dir/relay"
  row "MessagePack, 6 headers and complete, $calls in flight, through a daemon" daemon agent --concurrency $calls --connect "$dir/native"
done
for size in 1 16 64; do
  row "MessagePack, bodies in pieces of $size KiB as raw bytes, 64 in flight, through the C relay" relay agent \
    --complete --event request-body --size "${size}KiB" --connect "$dir/relay"
  row "MessagePack, bodies in pieces of $size KiB as raw bytes, 64 in flight, through a daemon" daemon agent \
    --event request-body --size "${size}KiB" --connect "$dir/native"
done
row 'ext_authz, 64 in flight, grpc-go that always continues' '' grpc-go --check --connect "grpc-unix:$dir/grpc-go"
row 'ext_authz, 64 in flight, a daemon whose route has no agents' '' alone --check --connect "grpc-unix:$dir/alone"
row 'ext_authz, 64 in flight, through a daemon' daemon agent --check --connect "grpc-unix:$dir/envoy"
