#!/bin/bash
# The tasks of build.ps1 for a machine whose PowerShell is not set up: ./build.sh <task> [options]
#
# PowerShell is taken from PATH, else restored as the tool that .config/dotnet-tools.json pins. Without either, each
# task does what it can do without PowerShell and says what it did not do.
#
#   build     builds everything; the module's assemblies go to bin/OpenCloud.Build
#   test      builds, then runs every suite; the last line is "N passed, N failed, N skipped"
#             -Suite Client,Host,Engine,Pester   some of them       -Options '...'   for xunit
#   demo      builds samples/demo-app on a real engine and shows the result
#             -Address ADDRESS   on this one                        -Tag NAME        under this name
#   bench     measures this client beside its peers           -Options '...'   for the bench
#   package   makes the module's archive in artifacts/
#   clean     removes what the other tasks made
#
#   -Configuration Debug|Release   (default Release)
#   OPENCLOUD_BUILD_NO_PWSH=1      do as if there were no PowerShell
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

usage() { sed -n '2,18s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; }

# The module needs PowerShell 7.6; an older one is as good as none.
is_new_enough() {
  timeout 60 "$@" -NoProfile -NonInteractive -Command 'exit [int]($PSVersionTable.PSVersion -lt [version]"7.6")' \
    </dev/null >/dev/null 2>&1
}

pwsh=()
find_pwsh() {
  [ -z "${OPENCLOUD_BUILD_NO_PWSH:-}" ] || return 1
  if command -v pwsh >/dev/null && is_new_enough pwsh; then
    pwsh=(pwsh)
  elif timeout 120 dotnet tool restore </dev/null >/dev/null 2>&1 && is_new_enough dotnet tool run pwsh --; then
    pwsh=(dotnet tool run pwsh --)
  else
    return 1
  fi
}

without_pwsh() { echo "PowerShell 7.6 or newer was not found: $*"; }

[ $# -gt 0 ] || { usage >&2; exit 2; }
task=${1,,}
shift
case $task in
  build | test | demo | bench | package | clean) ;;
  help | -h | --help) usage; exit ;;
  *) echo "build.sh: no task '$task'" >&2; usage >&2; exit 2 ;;
esac
command -v dotnet >/dev/null || { echo "build.sh: dotnet is not on PATH: install the .NET 10 SDK" >&2; exit 1; }

if find_pwsh; then
  exec "${pwsh[@]}" -NoProfile -NonInteractive -File ./build.ps1 "$task" "$@"
fi

configuration=Release suite='' address='' tag=demo/app:1
options=()
while [ $# -gt 0 ]; do
  case ${1,,} in
    -configuration) configuration=$2; shift 2 ;;
    -suite) suite=$2; shift 2 ;;
    -address) address=$2; shift 2 ;;
    -tag) tag=$2; shift 2 ;;
    -options) read -ra options <<<"$2"; shift 2 ;;
    *) echo "build.sh: no option '$1'" >&2; exit 2 ;;
  esac
done

# The module's project puts its assemblies into bin/OpenCloud.Build; what an older build left there must not stay.
build() {
  rm -rf bin/OpenCloud.Build
  dotnet build OpenCloud.Build.slnx --configuration "$configuration" --verbosity quiet --nologo
}

case $task in
  build)
    build
    without_pwsh "the assemblies are built; that the module imports was not checked"
    ;;
  test)
    build
    code=0
    tests/run-xunit --configuration "$configuration" --suite "$suite" --counts TestResults/counts.txt -- \
      ${options[@]+"${options[@]}"} || code=$?
    echo
    without_pwsh "THE PESTER SUITE WAS NOT RUN"
    if grep -q '^0 passed, 0 failed' TestResults/counts.txt; then
      echo "no test was run"
      code=1
    fi
    cat TestResults/counts.txt
    exit "$code"
    ;;
  demo)
    dotnet build samples/BuildImage --configuration "$configuration" --verbosity quiet --nologo
    without_pwsh "this is the C# sample; Invoke-ImageBuild was not run"
    folder=
    trap '[ -z "$folder" ] || tests/fixture/engine down "$folder"' EXIT
    if [ -z "$address" ] && ! address=$(tests/fixture/engine find); then
      echo "No engine is listening here: starting one for the demo."
      engine=$(tests/fixture/engine up --owner $$ docker-28)
      folder=$(sed -n 's/^folder=//p' <<<"$engine")
      address=$(sed -n 's/^address=//p' <<<"$engine")
    fi
    context=$(samples/demo-app/stage)
    dotnet run --project samples/BuildImage --configuration "$configuration" --no-build -- "$context" "$tag" "$address"
    ;;
  bench)
    without_pwsh "the case of a warm PowerShell is left out"
    dotnet run --project bench/OpenCloud.Build.Bench --configuration Release -- ${options[@]+"${options[@]}"}
    ;;
  package)
    build
    without_pwsh "the assemblies are built; the module was not packaged"
    exit 1
    ;;
  clean)
    rm -rf bin artifacts TestResults
    find src tools tests bench samples -type d \( -name bin -o -name obj \) -prune -exec rm -rf {} + 2>/dev/null || true
    ;;
esac
