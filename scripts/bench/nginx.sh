#!/usr/bin/env bash
# Measures nginx when nobody is asked, with auth_request to an nginx that answers 200, to the sidecar, and beside a Zentinel proxy, all in one run. Called
# by bench.sh --nginx [SECONDS]; needs nginx, wrk and haproxy (the upstream), and for the last comparison two programs: zentinel-proxy and the reference's
# agent refnop (SIDECAR_TEST_ZENTINEL_PROXY=FILE, SIDECAR_TEST_REFNOP=FILE, or ../shared/peers). SIDECAR_BENCH_OLD=FILE is another daemon to measure in
# the same rounds. Everything shares this machine's processors: only the ratios count. Every row is measured five times (SIDECAR_BENCH_ROUNDS), in turn
# with the others; medians are shown, of ratios those of the rounds. Times are µs, CPU µs per request. The sidecar is the published one, as it is
# installed (or SIDECAR_BINARY). Each nginx has as many workers as there are processors (SIDECAR_BENCH_WORKERS).
set -euo pipefail
cd "$(dirname "$0")/../.."
seconds=${1:-3} rounds=${SIDECAR_BENCH_ROUNDS:-5} workers=${SIDECAR_BENCH_WORKERS:-auto}
nginx=$(command -v nginx || echo /usr/sbin/nginx)
for tool in "$nginx" wrk; do command -v "$tool" >/dev/null || { echo "bench.sh: $tool is missing; install nginx and wrk" >&2; exit 1; }; done
. scripts/bench/common.sh
publish
chmod 755 "$dir" # nginx's workers are somebody else where we are root
port=18200 origin=18199
origin $origin

declare -A asked=() agents=() ports=() proxies=()
ask() { # name, daemon, agent's process and socket, arguments
  local name=$1 daemon=$2 process=$3 socket=$4; shift 4
  serve "$name" "$daemon" run --agent "agent=$socket,events=request-headers" "$@" --listen "http=$dir/$name.sock,proxy=nginx,mode=666"
  asked[$name]=$served agents[$name]=$process names+=" $name"
}
ask_all() { # prefix, daemon
  ask "$1nobody" "$2" '' "$dir/demo" --route nobody,agents=none
  ask "$1demo" "$2" "$demo" "$dir/demo"
  if [ -n "$nop" ]; then ask "$1nop" "$2" "$nop" "$dir/nop"; fi
}
mkdir "$dir/answers.d"
cat >"$dir/answers.d/nginx.conf" <<EOF
daemon off; pid nginx.pid; error_log error.log; worker_processes $workers; events {}
http { access_log off; keepalive_requests 1000000000; server { listen unix:$dir/answers.sock; return 200; } }
EOF
serve answers "$nginx" -p "$dir/answers.d" -e error.log -c "$dir/answers.d/nginx.conf"; asked[answers]=$served
names='plain answers'
serve demo "$sidecar" agent demo --listen "$dir/demo"; demo=$served nop=''
if refnop=$(peer refnop) && zentinel=$(peer zentinel-proxy); then serve nop "$refnop" "$dir/nop"; nop=$served; fi
ask_all '' "$sidecar"
if [ -n "${SIDECAR_BENCH_OLD:-}" ]; then ask_all old- "$SIDECAR_BENCH_OLD"; fi

front() { # name: an nginx of its own with the ready configuration; 'plain' has nothing of it but the upstream
  local name=$1 at="$dir/$1.d"; mkdir -p "$at/front"; ports[$name]=$((++port))
  cp scripts/nginx/sidecar-*.conf "$at/front/"
  sed -i "s#unix:/run/sidecar/http.sock#unix:$dir/$name.sock#" "$at/front/sidecar-http.conf"
  sed -e "1i daemon off;" -e "s#worker_processes .*#worker_processes $workers;#; s#127.0.0.1:8080#127.0.0.1:$port#; s#127.0.0.1:8081#127.0.0.1:$origin#" \
    -e 's#server_tokens .*#&\n    keepalive_requests 1000000000;#' scripts/nginx/nginx.conf >"$at/front/nginx.conf"
  if [ "$name" = plain ]; then
    sed -i -e '/include *sidecar-/d; /error_page/d; /sidecar_unannounced/d; s#access.log sidecar#access.log#' \
      -e 's#proxy_pass .*#& proxy_http_version 1.1; proxy_set_header Connection "";#' "$at/front/nginx.conf"
  fi
  serve "$name-nginx" "$nginx" -p "$at/front" -e error.log -c "$at/front/nginx.conf"; proxies[$name]=$served
}
for name in $names; do front "$name"; done
if [ -n "$nop" ]; then
  ports[zentinel]=$((++port)) agents[zentinel]=$nop names+=' zentinel'
  zentinel $port $origin "$dir/nop" "$zentinel"; proxies[zentinel]=$served
fi
for name in $names; do until_200 "${ports[$name]}" "$name"; done
with_workers() { [ -z "$1" ] || echo "$1" $(pgrep -P "$1" || true); }

row() { # label, name
  [ -f "$dir/$2.rounds" ] || return 0
  local i text=''
  for i in 2 3 5 6 7 4; do text+=" $(median "$2" $i) |"; done
  printf '| %s | %s | %s | %s |%s\n' "$1" "$(median "$2" 1)" "$(of "$2" plain 1)" "$(of "$2" answers 1)" "$text"
}
rows() { # prefix, words
  row "auth_request to the sidecar$2, a route without agents" "$1nobody"
  row "auth_request to the sidecar$2 and an agent" "$1demo"
  row "auth_request to the sidecar$2 and the reference's agent" "$1nop"
}

for connections in ${SIDECAR_BENCH_CONNECTIONS:-64 1}; do
  rm -f "$dir"/*.rounds
  for name in $names; do web_round "${ports[$name]}" $connections 2 >/dev/null; done
  for _ in $(seq "$rounds"); do
    for name in $names; do
      web_round "${ports[$name]}" $connections "$seconds" "$(with_workers "${proxies[$name]}")" "$(with_workers "${asked[$name]:-}")" "${agents[$name]:-}" \
        >>"$dir/$name.rounds"
    done
  done
  echo
  echo "| nginx, $connections in flight | requests/s | of plain | of nginx asked | p50 | p99 | CPU proxy | CPU asked | CPU agent | not 200 |"
  echo '|---|---|---|---|---|---|---|---|---|---|'
  row 'nobody is asked' plain
  row 'auth_request to an nginx that answers 200' answers
  rows '' ''
  rows old- ', the other daemon'
  row "no nginx: a Zentinel proxy and the reference's agent" zentinel
  [ ! -f "$dir/zentinel.rounds" ] ||
    echo "nginx and the sidecar with the reference's agent: $(of nop zentinel 1) of the Zentinel proxy's requests/s, $(of nop zentinel 3) of its p99"
done
