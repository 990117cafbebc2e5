#!/usr/bin/env bash
# Fuzzes every entry point that takes bytes of a peer, for longer than the minute that scripts/test.sh spends on it.
#   scripts/fuzz.sh HOURS [TARGET…]
# HOURS may be a fraction. TARGET is a target's name or its beginning: json, msgpack, protobuf, frames, spop, envoy, text, reply …
# Inputs that must not be, and some that end in a new way, are added to Sidecar.Tests/Corpus/fuzz/, where every test run repeats them.
# Ends with 1 when something was found. Prints inputs per second; each round has a random seed of its own.
set -euo pipefail
cd "$(dirname "$0")/.."
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1
case "${1:-}" in ''|-h|--help) sed -n '2,6s/^# \{0,1\}//p' "$0"; exit 0 ;; esac

dotnet build Sidecar.Tests -c Release -v quiet -nologo
export SIDECAR_FUZZ_CORPUS="$PWD/Sidecar.Tests/Corpus/fuzz"
status=0
dotnet Sidecar.Tests/bin/Release/net10.0/Sidecar.Tests.dll fuzz "$@" || status=$?
if [ "$status" -gt 2 ]; then
  echo "fuzz.sh: the process died; the input it died of is ${TMPDIR:-/tmp}/sidecar-fuzz.last" >&2
fi
exit "$status"
