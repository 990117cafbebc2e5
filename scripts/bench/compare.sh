#!/usr/bin/env bash
# Whether a change made the daemon cheaper or quicker: two or more builds in alternating rounds of the same rows.
#   scripts/bench/compare.sh [--pin CLIENT:BETWEEN:SERVER] [--only REGEX] [--rounds N] OLD [NEW...]
# OLD and NEW are what has been published (a file, or its folder), or commits, which are published from a worktree in a temporary folder; NEW is what is
# checked out here, changes included, unless it is named. Sidecar.Daemon/bin/Release/net10.0 is what .NET compiles as it runs. In every row the process
# under test alone is of that build; whoever loads it, and the agent behind a daemon, are the first NEW's. All of them are started anew for each build in
# each round, so none is warmer than the other. What is shown are medians; ratios, to OLD, are medians of the rounds' ratios. On
# a machine that does other work as well, rely on "cheaper in": 7 of 7 or 0 of 7 happens by chance once in 128 times. Beside the daemons stands a relay
# in C that decides nothing (relay.c).
# SIDECAR_BENCH_SECONDS of each measurement (default 3), after at most SIDECAR_BENCH_WARMUP of warm-up (default 20); see bench.sh for --pin and --only.
set -euo pipefail
usage() { sed -n '2,12s/^# \{0,1\}//p' "$0"; }
pins=:: only=. rounds=7
while [ $# -gt 0 ]; do
  case $1 in
    -h|--help) usage; exit 0 ;;
    --pin) pins=${2:?"--pin CLIENT:BETWEEN:SERVER"}; shift 2 ;;
    --only) only=${2:?"--only REGEX"}; shift 2 ;;
    --rounds) rounds=${2:?"--rounds N"}; shift 2 ;;
    -*) echo "compare.sh: $1 is unknown; see --help" >&2; exit 2 ;;
    *) break ;;
  esac
done
[ $# -ge 1 ] || { usage >&2; exit 2; }
[ $# -gt 1 ] || set -- "$1" ''
here=$PWD
cd "$(dirname "$0")/../.."
. scripts/bench/common.sh
. scripts/bench/rows.sh
seconds=${SIDECAR_BENCH_SECONDS:-3} longest=${SIDECAR_BENCH_WARMUP:-20}
trap 'stop; rm -rf "$dir"; git worktree prune' EXIT

# build WHAT: prints the path of its binary.
build() {
  local file tree=$PWD name=${1:-here}; name=${name//\//-}
  local out=$dir/build.$name
  if [ -n "$1" ]; then
    file=$(cd "$here" && realpath -q "$1" || true)
    [ -d "$file" ] && file+=/sidecar
    if [ -f "$file" ]; then echo "$file"; return; fi
    tree=$dir/tree.$name
    git worktree add --quiet --detach "$tree" "$1"
  fi
  local publish=("$tree/scripts/publish.sh" "$out")
  # It was one file of ReadyToRun code before, made by install.sh.
  [ -x "${publish[0]}" ] || publish=(dotnet publish "$tree/Sidecar.Daemon" -c Release -r linux-x64 -v quiet --nologo -p:RunAnalyzers=false --output "$out")
  echo "compare.sh: publishing ${1:-what is checked out here}" >&2
  "${publish[@]}" >"$out.log" 2>&1 || { tail -n 20 "$out.log" >&2; exit 1; }
  echo "$out/sidecar"
}
names=() binaries=()
for what; do
  names+=("${what:-here}") binaries+=("$(build "$what")")
done
sidecar=${binaries[1]}
if compile relay 2>/dev/null; then names+=('C relay') binaries+=(''); fi
tie "$pins"

# half INDEX: every row of one build once, with fresh processes.
half() {
  local tested=${binaries[$1]} calls
  index=$1 count=0 on=()
  rm -f "$dir"/{agent,tested,grpc,native,envoy}
  take agent "$pin_server" "$sidecar" agent demo --listen "$dir/agent"
  await "$dir/agent"
  if [ -n "$tested" ]; then
    take tested "$pin_server" "$tested" agent demo --listen "$dir/tested"
    take grpc "$pin_server" "$tested" agent demo --listen "grpc-unix:$dir/grpc"
    take daemon "$pin_between" "$tested" run --agent "demo=$dir/agent,body-mode=stream" --listen "native=$dir/native" --listen "envoy=$dir/envoy"
    await "$dir"/{tested,grpc,native,envoy}
  else
    take daemon "$pin_between" "$dir/relay.bin" "$dir/native" "$dir/agent"
    await "$dir/native"
  fi
  for calls in 64 16 1; do
    measure daemon "daemon, MessagePack, $calls in flight" --complete --concurrency $calls --connect "$dir/native"
  done
  measure daemon 'daemon, JSON, 64 in flight' --complete --encoding json --connect "$dir/native"
  measure daemon 'daemon, bodies in pieces of 16 KiB, 64 in flight' --complete --event request-body --size 16KiB --connect "$dir/native"
  if [ -n "$tested" ]; then
    measure daemon 'daemon, ext_authz, 64 in flight' --check --connect "grpc-unix:$dir/envoy"
    measure tested 'agent, MessagePack, 64 in flight' --complete --connect "$dir/tested"
    measure grpc 'agent, gRPC, 64 in flight' --complete --connect "grpc-unix:$dir/grpc"
  fi
  stop
}
measure() { # process under test, label, arguments of bench; a round's line: CPU, exchanges/s, p50, p99, messages an exchange
  local process=$1 label=$2 result; shift 2
  [[ $label =~ $only ]] || return 0
  labels[$((++count))]=$label
  result=$($pin_client "$sidecar" bench --warmup "${longest}s" --duration "${seconds}s" --json --process "tested=${on[$process]}" "$@") || [ -n "$result" ]
  echo "$(field cpu_us_per_exchange tested <<<"$result") $(field exchanges_per_second <<<"$result") $(field p50_us <<<"$result")" \
    "$(field p99_us <<<"$result") $(ratio "$(field messages <<<"$result")" "$(field exchanges <<<"$result")" %.0f)" >>"$dir/$count.$index.rounds"
  if [[ $result == *'"exchanges":0,'* ]]; then
    echo "compare.sh: no exchange was answered: $label, ${names[$index]}: $result" >&2; tail -n 3 "$dir/$process.log" >&2; exit 1
  fi
}

labels=()
for round in $(seq "$rounds"); do
  echo "compare.sh: round $round of $rounds" >&2
  # Who is last may find another machine than who was first.
  for i in "${!binaries[@]}"; do half $((round % 2 ? i : ${#binaries[@]} - 1 - i)); done
done

echo '| Process under test | build | messages an exchange | CPU µs an exchange | of old | cheaper in | exchanges/s | of old | p50 µs | of old | p99 µs |'
echo '|---|---|---|---|---|---|---|---|---|---|---|'
for row in "${!labels[@]}"; do
  for i in "${!binaries[@]}"; do
    name=$row.$i
    [ -f "$dir/$name.rounds" ] || continue
    better=$(awk 'NR == FNR { old[FNR] = $1; next } $1 < old[FNR] { n++ } END { print n + 0 }' "$dir/$row.0.rounds" "$dir/$name.rounds")
    printf '| %s | %s | %s | %.1f | %s | %s of %s | %s | %s | %s | %s | %s |\n' "${labels[$row]}" "${names[$i]}" "$(median "$name" 5)" \
      "$(median "$name" 1)" "$(of "$name" "$row.0" 1)" "$better" "$rounds" "$(median "$name" 2)" "$(of "$name" "$row.0" 2)" \
      "$(median "$name" 3)" "$(of "$name" "$row.0" 3)" "$(median "$name" 4)"
  done
done
