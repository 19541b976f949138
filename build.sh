#!/bin/bash
# Runs a task of build.ps1 in a PowerShell of this checkout: ./build.sh TASK [OPTIONS]
#
#   build     builds everything; the module's assemblies go to bin/OpenCloud.Build
#   test      builds, checks the sources and runs every suite; the last line is "N passed, N failed, N skipped"
#             -Suite Checks,Client,Definitions,Host,Linux,Engine,Pester   only these      -Options '...'   for xunit
#   demo      builds the module alone, then the image of samples/demo-app with Invoke-ImageBuild
#             -Address ADDRESS   on this engine                 -Tag NAME        under this name
#   pwsh      opens a session that has the module imported
#   bench     measures this client beside its peers             -Options '...'   for the bench
#   soak      builds 10,000 images in one session and sees whether anything grows      -Options '-Builds 300'
#   package   makes the module's archive in artifacts/
#   clean     removes what the other tasks made
#
#   -Configuration Debug|Release   (default Release)
#
# PowerShell is the .NET tool that .config/dotnet-tools.json pins, restored from the package source in use.
#   OPENCLOUD_BUILD_PWSH=FILE      this pwsh instead, from an archive for example
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

case ${1:-} in
  build | test | demo | pwsh | bench | soak | package | clean) ;;
  help | -h | --help) sed -n '2,18s/^# \{0,1\}//p' build.sh; exit ;;
  *) { [ $# = 0 ] || echo "build.sh: there is no task '$1'"; sed -n '2,18s/^# \{0,1\}//p' build.sh; } >&2; exit 2 ;;
esac
command -v dotnet >/dev/null || { echo "build.sh: dotnet is not on PATH. Install the .NET 10 SDK." >&2; exit 1; }

if [ -n "${OPENCLOUD_BUILD_PWSH:-}" ]; then
  pwsh=("$OPENCLOUD_BUILD_PWSH")
else
  if ! output=$(dotnet tool restore 2>&1 </dev/null); then
    printf '%s\n' "$output" "build.sh: PowerShell cannot be restored. Add a package source that serves the version in" \
      ".config/dotnet-tools.json, or set OPENCLOUD_BUILD_PWSH to a pwsh of version 7.6 or newer." >&2
    exit 1
  fi
  pwsh=(dotnet tool run pwsh --)
fi
# A task reads no input; only a session does.
[ "$1" = pwsh ] && exec "${pwsh[@]}" -NoProfile -NoExit -File ./build.ps1 "$@"
exec "${pwsh[@]}" -NoProfile -NonInteractive -File ./build.ps1 "$@"
