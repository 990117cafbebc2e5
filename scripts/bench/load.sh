#!/usr/bin/env bash
# Measures latency against load, through a daemon and through a relay in C that decides nothing, and draws it. Called by bench.sh --load [SECONDS].
# The picture is scripts/bench/load.svg, its figures are printed. A load is a number of calls in flight on one connection: the next one is made when
# one was answered. An exchange is headers and complete; the calls timed are those of the headers. Every point is measured three times
# (SIDECAR_BENCH_ROUNDS), in turn with the others, and its medians are shown. The sidecar is the published one (or SIDECAR_BINARY); needs cc.
set -euo pipefail
cd "$(dirname "$0")/../.."
seconds=${1:-2} rounds=${SIDECAR_BENCH_ROUNDS:-3} longest=${SIDECAR_BENCH_WARMUP:-2}
. scripts/bench/common.sh
compile relay
publish

serve agent "$sidecar" agent demo --listen "$dir/agent"
await "$dir/agent"
serve daemon "$sidecar" run --agent "demo=$dir/agent" --listen "native=$dir/daemon"
serve relay "$dir/relay.bin" "$dir/relay" "$dir/agent"
await "$dir"/{daemon,relay}

loads='1 2 4 8 16 32 64 128 256'
for round in $(seq "$rounds"); do
  echo "load.sh: round $round of $rounds" >&2
  for load in $loads; do
    for name in daemon relay; do
      result=$("$sidecar" bench --warmup "${longest}s" --duration "${seconds}s" --json --complete --concurrency "$load" --connect "$dir/$name")
      echo "$(field p50_us <<<"$result") $(field p99_us <<<"$result") $(field exchanges_per_second <<<"$result")" >>"$dir/$name.$load.rounds"
    done
  done
done

echo '| In flight | daemon: exchanges/s | p50 µs | p99 µs | relay in C: exchanges/s | p50 µs | p99 µs | daemon to relay: exchanges/s | p50 | p99 |'
echo '|---|---|---|---|---|---|---|---|---|---|'
for load in $loads; do
  text=''
  for name in daemon relay; do
    text+=" $(median $name.$load 3) | $(median $name.$load 1) | $(median $name.$load 2) |"
    echo "$load $([ $name = relay ] && echo relay_in_C || echo daemon) $(median $name.$load 1) $(median $name.$load 2)" >>"$dir/points"
  done
  echo "| $load |$text $(of daemon.$load relay.$load 3) | $(of daemon.$load relay.$load 1) | $(of daemon.$load relay.$load 2) |"
done
awk -f scripts/bench/plot.awk "$dir/points" >scripts/bench/load.svg
