#!/usr/bin/env bash
# Measures our ends beside the reference's pool and server, raw frames and a ping-pong in C, all in one run. Called by bench.sh --reference [SECONDS];
# needs cc and four programs: refnop, refnop-json, refload-msgpack, refload-json (SIDECAR_TEST_NAME=FILE, or ../shared/peers).
# One connection, events with 6 headers. Every row is measured five times (SIDECAR_BENCH_ROUNDS), in turn with the others; medians are shown, of ratios
# those of the rounds. An exchange is one message here: neither pool tells the end (a daemon tells its agent). Our end is the published one (or
# SIDECAR_BINARY), and warms up until its rate is stable, at most SIDECAR_BENCH_WARMUP seconds (default 20); the reference's does for half a second.
set -euo pipefail
cd "$(dirname "$0")/../.."
seconds=${1:-3} rounds=${SIDECAR_BENCH_ROUNDS:-5} longest=${SIDECAR_BENCH_WARMUP:-20}
. scripts/bench/common.sh
declare -A pool server
pool[msgpack]=$(need refload-msgpack) pool[json]=$(need refload-json)
server[msgpack]=$(need refnop) server[json]=$(need refnop-json)
compile pingpong
publish

one='taskset -c 0'
serve echo "$sidecar" bench --echo "$dir/echo"
serve echo-one $one "$sidecar" bench --echo "$dir/echo-one"
serve agent "$sidecar" agent demo --listen "$dir/agent"
serve agent-one $one "$sidecar" agent demo --listen "$dir/agent-one"
serve daemon "$sidecar" run --agent "demo=$dir/agent,body-mode=stream" --listen "native=$dir/native"
for encoding in msgpack json; do
  serve "ref-$encoding" "${server[$encoding]}" "$dir/ref-$encoding"
  serve "ref-$encoding-one" $one "${server[$encoding]}" "$dir/ref-$encoding-one"
done
await "$dir"/{echo,echo-one,agent,agent-one,native,ref-msgpack,ref-json,ref-msgpack-one,ref-json-one}

# A round's line: calls/s, p50, p99.
note() { echo "$(field "$2" <<<"$3" | grep . || echo 0) $(field p50_us <<<"$3") $(field p99_us <<<"$3")" >>"$dir/$1.rounds"; }
ours() { # name, prefix, arguments of bench
  local name=$1 prefix=$2 result; shift 2
  result=$($prefix "$sidecar" bench --warmup "${longest}s" --duration "${seconds}s" --json "$@") || [ -n "$result" ]
  note "$name" messages_per_second "$result"
}
theirs() { note "$1" calls_per_s "$($2 "${pool[$3]}" "$dir/$4" "$3" "$5" 1 "$seconds")"; } # name, prefix, encoding, socket, in flight

for round in $(seq "$rounds"); do
  echo "reference.sh: round $round of $rounds" >&2
  note pingpong calls "$($one "$dir/pingpong.bin" 470 220 "$seconds")"
  ours one-raw "$one" --raw --concurrency 1 --connect "$dir/echo-one"
  ours raw '' --raw --connect "$dir/echo"
  for encoding in msgpack json; do
    ours "one-$encoding" "$one" --encoding $encoding --concurrency 1 --connect "$dir/agent-one"
    theirs "one-$encoding-ref" "$one" $encoding "ref-$encoding-one" 1
    ours "$encoding" '' --encoding $encoding --connect "$dir/agent"
    theirs "$encoding-ref" '' $encoding "ref-$encoding" 64
    theirs "$encoding-daemon" '' $encoding native 64
  done
done

row() { # label, name, name of the reference's row, of the floor
  local name=$2 ref=$3 floor=$4 rate
  rate=$(median "$name" 1)
  [ "$name" != pingpong ] || rate=$(awk -v n="$rate" -v s="$seconds" 'BEGIN { printf "%.0f", n / s }')
  printf '| %s | %s | %s | %s | %s | %s | %s |\n' "$1" "$rate" "$(median "$name" 2)" "$(median "$name" 3)" "$([ -z "$ref" ] || of "$name" "$ref" 1)" \
    "$([ -z "$ref" ] || of "$name" "$ref" 2)" "$([ -z "$floor" ] || of "$name" "$floor" "${5:-1}")"
}
echo "| One connection | exchanges/s | p50 µs | p99 µs | rate, of the reference's | p50, of the reference's | of the floor |"
echo '|---|---|---|---|---|---|---|'
row 'one processor, 1 in flight: ping-pong in C (the floor, by p50)' pingpong '' ''
row 'one processor, 1 in flight: raw frames' one-raw '' pingpong 2
for encoding in msgpack json; do
  name=$([ $encoding = json ] && echo JSON || echo MessagePack)
  row "one processor, 1 in flight, $name: the reference's pool and server" "one-$encoding-ref" '' pingpong 2
  row "one processor, 1 in flight, $name: our client and agent" "one-$encoding" "one-$encoding-ref" pingpong 2
done
row '64 in flight: raw frames (the floor, by rate)' raw '' ''
for encoding in msgpack json; do
  name=$([ $encoding = json ] && echo JSON || echo MessagePack)
  row "64 in flight, $name: the reference's pool and server" "$encoding-ref" '' raw
  row "64 in flight, $name: our client and agent" "$encoding" "$encoding-ref" raw
  row "64 in flight, $name: the reference's pool through a daemon to our agent" "$encoding-daemon" "$encoding-ref" raw
done
