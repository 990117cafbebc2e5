#!/usr/bin/env bash
# Measures what an agent that is asked for more than it can do still gives, all in one run. Called by bench.sh --overload [SECONDS] (default 5).
#   An agent that waits: the demo agent, two calls at a time, 7 ms each, asked by 'sidecar bench' at a native listener.
#   An agent that works: the Coraza WAF with its rules, asked about a form of 24 fields behind nginx with Lua (the frames listener), Envoy (ext_proc)
#   and HAProxy, there beside coraza-spoa: with the ready configurations' time-outs, and with coraza-spoa's 500 ms at both.
# Clients ask again at once, also when they were refused. Good answers are those with 200. Needs wrk and clang (see publish.sh), nginx with Lua, haproxy,
# and coraza-agent, coraza-spoa and envoy (SIDECAR_TEST_NAME=FILE, or ../shared/peers); rows without their program are left out. Everything shares this
# machine's processors: only the ratios count. Every row is measured five times (SIDECAR_BENCH_ROUNDS), in turn with the others; medians are shown, of
# ratios those of the rounds. The sidecar is the published one (or SIDECAR_BINARY).
set -euo pipefail
cd "$(dirname "$0")/../.."
seconds=${1:-5} rounds=${SIDECAR_BENCH_ROUNDS:-5}
nginx=$(command -v nginx || echo /usr/sbin/nginx) haproxy=$(command -v haproxy || echo /usr/sbin/haproxy)
. scripts/bench/common.sh
publish
chmod 755 "$dir" # nginx's workers are somebody else where we are root
port=${SIDECAR_BENCH_PORT:-18400} origin=$port
declare -A asked=() agents=() ports=()

if [ -z "${SIDECAR_BENCH_ONLY:-}" ] || [ "$SIDECAR_BENCH_ONLY" = waiting ]; then
  serve waiting-agent "$sidecar" agent demo --listen "$dir/waiting" --delay 7ms --workers 2
  await "$dir/waiting"
  serve waiting "$sidecar" run --agent "demo=$dir/waiting,events=request-headers" --listen "native=$dir/native,budget=160ms"; waiting=$served
  await "$dir/native"
  wait_round() { # clients: good answers/s, their p99, refusals/s, their p99, µs of the daemon for each of both
    local json before
    before=$(cpu "$waiting")
    json=$("$sidecar" bench --connect "$dir/native" --concurrency "$1" --warmup 1s --duration "${seconds}s" --json)
    awk -v hz="$ticks" -v used="$(($(cpu "$waiting") - before))" -v good="$(field exchanges_per_second <<<"$json")" -v p99="$(field p99_us <<<"$json")" \
      -v bad="$(field failures_per_second <<<"$json")" -v bad99="$(field failures_p99_us <<<"$json")" -v s=$((seconds + 1)) \
      'BEGIN { printf "%.0f %.0f %.0f %.0f %.1f\n", good, p99, bad, bad99, used / hz * 1e6 / (good + bad + 0.1) / s }' >>"$dir/waiting-$1.rounds"
  }
  for clients in 2 16 48 200; do wait_round $clients; done
  rm -f "$dir"/*.rounds
  for _ in $(seq "$rounds"); do for clients in 2 16 48 200; do wait_round $clients; done; done
  echo "| an agent that waits, 2 at a time, 7 ms: clients | good answers/s | of those at 2 | p99 µs | refused/s | p99 µs of refusals | CPU daemon, each of both |"
  echo '|---|---|---|---|---|---|---|'
  for clients in 2 16 48 200; do
    echo "| $clients | $(median waiting-$clients 1) | $(of waiting-$clients waiting-2 1) |$(for i in 2 3 4 5; do printf ' %s |' "$(median waiting-$clients $i)"; done)"
  done
  echo
  [ "${SIDECAR_BENCH_ONLY:-}" != waiting ] || exit 0
fi

coraza=$(need coraza-agent)
origin $origin
cat >"$dir/post.lua" <<'EOF'
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/x-www-form-urlencoded"
local fields = {}
for i = 1, 24 do fields[i] = "field" .. i .. "=some+plain+text+number+" .. i .. "+of+a+form" end
wrk.body = table.concat(fields, "&")
EOF
names=''
waf() { # name, listener, further flags: a daemon and a WAF of its own
  local name=$1 listener=$2; shift 2
  serve "$name-waf" "$coraza" agent --socket "$dir/$name.waf" --rules on; agents[$name]=$served
  await "$dir/$name.waf"
  serve "$name" "$sidecar" run --agent "waf=$dir/$name.waf,events=request-headers+request-body" --listen "$listener" "$@"; asked[$name]=$served
  await "$dir/$name.sock"
  ports[$name]=$((++port)) names+=" $name"
  mkdir -p "$dir/$name.d"
}
if "$nginx" -v 2>/dev/null; then
  waf nginx "frames=$dir/nginx.sock,mode=666,budget=160ms"
  cp scripts/nginx/sidecar-lua-location.conf "$dir/nginx.d/"
  sed -e '1i daemon off;' -e "s#127.0.0.1:8080#127.0.0.1:${ports[nginx]}#; s#127.0.0.1:8081#127.0.0.1:$origin#" \
    -e "s#/run/sidecar/frames.sock#$dir/nginx.sock#; s#/etc/nginx/sidecar/#$PWD/scripts/nginx/#" \
    scripts/nginx/nginx-lua.conf >"$dir/nginx.d/nginx.conf"
  serve nginx-proxy "$nginx" -p "$dir/nginx.d" -e error.log -c "$dir/nginx.d/nginx.conf"
fi
if envoy=$(peer envoy); then
  waf envoy "envoy=$dir/envoy.sock,budget=160ms"
  sed -e "s#/run/sidecar/envoy.sock#$dir/envoy.sock#; s#port_value: 8080#port_value: ${ports[envoy]}#; s#port_value: 8081#port_value: $origin#" \
    scripts/envoy/envoy-ext-proc.yaml >"$dir/envoy.d/envoy.yaml"
  serve envoy-proxy "$envoy" -c "$dir/envoy.d/envoy.yaml" --concurrency 1 --use-dynamic-base-id -l warning
fi
hap() { # name, milliseconds of the proxy's patience
  local at="$dir/$1.d"
  cp scripts/haproxy/sidecar.lua "$at/"
  sed "s#/etc/haproxy/#$at/#; s#processing 200ms#processing ${2}ms#" scripts/haproxy/spoe.cfg >"$at/spoe.cfg"
  sed -e "s#/etc/haproxy/#$at/#; s#/run/sidecar/spop.sock#$dir/$1.sock#; s#127.0.0.1:8080#127.0.0.1:${ports[$1]}#; s#127.0.0.1:8081#127.0.0.1:$origin#" \
    scripts/haproxy/haproxy.cfg >"$at/haproxy.cfg"
  serve "$1-proxy" "$haproxy" -db -f "$at/haproxy.cfg"
}
if "$haproxy" -v >/dev/null && spoa=$(peer coraza-spoa); then
  waf haproxy "spop=$dir/haproxy.sock,response=no,budget=160ms"; hap haproxy 200
  waf haproxy-500 "spop=$dir/haproxy-500.sock,response=no,budget=450ms" --timeout 440ms --body-timeout 440ms; hap haproxy-500 500
  at=$dir/spoa.d; mkdir "$at"; ports[spoa]=$((++port)) spoa_port=$((++port)) names+=' spoa'
  cat >"$at/coraza.yaml" <<EOF
bind: 127.0.0.1:$spoa_port
log_level: error
log_file: /dev/null
log_format: json
applications:
  - name: waf
    directives: |
      Include @coraza.conf-recommended
      Include @crs-setup.conf.example
      Include @owasp_crs/*.conf
      SecRuleEngine On
    response_check: false
    transaction_ttl_ms: 60000
    log_level: error
    log_file: /dev/null
    log_format: json
EOF
  cat >"$at/coraza.cfg" <<EOF
[coraza]
spoe-agent coraza-agent
    messages    coraza-req
    option      var-prefix coraza
    option      set-on-error error
    timeout     hello 2s
    timeout     idle 2m
    timeout     processing 500ms
    use-backend coraza-spoa
spoe-message coraza-req
    args app=str(waf) src-ip=src src-port=src_port dst-ip=dst dst-port=dst_port method=method path=path query=query version=req.ver headers=req.hdrs body=req.body exportRuleIDs=bool(false)
    event on-frontend-http-request
EOF
  cat >"$at/haproxy.cfg" <<EOF
global
    log stdout format raw local0
defaults
    mode http
    log global
    option httplog
    timeout connect 2s
    timeout client 30s
    timeout server 30s
frontend protected
    bind 127.0.0.1:${ports[spoa]}
    unique-id-format %[uuid()]
    option http-buffer-request
    filter spoe engine coraza config $at/coraza.cfg
    http-request deny deny_status 403 if { var(txn.coraza.action) -m str deny }
    http-request deny deny_status 500 if { var(txn.coraza.error) -m int gt 0 }
    http-request deny deny_status 503 if !{ var(txn.coraza.anomaly_score) -m found }
    default_backend origin
backend origin
    server origin 127.0.0.1:$origin
backend coraza-spoa
    mode tcp
    server spoa 127.0.0.1:$spoa_port
EOF
  serve spoa "$spoa" -config "$at/coraza.yaml"; asked[spoa]='' agents[spoa]=$served
  serve spoa-proxy "$haproxy" -db -f "$at/haproxy.cfg"
fi
for name in $names; do until_200 "${ports[$name]}" "$name"; done

waf_round() { # name, clients: good answers/s, p99 µs of all, refused/s, µs of the daemon for each of both
  local result before
  before=$(cpu "${asked[$1]}")
  result=$(wrk -t1 -c "$2" -d "${seconds}s" --timeout 5s --latency -s "$dir/post.lua" "http://127.0.0.1:${ports[$1]}/")
  awk -v hz="$ticks" -v used="$(($(cpu "${asked[$1]}") - before))" -v s="$seconds" '
    function us(t) { return t * (t ~ /us$/ ? 1 : t ~ /ms$/ ? 1000 : 1000000) }
    / requests in / { n = $1 } $1 == "99%" { p99 = us($2) } /Non-2xx/ { bad = $NF }
    END { printf "%.1f %.0f %.1f %.0f\n", (n - bad) / s, p99, bad / s, n ? used / hz * 1e6 / n : 0 }' <<<"$result" >>"$dir/$1-$2.rounds"
}
for name in $names; do waf_round "$name" 2; done
rm -f "$dir"/*.rounds
for _ in $(seq "$rounds"); do for clients in 2 16 48; do for name in $names; do waf_round "$name" $clients; done; done; done
echo '| the Coraza WAF, a form of 24 fields, clients | good answers/s | of those at 2 | of coraza-spoa | p99 µs of all | refused/s | CPU daemon, each of both |'
echo '|---|---|---|---|---|---|---|'
for name in $names; do
  case $name in
    nginx) label='nginx with Lua' ;; envoy) label='Envoy, ext_proc' ;; haproxy) label='HAProxy, 200 ms' ;; haproxy-500) label='HAProxy, 500 ms' ;;
    spoa) label='HAProxy and coraza-spoa, 500 ms' ;;
  esac
  for clients in 2 16 48; do
    echo "| $label, $clients | $(median $name-$clients 1) | $(of $name-$clients $name-2 1) |" \
      "$([ -f "$dir/spoa-$clients.rounds" ] && of $name-$clients spoa-$clients 1) |$(for i in 2 3 4; do printf ' %s |' "$(median $name-$clients $i)"; done)"
  done
done
