# What the benchmarks share: a folder and processes that go again, processor time, programs of others, rounds. Sourced, after 'set -euo pipefail'.
dir=$(mktemp -d)
pids=() ticks=$(getconf CLK_TCK)
stop() { for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done; wait 2>/dev/null || true; pids=(); }
trap 'stop; rm -rf "$dir"' EXIT

# serve LOG COMMAND...: starts a process that ends with us; its id is in 'served'.
serve() { local log=$dir/$1.log; shift; "$@" >"$log" 2>&1 & served=$!; pids+=($served); }
await() { # SOCKET...: until all are there
  local socket
  for socket; do
    for _ in $(seq 300); do [ -S "$socket" ] && continue 2; sleep 0.1; done
    echo "bench: $socket did not appear" >&2; tail -n 5 "$dir"/*.log >&2; exit 1
  done
}
# Ticks that the processes of a list have used, all threads, user and system; of nothing 0.
cpu() {
  local pid sum=0
  for pid in $1; do
    [ -r "/proc/$pid/stat" ] || { echo "bench: process $pid has ended" >&2; tail -n 5 "$dir"/*.log >&2; exit 1; }
    sum=$((sum + $(sed 's/.*) //' "/proc/$pid/stat" | awk '{print $12 + $13}')))
  done
  echo $sum
}
# peer NAME: its path, from SIDECAR_TEST_NAME or ../shared/peers; fails when it is in neither.
peer() {
  local name=SIDECAR_TEST_${1^^}; name=${name//-/_}
  if [ -n "${!name:-}" ]; then echo "${!name}"; elif [ -x ../shared/peers/unpack ]; then ../shared/peers/unpack "$1"; else return 1; fi
}
# need NAME: the same, and there is no measurement without it.
need() { peer "$1" || { echo "bench.sh: $1 is neither in ../shared/peers nor named by its variable; see the head of $0" >&2; exit 1; }; }
# compile NAME: the C program of this folder, as $dir/NAME.bin; fails when there is no compiler.
compile() { [ -x "$dir/$1.bin" ] || cc -O2 -o "$dir/$1.bin" "scripts/bench/$1.c"; }
# A number of the JSON line on standard input; with a second name, the member of that object. Nothing when it is null or not there.
field() {
  if [ $# = 1 ]; then sed -n "s/.*\"$1\":\([0-9.]*\).*/\1/p"; else sed -n "s/.*\"$1\":{\([^}]*\)}.*/\1/p" | field "$2"; fi
}
# Sets 'sidecar' to the published daemon: SIDECAR_BINARY, or made now. Sidecar.Daemon/bin/Release/net10.0/sidecar is what .NET compiles as it runs.
publish() {
  sidecar=${SIDECAR_BINARY:-}
  if [ -z "$sidecar" ]; then scripts/publish.sh "$dir"; sidecar=$dir/sidecar; fi
}

# Each round of a measurement is a line of $dir/NAME.rounds.
middle() { sort -g | awk '{ v[NR] = $1 } END { if (NR) print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }
# median NAME COLUMN; of NAME OTHER COLUMN: the median of what NAME has in that column, and of its quotients by what OTHER had in the same round.
median() { awk -v k="$2" '{ print $k }' "$dir/$1.rounds" | middle; }
of() {
  awk -v k="$3" 'NR == FNR { other[FNR] = $k; next } other[FNR] > 0 { print $k / other[FNR] }' "$dir/$2.rounds" "$dir/$1.rounds" |
    middle | awk '{ printf "%.2f", $1 }'
}
# web_round PORT CONNECTIONS SECONDS PROCESSES...: one round of wrk. Prints requests/s, p50 and p99 in µs, requests that were not answered with 200,
# and for each list of processes its µs of processor a request.
web_round() {
  local url=http://127.0.0.1:$1/ connections=$2 seconds=$3 list before=() used='' i=0 result; shift 3
  for list; do before+=("$(cpu "$list")"); done
  result=$(wrk -t1 -c "$connections" -d "${seconds}s" --latency "$url")
  for list; do used+="$(($(cpu "$list") - before[i++])) "; done
  awk -v hz="$ticks" -v used="$used" '
    function us(t) { return t * (t ~ /us$/ ? 1 : t ~ /ms$/ ? 1000 : 1000000) }
    /Requests\/sec/ { rate = $2 } / requests in / { n = $1 } $1 == "50%" { p50 = us($2) } $1 == "99%" { p99 = us($2) } /Non-2xx/ { bad = $NF }
    /Socket errors/ { gsub(/,/, ""); bad += $4 + $6 + $8 + $10 }
    END {
      printf "%.0f %.0f %.0f %d", rate, p50, p99, bad
      for (i = 1; i <= split(used, u, " "); i++) printf " %.1f", n ? u[i] / hz * 1e6 / n : 0
      print ""
    }' <<<"$result"
}
# until_200 PORT NAME: waits until it answers so.
until_200() {
  for _ in $(seq 200); do
    [ "$(curl -so /dev/null -w '%{http_code}' "http://127.0.0.1:$1/" || true)" = 200 ] && return; sleep 0.1
  done
  echo "bench: no 200 for '$2'" >&2; tail -n 5 "$dir"/*.log >&2; exit 1
}
# An upstream that says 'ok', and a Zentinel proxy in front of it that asks the agent at a socket about request headers and writes an access log, as the
# others do. Without a high threshold its breaker of the upstream opens when clients leave before their answer, as wrk's do at the end of each round.
origin() { # PORT
  cat >"$dir/origin.cfg" <<EOF
defaults
  mode http
  timeout client 30s
  timeout server 30s
  timeout connect 2s
frontend origin
  bind 127.0.0.1:$1
  http-request return status 200 content-type text/plain string ok
EOF
  serve origin "$(command -v haproxy || echo /usr/sbin/haproxy)" -db -f "$dir/origin.cfg"
}
zentinel() { # PORT ORIGIN SOCKET PROGRAM
  cat >"$dir/zentinel.kdl" <<EOF
system { worker-threads 2; }
listeners { listener "http" { address "127.0.0.1:$1"; protocol "http"; }; }
routes { route "all" { matches { path-prefix "/"; }; upstream "origin"; filters "agent"; }; }
upstreams { upstream "origin" { target "127.0.0.1:$2"; circuit-breaker { failure-threshold 1000000; }; }; }
filters { filter "agent" { type "agent"; agent "agent"; failure-mode "closed"; }; }
agents { agent "agent" type="custom" { unix-socket path="$3"; events "request_headers"; timeout-ms 5000; }; }
observability { metrics { enabled #false; }; logging { access-log { enabled #true; file "$dir/zentinel.access"; }; }; }
EOF
  serve zentinel "$4" run -c "$dir/zentinel.kdl"
}
