#!/usr/bin/env bash
# Publishes the daemon as one file of native code, which needs no .NET where it runs.
#   scripts/publish.sh FOLDER [arguments of dotnet publish]
# The file is FOLDER/sidecar, for this machine's processor and C library. Needs the .NET SDK, a linker (clang, else gcc) and the headers of zlib
# (Debian: clang, zlib1g-dev). What is built on the way stays in a folder of its own that goes again: nothing is left in the source tree.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
case "${1:-}" in
  -h|--help) sed -n '2,5s/^# \{0,1\}//p' "$0"; exit 0 ;;
  '' | -*) echo "publish.sh: name the folder; see --help" >&2; exit 2 ;;
esac
folder=$1; shift

fail() { echo "publish.sh: $1" >&2; exit 1; }
command -v dotnet >/dev/null || fail "the .NET SDK (dotnet) is not on the PATH; install it"
compiler=$(command -v clang || command -v gcc) || fail "there is no clang and no gcc to link with; install clang"
echo 'int main(void) { return 0; }' | "$compiler" -x c - -lz -o /dev/null 2>/dev/null ||
  fail "$compiler cannot link with zlib; install its headers (Debian: zlib1g-dev)"

libc=linux
if compgen -G '/lib/ld-musl-*' >/dev/null; then libc=linux-musl; fi
case $(uname -m) in
  x86_64) rid=$libc-x64 ;;
  aarch64) rid=$libc-arm64 ;;
  *) fail "no native compiler is known for the machine type '$(uname -m)'; x86_64 and aarch64 are supported" ;;
esac

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# The locked restore checks the packages' hashes; the publish then takes them from the same cache.
dotnet restore "$root/Sidecar.Daemon" --locked-mode --verbosity quiet "-p:ArtifactsPath=$work/restore"
dotnet publish "$root/Sidecar.Daemon" --configuration Release --runtime "$rid" --verbosity quiet --nologo -p:RunAnalyzers=false \
  "-p:ArtifactsPath=$work/publish" -p:DebugType=none -p:StripSymbols=true --output "$work/out" "$@"
install -D -m 755 "$work/out/sidecar" "$folder/sidecar"
