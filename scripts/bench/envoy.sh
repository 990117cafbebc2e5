#!/usr/bin/env bash
# Measures Envoy alone, with a gRPC server that always continues, and with the sidecar, in ext_authz and ext_proc, all in one run. Called by
# bench.sh --envoy [SECONDS]; needs wrk, clang (see publish.sh), and two programs: Envoy (SIDECAR_TEST_ENVOY=FILE) and a server on grpc-go that always
# continues (SIDECAR_TEST_GRPC_GO_CONTINUE=FILE, started with a socket's path); both are looked for in ../shared/peers, too.
# Envoy answers itself; SIDECAR_BENCH_WORKERS are its --concurrency (default 1). Everything shares this machine's processors: only the ratios count.
# Every row is measured five times, in turn with the others, and its median is shown. CPU is µs per request. The sidecar is the published one, as it
# is installed (or SIDECAR_BINARY).
set -euo pipefail
cd "$(dirname "$0")/../.."
seconds=${1:-3} rounds=5 workers=${SIDECAR_BENCH_WORKERS:-1}
command -v wrk >/dev/null || { echo "bench.sh: wrk is missing; install it" >&2; exit 1; }
. scripts/bench/common.sh
need() { peer "$1" || { echo "bench.sh: $1 is neither in ../shared/peers nor named by its variable; see the head of scripts/bench/envoy.sh" >&2; exit 1; }; }
envoy=$(need envoy) continue=$(need grpc-go-continue)
publish

declare -A asked=([plain]='') ports=()
ask() { serve "$@"; asked[$1]=$served; } # name, command: whom the filter asks
serve agent "$sidecar" agent demo --listen "$dir/agent"; agent=$served
for filter in authz headers both; do
  case $filter in both) events=request-headers+response-headers ;; *) events=request-headers ;; esac
  ask "$filter-go" "$continue" "$dir/$filter-go.sock"
  ask "$filter-none" "$sidecar" run --agent "demo=$dir/agent" --route nobody,agents=none --listen "envoy=$dir/$filter-none.sock"
  ask "$filter-demo" "$sidecar" run --agent "demo=$dir/agent,events=$events" --listen "envoy=$dir/$filter-demo.sock"
done

ext=type.googleapis.com/envoy.extensions.filters
filter_of() { # name: the filter's lines; none for 'plain'
  case $1 in
    authz-*) echo "          - {name: envoy.filters.http.ext_authz, typed_config: {'@type': $ext.http.ext_authz.v3.ExtAuthz, transport_api_version: V3, encode_raw_headers: true, with_request_body: {max_request_bytes: 1048576, allow_partial_message: true, pack_as_bytes: true}, grpc_service: {envoy_grpc: {cluster_name: $1}, timeout: 2s}}}" ;;
    headers-*) echo "          - {name: envoy.filters.http.ext_proc, typed_config: {'@type': $ext.http.ext_proc.v3.ExternalProcessor, grpc_service: {envoy_grpc: {cluster_name: $1}}, message_timeout: 2s, processing_mode: {request_header_mode: SEND, response_header_mode: SKIP}}}" ;;
    both-*) echo "          - {name: envoy.filters.http.ext_proc, typed_config: {'@type': $ext.http.ext_proc.v3.ExternalProcessor, grpc_service: {envoy_grpc: {cluster_name: $1}}, message_timeout: 2s, processing_mode: {request_header_mode: SEND, response_header_mode: SEND}}}" ;;
  esac
}
names=plain; for filter in authz headers both; do names+=" $filter-go $filter-none $filter-demo"; done
{
  echo 'static_resources:'
  echo '  listeners:'
  port=${SIDECAR_BENCH_PORT:-18100}
  for name in $names; do
    ports[$name]=$((port++))
    cat <<EOF
  - name: $name
    address: {socket_address: {address: 127.0.0.1, port_value: ${ports[$name]}}}
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          '@type': $ext.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: $name
          route_config: {virtual_hosts: [{name: all, domains: ['*'], routes: [{match: {prefix: /}, direct_response: {status: 200, body: {inline_string: ok}}}]}]}
          http_filters:
$(filter_of "$name")
          - {name: envoy.filters.http.router, typed_config: {'@type': $ext.http.router.v3.Router}}
EOF
  done
  echo '  clusters:'
  for name in ${names#plain}; do
    cat <<EOF
  - name: $name
    connect_timeout: 1s
    typed_extension_protocol_options: {envoy.extensions.upstreams.http.v3.HttpProtocolOptions: {'@type': type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions, explicit_http_config: {http2_protocol_options: {}}}}
    circuit_breakers: {thresholds: [{max_requests: 50000, max_pending_requests: 50000}]}
    load_assignment: {cluster_name: $name, endpoints: [{lb_endpoints: [{endpoint: {address: {pipe: {path: $dir/$name.sock}}}}]}]}
EOF
  done
} >"$dir/envoy.yaml"
serve envoy "$envoy" -c "$dir/envoy.yaml" --concurrency "$workers" --use-dynamic-base-id -l warning; front=$served

status() { curl -so /dev/null -w '%{http_code}' "http://127.0.0.1:${ports[$1]}/" || true; }
for name in $names; do
  for _ in $(seq 200); do [ "$(status "$name")" = 200 ] && break; sleep 0.1; done
  [ "$(status "$name")" = 200 ] || { echo "bench.sh: no 200 for '$name'" >&2; tail -n 5 "$dir/$name.log" "$dir/envoy.log" >&2; exit 1; }
done

measure() { # name: requests/s, p50, p99, CPU of whom Envoy asks, of Envoy, of the agent, not 200
  local before=("$(cpu "${asked[$1]}")" "$(cpu "$front")" "$(cpu "$agent")") result
  result=$(wrk -t1 -c 64 -d "${seconds}s" --latency "http://127.0.0.1:${ports[$1]}/")
  awk -v hz="$ticks" -v s="$(($(cpu "${asked[$1]}") - before[0]))" -v e="$(($(cpu "$front") - before[1]))" -v a="$(($(cpu "$agent") - before[2]))" '
    function us(t) { return sprintf("%.1f", t / hz * 1e6 / n) }
    /Requests\/sec/ { rate = $2 } / requests in / { n = $1 } $1 == "50%" { p50 = $2 } $1 == "99%" { p99 = $2 } /Non-2xx/ { bad = $NF }
    END { print rate, p50, p99, us(s), us(e), us(a), bad + 0 }' <<<"$result"
}
median() { sort -n -k "$2" "$dir/$1.rounds" | awk -v n=$(((rounds + 1) / 2)) -v k="$2" 'NR == n { print $k }'; }
row() { # label, name, name of the yardstick
  printf '| %s | %.0f | %s | %s | %s | %s | %s | %s | %s |\n' "$1" "$(median "$2" 1)" \
    "$(awk -v r="$(median "$2" 1)" -v p="$(median plain 1)" 'BEGIN { printf "%.2f", r / p }')" "$(median "$2" 2)" "$(median "$2" 3)" \
    "$(median "$2" 4)" "$([ -n "$3" ] && awk -v r="$(median "$2" 4)" -v p="$(median "$3" 4)" 'BEGIN { printf "%.2f", r / p }' || true)" \
    "$(median "$2" 5)" "$(median "$2" 6)"
}

for name in $names; do wrk -t1 -c 64 -d 2s "http://127.0.0.1:${ports[$name]}/" >/dev/null; done
for _ in $(seq $rounds); do for name in $names; do measure "$name" >>"$dir/$name.rounds"; done; done
echo "| Envoy, $workers worker, 64 connections | requests/s | of Envoy alone | p50 | p99 | CPU asked | of grpc-go | CPU Envoy | CPU agent |"
echo '|---|---|---|---|---|---|---|---|---|'
row 'no filter' plain ''
for filter in authz headers both; do
  case $filter in authz) label='ext_authz' ;; headers) label='ext_proc, request headers' ;; both) label='ext_proc, request and response headers' ;; esac
  row "$label: grpc-go, always continues" "$filter-go" "$filter-go"
  row "$label: sidecar, a route without agents" "$filter-none" "$filter-go"
  row "$label: sidecar and an agent" "$filter-demo" "$filter-go"
done
bad=$(awk '{ bad += $7 } END { print bad + 0 }' "$dir"/*.rounds)
echo
echo "Not 200: $bad"
