#!/usr/bin/env bash
# Measures HAProxy without a filter, with SPOP agents that do nothing, with the sidecar, and beside a Zentinel proxy, all in one run. Called by
# bench.sh --haproxy [SECONDS]; needs haproxy, wrk and cc, and for the last comparison two programs: zentinel-proxy and the reference's agent refnop
# (SIDECAR_TEST_ZENTINEL_PROXY=FILE, SIDECAR_TEST_REFNOP=FILE, or ../shared/peers). Everything shares this machine's processors: only the ratios count.
# Every row is measured five times (SIDECAR_BENCH_ROUNDS), in turn with the others; medians are shown, of ratios those of the rounds. Times are µs,
# CPU µs per request. SIDECAR_BENCH_CONNECTIONS are those of wrk (default "64 1"). The sidecar is the published one, as it is installed (or SIDECAR_BINARY).
set -euo pipefail
cd "$(dirname "$0")/../.."
seconds=${1:-3} rounds=${SIDECAR_BENCH_ROUNDS:-5}
haproxy=$(command -v haproxy || echo /usr/sbin/haproxy)
for tool in "$haproxy" wrk cc; do
  command -v "$tool" >/dev/null || { echo "bench.sh: $tool is missing; install haproxy, wrk and a C compiler" >&2; exit 1; }
done
. scripts/bench/common.sh
publish
port=18080 origin=18079

compile spop-noop
origin $origin
serve agent "$sidecar" agent demo --listen "$dir/agent"; agent=$served

declare -A asked=() agents=() ports=() proxies=()
ask() { serve "$@"; asked[$1]=$served; agents[$1]=$agent; } # name, command: the other end of HAProxy's filter
ask noop "$dir/spop-noop.bin" "$dir/noop.sock"
ask noop-both "$dir/spop-noop.bin" "$dir/noop-both.sock" both
ask alone "$sidecar" run --agent "demo=$dir/agent" --route nobody,agents=none --listen "spop=$dir/alone.sock,response=no"
ask request "$sidecar" run --agent "demo=$dir/agent" --listen "spop=$dir/request.sock,response=no"
ask both "$sidecar" run --agent "demo=$dir/agent" --listen "spop=$dir/both.sock"
names='plain noop alone request noop-both both'
if refnop=$(peer refnop) && zentinel=$(peer zentinel-proxy); then
  serve refnop "$refnop" "$dir/refnop"
  ask refnop "$sidecar" run --agent "refnop=$dir/refnop,events=request-headers" --listen "spop=$dir/refnop.sock"
  agents[refnop]=${pids[-2]}
  names+=' refnop'
fi

front() { # name: a HAProxy of its own
  local name=$1 at="$dir/$1.d"; mkdir "$at"; ports[$name]=$((++port))
  cp scripts/haproxy/sidecar.lua "$at/"
  sed "s#/etc/haproxy/#$at/#" scripts/haproxy/spoe.cfg >"$at/spoe.cfg"
  sed -e "s#/etc/haproxy/#$at/#; s#/run/sidecar/spop.sock#$dir/$name.sock#; s#127.0.0.1:8080#127.0.0.1:$port#; s#127.0.0.1:8081#127.0.0.1:$origin#" scripts/haproxy/haproxy.cfg >"$at/haproxy.cfg"
  if [ "$name" = plain ]; then sed -i -e '/spoe/d; /lua/d; /txn\./d; /http-re/d; /acl/d; /http-buffer-request/d; s/unique-id-format.*/&\n    option httplog/' "$at/haproxy.cfg"; fi
  serve "$name-haproxy" "$haproxy" -db -f "$at/haproxy.cfg"; proxies[$name]=$served
}
for name in $names; do front "$name"; done
if [ -n "${asked[refnop]:-}" ]; then
  ports[zentinel]=$((++port)) asked[zentinel]='' agents[zentinel]=${agents[refnop]} names+=' zentinel'
  zentinel $port $origin "$dir/refnop" "$zentinel"; proxies[zentinel]=$served
fi
for name in $names; do until_200 "${ports[$name]}" "$name"; done

row() { # label, name, name of the one that does nothing in the same phases
  [ -f "$dir/$2.rounds" ] || { echo "| $1 | not run: zentinel-proxy and refnop are not in ../shared/peers |"; return; }
  local i text=''
  for i in 2 3 5 6 7 4; do text+=" $(median "$2" $i) |"; done
  printf '| %s | %s | %s | %s |%s\n' "$1" "$(median "$2" 1)" "$(of "$2" plain 1)" "$([ -z "$3" ] || of "$2" "$3" 1)" "$text"
}

for connections in ${SIDECAR_BENCH_CONNECTIONS:-64 1}; do
  rm -f "$dir"/*.rounds
  for name in $names; do web_round "${ports[$name]}" $connections 2 >/dev/null; done
  for _ in $(seq "$rounds"); do
    for name in $names; do
      web_round "${ports[$name]}" $connections "$seconds" "${proxies[$name]}" "${asked[$name]:-}" "${agents[$name]:-}" >>"$dir/$name.rounds"
    done
  done
  echo
  echo "| HAProxy, $connections in flight | requests/s | of plain | of do-nothing | p50 | p99 | CPU proxy | CPU asked | CPU agent | not 200 |"
  echo '|---|---|---|---|---|---|---|---|---|---|'
  row 'no filter' plain ''
  row 'request: SPOP agent that does nothing' noop ''
  row 'request: sidecar, a route without agents' alone noop
  row 'request: sidecar and an agent' request noop
  row 'request and response with bodies: SPOP agent that does nothing' noop-both ''
  row 'request and response with bodies: sidecar and an agent' both noop-both
  row "request: sidecar and the reference's agent" refnop noop
  row "no HAProxy: a Zentinel proxy and the reference's agent" zentinel ''
  [ ! -f "$dir/zentinel.rounds" ] ||
    echo "HAProxy and the sidecar with the reference's agent: $(of refnop zentinel 1) of the Zentinel proxy's requests/s, $(of refnop zentinel 3) of its p99"
done
