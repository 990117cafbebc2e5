#!/usr/bin/env bash
# Measures HAProxy without a filter, with an SPOP agent that does nothing, and with the sidecar, one after the other in one run. Called by
# bench.sh --haproxy [SECONDS]; needs haproxy, wrk and cc. Everything shares this machine's processors: only the ratios count.
set -euo pipefail
cd "$(dirname "$0")/../.."
seconds=${1:-5}
haproxy=$(command -v haproxy || echo /usr/sbin/haproxy)
for tool in "$haproxy" wrk cc; do
  command -v "$tool" >/dev/null || { echo "bench.sh: $tool is missing; install haproxy, wrk and a C compiler" >&2; exit 1; }
done
dotnet build -c Release -v quiet Sidecar.Daemon >/dev/null
sidecar="dotnet $PWD/Sidecar.Daemon/bin/Release/net10.0/sidecar.dll"
dir=$(mktemp -d)
pids=()
finish() { for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done; wait 2>/dev/null || true; rm -rf "$dir"; }
trap finish EXIT
front=18080 origin=18081

cc -O2 -o "$dir/noop" scripts/bench/spop-noop.c
printf 'defaults\n mode http\n timeout client 30s\n timeout server 30s\n timeout connect 2s\nfrontend origin\n bind 127.0.0.1:%s\n http-request return status 200 content-type text/plain string ok\n' $origin >"$dir/origin.cfg"
"$haproxy" -db -f "$dir/origin.cfg" >"$dir/origin.log" 2>&1 & pids+=($!)
"$dir/noop" "$dir/noop.sock" & pids+=($!)
$sidecar agent demo --listen "$dir/agent" >"$dir/agent.log" 2>&1 & pids+=($!)
for kind in head full; do
  response=$([ "$kind" = head ] && echo no || echo yes)
  $sidecar run --agent "demo=$dir/agent" --listen "spop=$dir/$kind.sock,response=$response" >"$dir/$kind.log" 2>&1 & pids+=($!)
done
for _ in $(seq 200); do [ -S "$dir/head.sock" ] && [ -S "$dir/full.sock" ] && grep -q reachable "$dir/head.log" "$dir/full.log" && break; sleep 0.1; done
[ -S "$dir/full.sock" ] || { echo "bench.sh: the sidecar did not start" >&2; cat "$dir/full.log" >&2; exit 1; }

configure() { # name of the socket, empty for no filter
  cp scripts/haproxy/sidecar.lua "$dir/"
  sed "s#/etc/haproxy/#$dir/#" scripts/haproxy/spoe.cfg >"$dir/spoe.cfg"
  sed -e "s#/etc/haproxy/#$dir/#; s#/run/sidecar/spop.sock#$dir/$1.sock#; s#127.0.0.1:8080#127.0.0.1:$front#; s#127.0.0.1:8081#127.0.0.1:$origin#" scripts/haproxy/haproxy.cfg >"$dir/haproxy.cfg"
  if [ -z "$1" ]; then sed -i -e '/spoe/d; /lua/d; /txn\./d; /http-re/d; /acl/d; /http-buffer-request/d; s/unique-id-format.*/&\n    option httplog/' "$dir/haproxy.cfg"; fi
}
row() { # label, socket, arguments of wrk
  local label=$1 pid result rate; configure "$2"; shift 2
  "$haproxy" -db -f "$dir/haproxy.cfg" >/dev/null 2>"$dir/haproxy.log" & pid=$!; pids+=($pid)
  for _ in $(seq 50); do curl -so /dev/null "http://127.0.0.1:$front/" && break; sleep 0.1; done
  sleep 1 # the health check finds the agent
  [ "$(curl -so /dev/null -w '%{http_code}' "http://127.0.0.1:$front/")" = 200 ] || { echo "bench.sh: no 200 for '$label'" >&2; cat "$dir/haproxy.log" >&2; exit 1; }
  wrk -t1 -d "${seconds}s" "$@" "http://127.0.0.1:$front/" >/dev/null
  result=$(wrk -t1 -d "${seconds}s" --latency "$@" "http://127.0.0.1:$front/")
  rate=$(awk '/Requests\/sec/ {print $2}' <<<"$result")
  [ -n "${base:-}" ] || base=$rate
  printf '| %s | %.0f | %s | %s | %s | %s |\n' "$label" "$rate" "$(awk "BEGIN{printf \"%.2f\", $rate/$base}")" \
    "$(awk '$1=="50%"{print $2}' <<<"$result")" "$(awk '$1=="99%"{print $2}' <<<"$result")" "$(awk '/Non-2xx/{print $NF}' <<<"$result" | grep . || echo 0)"
  kill "$pid"; wait "$pid" 2>/dev/null || true
}

for connections in 64 1; do
  echo
  echo "| HAProxy, $connections connections | requests/s | of plain | p50 | p99 | not 200 |"
  echo '|---|---|---|---|---|---|'
  base=
  row 'no filter' '' -c "$connections"
  row 'SPOP agent that does nothing' noop -c "$connections"
  row 'sidecar, request' head -c "$connections"
  row 'sidecar, request and response with bodies' full -c "$connections"
done
