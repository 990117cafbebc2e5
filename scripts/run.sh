#!/usr/bin/env bash
# Builds sidecar and runs it with a demo agent, to see a request allowed and one blocked.
#   scripts/run.sh           the daemon alone; curl plays the proxy
#   scripts/run.sh --nginx   with nginx in front, by the ready configuration of scripts/nginx
#   ... --try                make the requests, show the answers and stop
set -euo pipefail
cd "$(dirname "$0")/.."
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1

with_nginx= try=
for argument in "$@"; do
  case "$argument" in
    --nginx) with_nginx=1 ;;
    --try) try=1 ;;
    -h|--help) sed -n '2,5s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) echo "run.sh: unknown argument $argument (see scripts/run.sh --help)" >&2; exit 2 ;;
  esac
done

command -v dotnet >/dev/null || { echo "run.sh: the .NET 10 SDK is missing; install it and put dotnet on the PATH" >&2; exit 1; }
nginx=$(command -v nginx || { [ -x /usr/sbin/nginx ] && echo /usr/sbin/nginx; } || true)
if [ -n "$with_nginx" ] && [ -z "$nginx" ]; then
  echo "run.sh: nginx is missing; install it (Debian: apt-get install nginx) or leave out --nginx" >&2
  exit 1
fi

echo "building…"
dotnet build -c Release -v quiet Sidecar.Daemon
sidecar="dotnet $PWD/Sidecar.Daemon/bin/Release/net10.0/sidecar.dll"

dir=$(mktemp -d)
pids=()
stop() {
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  wait 2>/dev/null || true
  rm -rf "$dir"
}
trap stop EXIT
trap 'exit 0' INT TERM

$sidecar agent demo --listen "$dir/demo.sock" --block-path attack --set-header 'X-User: alice' \
  --block-page 'blocked by the demo agent' >"$dir/agent.log" 2>&1 &
pids+=($!)
cat >"$dir/sidecar.yaml" <<EOF
version: 1
listeners:
  nginx: {for: nginx, socket: http.sock, budget: 3s}
  admin: {for: admin, socket: admin.sock}
agents:
  # More time than the defaults: a plain build compiles while it answers its first requests. What is installed is compiled before.
  demo: {at: demo.sock, timeout: 2s}
routes:
- {name: all, match: any, inspect: demo}
EOF
$sidecar run -c "$dir/sidecar.yaml" >"$dir/daemon.log" 2>&1 &
pids+=($!)

for _ in $(seq 100); do
  [ -S "$dir/http.sock" ] && grep -q 'is reachable' "$dir/daemon.log" && break
  kill -0 "${pids[1]}" 2>/dev/null || { cat "$dir/daemon.log" >&2; exit 1; }
  sleep 0.1
done

if [ -n "$with_nginx" ]; then
  port=${SIDECAR_PORT:-8088}
  cp scripts/nginx/*.conf "$dir/"
  sed -i "s#/run/sidecar/http.sock#$dir/http.sock#; s#127.0.0.1:8080#127.0.0.1:$port#; s#127.0.0.1:8081#unix:$dir/origin.sock#" "$dir"/*.conf
  # An origin that tells what it was sent.
  sed -i "s#^    upstream origin#    server {\n        listen unix:$dir/origin.sock;\n        location / { default_type text/plain; return 200 \"origin: X-User is \$http_x_user\\\\n\"; }\n    }\n\n&#" "$dir/nginx.conf"
  # Started by root, nginx would give its workers to a user who may not enter the directory.
  user=; if [ "$(id -u)" = 0 ]; then user='user root;'; fi
  "$nginx" -p "$dir" -e error.log -c "$dir/nginx.conf" -g "daemon off; $user" >"$dir/nginx.log" 2>&1 &
  pids+=($!)
  for _ in $(seq 50); do (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null && break; sleep 0.1; done
  kill -0 "${pids[2]}" 2>/dev/null || { cat "$dir/nginx.log" >&2; exit 1; }
  allowed="curl -i http://127.0.0.1:$port/hello"
  blocked="curl -i 'http://127.0.0.1:$port/hello?q=attack'"
  expect_allowed="200 from the origin, which saw the header X-User: alice"
  expect_blocked="403 with the page of the demo agent"
else
  ask="curl -i --unix-socket $dir/http.sock -H 'X-Original-Method: GET' -H 'X-Forwarded-Host: example.org'"
  allowed="$ask -H 'X-Original-URI: /hello' http://localhost/check"
  blocked="$ask -H 'X-Original-URI: /hello?q=attack' http://localhost/check"
  expect_allowed="200 with X-Sidecar-Action: allow and X-Sidecar-Request-X-User: alice"
  expect_blocked="403 with X-Sidecar-Action: block"
fi

cat <<EOF

allowed — expect $expect_allowed:
  $allowed

blocked — expect $expect_blocked:
  $blocked

metrics:
  curl --unix-socket $dir/admin.sock http://localhost/metrics

the configuration is $dir/sidecar.yaml; when you have changed it:
  $sidecar reload --admin $dir/admin.sock

EOF

if [ -n "$try" ]; then
  command -v curl >/dev/null || { echo "run.sh: curl is missing; install it or leave out --try" >&2; exit 1; }
  echo "> cat $dir/sidecar.yaml"
  cat "$dir/sidecar.yaml"
  echo
  for line in "$allowed" "$blocked"; do
    echo "> $line"
    eval "$line -sS --max-time 5"
    echo
  done
  exit 0
fi

echo "running; stop with Ctrl-C. Logs are in $dir"
wait "${pids[1]}"
