#!/usr/bin/env bash
# Measures HAProxy without a filter, with SPOP agents that do nothing, and with the sidecar, all in one run. Called by bench.sh --haproxy [SECONDS];
# needs haproxy, wrk and cc. Everything shares this machine's processors: only the ratios count. Every row is measured five times, in turn with
# the others; its fastest round is shown, the one that the rest of the machine disturbed least. CPU is µs per request. The sidecar is
# the published one, as it is installed (or SIDECAR_BINARY).
set -euo pipefail
cd "$(dirname "$0")/../.."
seconds=${1:-5} warmup=${SIDECAR_BENCH_WARMUP:-5}
haproxy=$(command -v haproxy || echo /usr/sbin/haproxy)
for tool in "$haproxy" wrk cc; do
  command -v "$tool" >/dev/null || { echo "bench.sh: $tool is missing; install haproxy, wrk and a C compiler" >&2; exit 1; }
done
. scripts/bench/common.sh
publish
port=18080 origin=18079

cc -O2 -o "$dir/noop" scripts/bench/spop-noop.c
printf 'defaults\n mode http\n timeout client 30s\n timeout server 30s\n timeout connect 2s\nfrontend origin\n bind 127.0.0.1:%s\n http-request return status 200 content-type text/plain string ok\n' $origin >"$dir/origin.cfg"
serve origin "$haproxy" -db -f "$dir/origin.cfg"
serve agent "$sidecar" agent demo --listen "$dir/agent"; agent=$served

declare -A asked=([plain]='')
ask() { serve "$@"; asked[$1]=$served; } # name, command: the other end of HAProxy's filter
ask noop "$dir/noop" "$dir/noop.sock"
ask noop-both "$dir/noop" "$dir/noop-both.sock" both
ask alone "$sidecar" run --agent "demo=$dir/agent" --route nobody,agents=none --listen "spop=$dir/alone.sock,response=no"
ask request "$sidecar" run --agent "demo=$dir/agent" --listen "spop=$dir/request.sock,response=no"
ask both "$sidecar" run --agent "demo=$dir/agent" --listen "spop=$dir/both.sock"

declare -A ports proxies
front() { # name: a HAProxy of its own
  local name=$1 at="$dir/$1.d"; mkdir "$at"; ports[$name]=$((++port))
  cp scripts/haproxy/sidecar.lua "$at/"
  sed "s#/etc/haproxy/#$at/#" scripts/haproxy/spoe.cfg >"$at/spoe.cfg"
  sed -e "s#/etc/haproxy/#$at/#; s#/run/sidecar/spop.sock#$dir/$name.sock#; s#127.0.0.1:8080#127.0.0.1:$port#; s#127.0.0.1:8081#127.0.0.1:$origin#" scripts/haproxy/haproxy.cfg >"$at/haproxy.cfg"
  if [ "$name" = plain ]; then sed -i -e '/spoe/d; /lua/d; /txn\./d; /http-re/d; /acl/d; /http-buffer-request/d; s/unique-id-format.*/&\n    option httplog/' "$at/haproxy.cfg"; fi
  "$haproxy" -db -f "$at/haproxy.cfg" >/dev/null 2>"$at/log" & proxies[$name]=$!; pids+=($!)
}
status() { curl -so /dev/null -w '%{http_code}' "http://127.0.0.1:${ports[$1]}/" || true; }
names='plain noop alone request noop-both both'
for name in $names; do front "$name"; done
for name in $names; do
  for _ in $(seq 200); do [ "$(status "$name")" = 200 ] && break; sleep 0.1; done
  [ "$(status "$name")" = 200 ] || { echo "bench.sh: no 200 for '$name'" >&2; cat "$dir/$name.log" "$dir/$name.d/log" >&2; exit 1; }
done

measure() { # name, connections: requests/s, p50, p99, CPU of HAProxy, of whom it asks, of the agent, not 200
  local before=("$(cpu "${proxies[$1]}")" "$(cpu "${asked[$1]}")" "$(cpu "$agent")") result
  result=$(wrk -t1 -c "$2" -d "${seconds}s" --latency "http://127.0.0.1:${ports[$1]}/")
  awk -v hz="$ticks" -v h="$(($(cpu "${proxies[$1]}") - before[0]))" -v s="$(($(cpu "${asked[$1]}") - before[1]))" -v a="$(($(cpu "$agent") - before[2]))" '
    function us(t) { return sprintf("%.0f", t / hz * 1e6 / n) }
    /Requests\/sec/ { rate = $2 } / requests in / { n = $1 } $1 == "50%" { p50 = $2 } $1 == "99%" { p99 = $2 } /Non-2xx/ { bad = $NF }
    END { print rate, p50, p99, us(h), us(s), us(a), bad + 0 }' <<<"$result"
}
best() { sort -n "$dir/$1.rounds" | tail -1; }
row() { # label, name, name of the one that does nothing in the same phases
  local rate p50 p99 h s a bad least
  read -r rate p50 p99 h s a bad <<<"$(best "$2")"
  least=$([ -n "$3" ] && best "$3" | awk -v r="$rate" '{printf "%.2f", r / $1}' || true)
  printf '| %s | %.0f | %s | %s | %s | %s | %s | %s | %s | %s |\n' "$1" "$rate" \
    "$(best plain | awk -v r="$rate" '{printf "%.2f", r / $1}')" "$least" "$p50" "$p99" "$h" "$s" "$a" "$bad"
}

for name in alone request both; do wrk -t1 -c 64 -d "${warmup}s" "http://127.0.0.1:${ports[$name]}/" >/dev/null; done
for connections in 64 1; do
  rm -f "$dir"/*.rounds
  for _ in 1 2 3 4 5; do for name in $names; do measure "$name" "$connections" >>"$dir/$name.rounds"; done; done
  echo
  echo "| HAProxy, $connections connections | requests/s | of plain | of do-nothing | p50 | p99 | CPU HAProxy | CPU asked | CPU agent | not 200 |"
  echo '|---|---|---|---|---|---|---|---|---|---|'
  row 'no filter' plain ''
  row 'request: SPOP agent that does nothing' noop ''
  row 'request: sidecar, a route without agents' alone noop
  row 'request: sidecar and an agent' request noop
  row 'request and response with bodies: SPOP agent that does nothing' noop-both ''
  row 'request and response with bodies: sidecar and an agent' both noop-both
done
