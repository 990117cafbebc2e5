# The rows of bench.sh: who takes part, and what is printed of each. Sourced by it, after common.sh.
declare -A on=() why=()

# tie CLIENT:BETWEEN:SERVER: where each kind of process runs from now on; an empty list leaves it free.
tie() {
  local client between server
  IFS=: read -r client between server <<<"$1"
  pin_client=${client:+taskset -c $client} pin_between=${between:+taskset -c $between} pin_server=${server:+taskset -c $server}
}

# take NAME PIN COMMAND...: a process of the rows. Its socket has its name.
take() { local name=$1 pin=$2; shift 2; serve "$name" $pin "$@"; on[$name]=$served; }

start() {
  local path
  on=() why=()
  rm -f "$dir"/{agent,grpc,echo,native,envoy,alone,relay,grpc-go}
  take agent "$pin_server" "$sidecar" agent demo --listen "$dir/agent"
  take grpc "$pin_server" "$sidecar" agent demo --listen "grpc-unix:$dir/grpc"
  take echo "$pin_server" "$sidecar" bench --echo "$dir/echo"
  take daemon "$pin_between" "$sidecar" run --agent "demo=$dir/agent,body-mode=stream" --listen "native=$dir/native" --listen "envoy=$dir/envoy"
  take alone "$pin_server" "$sidecar" run --agent "demo=$dir/agent" --route nobody,agents=none --listen "envoy=$dir/alone"
  await "$dir"/{agent,grpc,echo,native,envoy,alone}
  if compile relay 2>/dev/null; then
    take relay "$pin_between" "$dir/relay.bin" "$dir/relay" "$dir/agent"
    await "$dir/relay"
  else
    why[relay]='there is no C compiler (cc)'
  fi
  if path=$(peer grpc-go-continue); then
    take grpc-go "$pin_server" "$path" "$dir/grpc-go"
    await "$dir/grpc-go"
  else
    why[grpc-go]='grpc-go-continue is not in ../shared/peers'
  fi
}

print_head() {
  echo '| What | messages an exchange | exchanges/s | messages/s | of raw | p50 µs | p99 µs | CPU µs a message | CPU µs an exchange | bytes a message |'
  echo '|---|---|---|---|---|---|---|---|---|---|'
}

# is_due LABEL PROCESS...: whether the row is asked for and can be measured; says why it is not.
is_due() {
  local label=$1 name; shift
  [[ $label =~ $only ]] || return 1
  for name; do
    if [ -n "$name" ] && [ -n "${why[$name]:-}" ]; then echo "| $label | not run: ${why[$name]} | | | | | | | | |"; return 1; fi
  done
}

# A quotient, or '–' where either is missing.
ratio() { awk -v a="$1" -v b="$2" -v f="$3" 'BEGIN { if (a == "" || b + 0 == 0) print "–"; else printf f, a / b }'; }

row() { # label, name of the process between ('' for none), of the server, arguments of bench
  local label=$1 between=$2 server=$3 result rate mark=''; shift 3
  is_due "$label" "$between" "$server" || return 0
  # It fails when nothing was answered; the row says so as well.
  result=$($pin_client "$sidecar" bench --warmup "${longest}s" --duration "${seconds}s" --json --process "server=${on[$server]}" \
    ${between:+--process "between=${on[$between]}"} "$@") || [ -n "$result" ]
  rate=$(field messages_per_second <<<"$result")
  [ -n "${base:-}" ] || base=$rate
  [[ $result == *'"stable":true'* ]] || mark='~'
  printf '| %s | %s | %s | %s%s | %s | %s | %s | %s | %s | %s |\n' "$label" \
    "$(ratio "$(field messages <<<"$result")" "$(field exchanges <<<"$result")" %.2f)" "$(field exchanges_per_second <<<"$result")" "$mark" "$rate" \
    "$(ratio "$rate" "$base" %.2f)" "$(field p50_us <<<"$result")" "$(field p99_us <<<"$result")" \
    "$(all_cpu cpu_us_per_message)" "$(all_cpu cpu_us_per_exchange)" "$(field bytes_per_message <<<"$result")"
}
# Of the row's result: client · between · server.
all_cpu() {
  local name text=''
  for name in client between server; do text+="${text:+ · }$(field "$1" "$name" <<<"$result" | grep . || echo –)"; done
  echo "$text"
}
