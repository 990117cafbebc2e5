#!/usr/bin/env bash
# Measures what long bodies cost the daemon behind a whole Envoy (ext_proc in full duplex) and a whole nginx (the Lua configuration, /whole/), both ways,
# all in one run. Called by bench.sh --bodies [MIB], the length of each body (default 100); needs curl, nginx with Lua, clang (see publish.sh), and Envoy
# (SIDECAR_TEST_ENVOY=FILE, or ../shared/peers). SIDECAR_BENCH_OLD=FILE is another daemon to measure in the same rounds, with the same agent: the demo
# agent, which is shown every body as it streams. Everything shares this machine's processors: only the ratios count. Each row is measured five times
# (SIDECAR_BENCH_ROUNDS), in turn with the others; medians are shown, of ratios those of the rounds. CPU is ms per MiB. The sidecar is the published one
# (or SIDECAR_BINARY). SIDECAR_BENCH_PROXIES=envoy leaves nginx out, and the other way round.
set -euo pipefail
cd "$(dirname "$0")/../.."
size=${1:-100} rounds=${SIDECAR_BENCH_ROUNDS:-5}
nginx=$(command -v nginx || echo /usr/sbin/nginx)
for tool in "$nginx" curl; do
  command -v "$tool" >/dev/null || { echo "bench.sh: $tool is missing; install nginx and curl" >&2; exit 1; }
done
. scripts/bench/common.sh
envoy=$(need envoy)
publish
chmod 755 "$dir" # nginx's workers are somebody else where we are root
port=${SIDECAR_BENCH_PORT:-18300} origin=$port

# An upstream that takes a body to its end, and gives one of random bytes.
mkdir -p "$dir/origin.d/whole" && chmod 755 "$dir/origin.d" "$dir/origin.d/whole"
head -c "${size}M" /dev/urandom >"$dir/origin.d/whole/down"
cat >"$dir/origin.d/nginx.conf" <<EOF
$(grep load_module scripts/nginx/nginx-lua.conf)
daemon off; pid nginx.pid; error_log error.log; events {}
http { access_log off; client_max_body_size 0; client_body_temp_path temp; server { listen 127.0.0.1:$origin; root $dir/origin.d;
  location / { content_by_lua_block { ngx.req.read_body() ngx.say("ok") } } location = /whole/down { } } }
EOF
serve origin "$nginx" -p "$dir/origin.d" -e error.log -c "$dir/origin.d/nginx.conf"
serve agent "$sidecar" agent demo --listen "$dir/agent"; agent=$served
await "$dir/agent"

# A daemon, and an Envoy and an nginx that ask it by their ready configurations. What waits here waits for a processor.
declare -A asked=() ports=()
names=''
front() { # name, daemon
  local name=$1 at="$dir/$1.d" text
  mkdir -p "$at/front"
  serve "$name" "$2" run --agent "demo=$dir/agent,events=all,body-mode=stream,max-body=none" --timeout 20s --body-timeout 20s \
    --listen "envoy=$dir/$name-envoy.sock,budget=30s" --listen "frames=$dir/$name-frames.sock,mode=666,budget=30s"
  asked[$name]=$served names+=" $name"
  await "$dir/$name-envoy.sock" "$dir/$name-frames.sock"
  ports[$name-envoy]=$((++port)) ports[$name-nginx]=$((++port))
  sed -e "s#/run/sidecar/envoy.sock#$dir/$name-envoy.sock#; s#port_value: 8080#port_value: ${ports[$name-envoy]}#" \
    -e "s#port_value: 8081#port_value: $origin#" \
    -e 's#message_timeout: 0.2s#message_timeout: 40s#; s#route: { cluster: origin }#route: { cluster: origin, timeout: 120s }#' \
    scripts/envoy/envoy-ext-proc-responses.yaml >"$at/envoy.yaml"
  serve "$name-envoy" "$envoy" -c "$at/envoy.yaml" --concurrency 1 --use-dynamic-base-id -l warning
  cp scripts/nginx/sidecar-lua-location.conf "$at/front/"
  sed -e '1i daemon off;' -e "s#127.0.0.1:8080#127.0.0.1:${ports[$name-nginx]}#; s#127.0.0.1:8081#127.0.0.1:$origin#" \
    -e "s#/run/sidecar/frames.sock#$dir/$name-frames.sock#; s#fail_open = false#answer_ms = 40000#" \
    -e "s#/etc/nginx/sidecar/#$PWD/scripts/nginx/#; s#client_max_body_size .*#client_max_body_size 0;#" \
    scripts/nginx/nginx-lua.conf >"$at/front/nginx.conf"
  serve "$name-nginx" "$nginx" -p "$at/front" -e error.log -c "$at/front/nginx.conf"
  until_200 "${ports[$name-envoy]}" "$name, Envoy"
  until_200 "${ports[$name-nginx]}" "$name, nginx"
}
front new "$sidecar"
if [ -n "${SIDECAR_BENCH_OLD:-}" ]; then front old "$SIDECAR_BENCH_OLD"; fi

round() { # name, proxy, direction: ms of the daemon's and of the agent's processor per MiB, MiB/s
  local url=http://127.0.0.1:${ports[$1-$2]}/whole/$3 before agent_before result arguments=()
  if [ "$3" = up ]; then arguments=(-H Expect: -X POST -T "$dir/origin.d/whole/down"); fi
  before=$(cpu "${asked[$1]}") agent_before=$(cpu "$agent")
  result=$(curl -s -o /dev/null -w '%{http_code} %{time_total} %{size_upload} %{size_download}' "${arguments[@]}" "$url" || true)
  awk -v hz="$ticks" -v mib="$size" -v way="$3" \
    -v used="$(($(cpu "${asked[$1]}") - before))" -v agent="$(($(cpu "$agent") - agent_before))" '
    $1 != 200 || $(way == "up" ? 3 : 4) != mib * 1048576 { print "bench: " $0 " is no whole answer" >"/dev/stderr"; exit 1 }
    { printf "%.3f %.3f %.0f\n", used / hz * 1000 / mib, agent / hz * 1000 / mib, mib / $2 }' <<<"$result"
}
each() { local proxy way; for proxy in ${SIDECAR_BENCH_PROXIES:-envoy nginx}; do for way in up down; do "$@"; done; done; }
measure() { local name; for name in $order; do round "$name" "$proxy" "$way" >>"$dir/$name-$proxy-$way.rounds"; done; }
row() {
  local name text label
  case $proxy in envoy) label='Envoy, ext_proc in full duplex' ;; nginx) label='nginx with Lua, `/whole/`' ;; esac
  for name in $names; do
    text=$label,\ $([ $way = up ] && echo request || echo response)
    if [ $name = old ]; then text+=', the other daemon'; fi
    echo "| $text | $(median $name-$proxy-$way 1) |$([ "$names" = ' new' ] || echo " $(of $name-$proxy-$way old-$proxy-$way 1) |")" \
      "$(median $name-$proxy-$way 2) | $(median $name-$proxy-$way 3) |"
  done
}
order=$names
each measure && rm -f "$dir"/*.rounds
for _ in $(seq "$rounds"); do
  each measure
  order=$(tac -s ' ' <<<"${order# } ") # who is last may find another machine than who was first
done
echo "| body of $size MiB | CPU daemon |$([ "$names" = ' new' ] || echo ' of the other |') CPU agent | MiB/s |"
echo "|---|---|$([ "$names" = ' new' ] || echo '---|')---|---|"
each row
