#!/usr/bin/env bash
# Measures Envoy alone, with a gRPC server that always continues, and with the sidecar, in ext_authz and ext_proc, all in one run. Called by
# bench.sh --envoy [SECONDS]; needs wrk, clang (see publish.sh), and two programs: Envoy (SIDECAR_TEST_ENVOY=FILE) and a server on grpc-go that always
# continues (SIDECAR_TEST_GRPC_GO_CONTINUE=FILE, started with a socket's path); both are looked for in ../shared/peers, too.
# Envoy answers itself; SIDECAR_BENCH_WORKERS are its --concurrency (default 1). Everything shares this machine's processors: only the ratios count.
# Every row is measured five times (SIDECAR_BENCH_ROUNDS), in turn with the others; medians are shown, of ratios those of the rounds. Times are µs,
# CPU µs per request. The sidecar is the published one, as it is installed (or SIDECAR_BINARY).
set -euo pipefail
cd "$(dirname "$0")/../.."
seconds=${1:-3} rounds=${SIDECAR_BENCH_ROUNDS:-5} workers=${SIDECAR_BENCH_WORKERS:-1}
command -v wrk >/dev/null || { echo "bench.sh: wrk is missing; install it" >&2; exit 1; }
. scripts/bench/common.sh
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

for name in $names; do until_200 "${ports[$name]}" "$name"; done

row() { # label, name, name of the yardstick
  printf '| %s | %s | %s | %s | %s | %s | %s | %s | %s | %s |\n' "$1" "$(median "$2" 1)" "$(of "$2" plain 1)" "$(median "$2" 2)" "$(median "$2" 3)" \
    "$(median "$2" 5)" "$([ -z "$3" ] || of "$2" "$3" 5)" "$(median "$2" 6)" "$(median "$2" 7)" "$(median "$2" 4)"
}

for name in $names; do web_round "${ports[$name]}" 64 2 >/dev/null; done
for _ in $(seq "$rounds"); do
  for name in $names; do web_round "${ports[$name]}" 64 "$seconds" "${asked[$name]}" "$front" "$agent" >>"$dir/$name.rounds"; done
done
echo "| Envoy, $workers worker, 64 connections | requests/s | of Envoy alone | p50 | p99 | CPU asked | of grpc-go | CPU Envoy | CPU agent | not 200 |"
echo '|---|---|---|---|---|---|---|---|---|---|'
row 'no filter' plain ''
for filter in authz headers both; do
  case $filter in authz) label='ext_authz' ;; headers) label='ext_proc, request headers' ;; both) label='ext_proc, request and response headers' ;; esac
  row "$label: grpc-go, always continues" "$filter-go" "$filter-go"
  row "$label: sidecar, a route without agents" "$filter-none" "$filter-go"
  row "$label: sidecar and an agent" "$filter-demo" "$filter-go"
done
