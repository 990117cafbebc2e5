#!/usr/bin/env bash
# Whether a change made the daemon cheaper: the processor time of an older and a newer build, in seven alternating pairs of the same rows.
#   scripts/bench/compare.sh [--pin CLIENT:BETWEEN:SERVER] [--only REGEX] [--pairs N] OLD [NEW]
# OLD and NEW are commits, which are published from a worktree in a temporary folder, or files that have been published; NEW is what is checked out
# here, changes included, unless it is named. In every row the process under test alone is of the old or the new build; whoever loads it, and the
# agent behind a daemon, are NEW's. All of them are started anew for each half of a pair, so no half is warmer than the other. The ratio is the median
# of the pairs' ratios, new to old, of CPU an exchange: below 1 the new one is cheaper. On a machine that does other work as well, rely on "better
# in": 7 of 7 or 0 of 7 happens by chance once in 128 times.
# SIDECAR_BENCH_SECONDS of each measurement (default 3), after at most SIDECAR_BENCH_WARMUP of warm-up (default 20); see bench.sh for --pin and --only.
set -euo pipefail
usage() { sed -n '2,10s/^# \{0,1\}//p' "$0"; }
pins=:: only=. pairs=7
while [ $# -gt 0 ]; do
  case $1 in
    -h|--help) usage; exit 0 ;;
    --pin) pins=${2:?"--pin CLIENT:BETWEEN:SERVER"}; shift 2 ;;
    --only) only=${2:?"--only REGEX"}; shift 2 ;;
    --pairs) pairs=${2:?"--pairs N"}; shift 2 ;;
    -*) echo "compare.sh: $1 is unknown; see --help" >&2; exit 2 ;;
    *) break ;;
  esac
done
[ $# -ge 1 ] && [ $# -le 2 ] || { usage >&2; exit 2; }
here=$PWD
cd "$(dirname "$0")/../.."
. scripts/bench/common.sh
. scripts/bench/rows.sh
seconds=${SIDECAR_BENCH_SECONDS:-3} longest=${SIDECAR_BENCH_WARMUP:-20}
trap 'stop; rm -rf "$dir"; git worktree prune' EXIT

# build NAME WHAT: the binary, as $dir/NAME/sidecar.
build() {
  local file=$2 tree=$PWD
  case $file in /*) ;; *) file=$here/$file ;; esac
  mkdir "$dir/$1"
  if [ -n "$2" ] && [ -f "$file" ]; then cp "$file" "$dir/$1/sidecar"; return; fi
  if [ -n "$2" ]; then
    tree=$dir/$1.tree
    git worktree add --quiet --detach "$tree" "$2"
    [ -x "$tree/scripts/publish.sh" ] || { echo "compare.sh: $2 has no scripts/publish.sh; it is too old" >&2; exit 1; }
  fi
  echo "compare.sh: publishing ${2:-what is checked out here}" >&2
  "$tree/scripts/publish.sh" "$dir/$1" >"$dir/$1.publish" 2>&1 || { tail -n 20 "$dir/$1.publish" >&2; exit 1; }
}
build old "$1"
build new "${2:-}"
sidecar=$dir/new/sidecar
tie "$pins"

# half BUILD: every row once, with fresh processes; appends CPU of the process under test an exchange to the row's file of that build.
half() {
  local tested=$dir/$1/sidecar
  on=()
  rm -f "$dir"/{agent,tested,grpc,native,envoy}
  take agent "$pin_server" "$sidecar" agent demo --listen "$dir/agent"
  take tested "$pin_server" "$tested" agent demo --listen "$dir/tested"
  take grpc "$pin_server" "$tested" agent demo --listen "grpc-unix:$dir/grpc"
  take daemon "$pin_between" "$tested" run --agent "demo=$dir/agent,body-mode=stream" --listen "native=$dir/native" --listen "envoy=$dir/envoy"
  await "$dir"/{agent,tested,grpc,native,envoy}
  count=0
  for calls in 64 16 1; do
    measure "$1" daemon "daemon, MessagePack, $calls in flight" --concurrency $calls --connect "$dir/native"
  done
  measure "$1" daemon 'daemon, JSON, 64 in flight' --encoding json --connect "$dir/native"
  measure "$1" daemon 'daemon, bodies in pieces of 16 KiB, 64 in flight' --event request-body --size 16KiB --connect "$dir/native"
  measure "$1" daemon 'daemon, ext_authz, 64 in flight' --check --connect "grpc-unix:$dir/envoy"
  measure "$1" tested 'agent, MessagePack, 64 in flight' --complete --connect "$dir/tested"
  measure "$1" grpc 'agent, gRPC, 64 in flight' --complete --connect "grpc-unix:$dir/grpc"
  stop
}
measure() { # build, process under test, label, arguments of bench
  local build=$1 process=$2 label=$3 result; shift 3
  [[ $label =~ $only ]] || return 0
  labels[$((++count))]=$label
  result=$($pin_client "$sidecar" bench --warmup "${longest}s" --duration "${seconds}s" --json --process "tested=${on[$process]}" "$@") || [ -n "$result" ]
  field cpu_us_per_exchange tested <<<"$result" | grep . >>"$dir/$build.$count" ||
    { echo "compare.sh: no exchange was answered: $label, $build: $result" >&2; tail -n 3 "$dir/$process.log" >&2; exit 1; }
}

labels=()
for pair in $(seq "$pairs"); do
  echo "compare.sh: pair $pair of $pairs" >&2
  # Who is second may find another machine than who was first.
  if [ $((pair % 2)) = 1 ]; then half old; half new; else half new; half old; fi
done

median() { sort -g | awk '{ v[NR] = $1 } END { printf "%.2f", NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }
echo "| CPU µs an exchange of the process under test | old | new | new/old | better in |"
echo '|---|---|---|---|---|'
for i in "${!labels[@]}"; do
  paste "$dir/old.$i" "$dir/new.$i" >"$dir/both"
  printf '| %s | %s | %s | %s | %s of %s |\n' "${labels[$i]}" "$(median <"$dir/old.$i")" "$(median <"$dir/new.$i")" \
    "$(awk '{ print $2 / ($1 > 0 ? $1 : 1e-9) }' "$dir/both" | median)" "$(awk '$2 < $1 { n++ } END { print n + 0 }' "$dir/both")" "$pairs"
done
