<#
.SYNOPSIS
Builds many images in this one session, side by side, and sees whether descriptors, threads and resident memory stay where they are.
.DESCRIPTION
Runs on the engine in OPENCLOUD_BUILD_TEST_ENGINE, or on one of the fixture's. Every round is a pipeline of builds with -ThrottleLimit: of
small contexts that change, with an archive as their output, and of some that fail. After each round the process is measured. Ends with exit
code 1 where the last rounds' figures are above those after the first tenth.
#>
[CmdletBinding()]
param(
    # How many builds in all.
    [int] $Builds = 10000,

    # How many side by side.
    [int] $SideBySide = 16,

    # How many rounds they come in.
    [int] $Rounds = 50
)

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
$root = [IO.Path]::GetFullPath([IO.Path]::Join($PSScriptRoot, '..'))
Import-Module (Join-Path $root OpenCloud.Build.psd1)

# What this process holds, after what nobody holds any more is collected.
function Get-Holding {
    for ($i = 0; $i -lt 3; $i++) {
        [GC]::Collect()
        [GC]::WaitForPendingFinalizers()
    }
    # The threads of a session wait 10 s for the next one before they end.
    Start-Sleep -Seconds 11
    $status = @{}
    Get-Content /proc/self/status | ForEach-Object { $name, $value = $_ -split ':\s+', 2; $status[$name] = $value }
    [pscustomobject] @{
        Descriptors = [IO.Directory]::GetFileSystemEntries('/proc/self/fd').Count
        Threads     = [int] $status.Threads
        MiB         = [Math]::Round([long] ($status.VmRSS -replace '\D') / 1024, 1)
        HeapMiB     = [Math]::Round([GC]::GetTotalMemory($false) / 1MB, 1)
    }
}

$folder = [IO.Directory]::CreateTempSubdirectory('ocb-soak-').FullName
$engine = $null
try {
    $address = $env:OPENCLOUD_BUILD_TEST_ENGINE
    if (-not $address) {
        $engine = & "$root/tests/fixture/engine" up --owner $PID docker-28
        $address = (@($engine) -match '^address=') -replace '^address='
    }

    $contexts = foreach ($i in 1..$SideBySide) {
        $context = (New-Item -ItemType Directory "$folder/$i").FullName
        Set-Content "$context/Dockerfile" "FROM scratch`nCOPY . /"
        $context
    }
    $failing = (New-Item -ItemType Directory "$folder/failing").FullName
    Set-Content "$failing/Dockerfile" "FROM scratch`nCOPY absent /"

    $perRound = [Math]::Max($SideBySide, [int] ($Builds / $Rounds))
    $clock = [Diagnostics.Stopwatch]::StartNew()
    $done = $failed = 0
    $figures = for ($round = 1; $done -lt $Builds; $round++) {
        $inputs = for ($i = 0; $i -lt $perRound; $i++) {
            $context = $i % 20 -eq 19 ? $failing : $contexts[$i % $SideBySide]
            Set-Content "$context/changing" "$round $i"
            [pscustomobject] @{ LiteralPath = $context }
        }
        $expected = @($inputs | Where-Object LiteralPath -EQ $failing).Count
        $errors = @()
        $results = @($inputs | Invoke-ImageBuild -Address $address -ThrottleLimit $SideBySide -Output "type=tar,dest=$folder/out-$round.tar" -ErrorAction SilentlyContinue -ErrorVariable errors -WarningAction SilentlyContinue)
        $strange = @($errors | Where-Object FullyQualifiedErrorId -NotLike 'FileNotInContext,*')
        if ($strange -or $results.Count + $expected -ne $inputs.Count) {
            throw "Round $round gave $($results.Count) images of $($inputs.Count - $expected), and: $($strange | Select-Object -First 1)"
        }
        Remove-Item "$folder/out-*"
        $done += $results.Count
        $failed += $expected
        $holding = Get-Holding
        Write-Host ('{0,6} builds, {1,5} of them fail, {2,6:0} s: {3,4} descriptors, {4,3} threads, {5,6:0.0} MiB resident, {6,5:0.0} MiB of objects' -f
            ($done + $failed), $failed, $clock.Elapsed.TotalSeconds, $holding.Descriptors, $holding.Threads, $holding.MiB, $holding.HeapMiB)
        $holding
    }

    # The first rounds warm up. What comes after is compared by its middle values: a third of the rounds at each end.
    $figures = @($figures | Select-Object -Skip ([Math]::Max(1, [int] ($figures.Count / 10))))
    $third = [Math]::Max(1, [int] ($figures.Count / 3))
    function Get-Middle([object[]] $Values, [string] $Name) {
        $sorted = @($Values.$Name | Sort-Object)
        $sorted[[int] [Math]::Floor($sorted.Count / 2)]
    }
    $worse = foreach ($limit in @{ Name = 'Descriptors'; More = 4 }, @{ Name = 'Threads'; More = 8 }, @{ Name = 'MiB'; More = 32 }, @{ Name = 'HeapMiB'; More = 16 }) {
        $before = Get-Middle $figures[0..($third - 1)] $limit.Name
        $after = Get-Middle $figures[(-$third)..-1] $limit.Name
        Write-Host "$($limit.Name): $before, then $after"
        if ($after -gt $before + $limit.More) {
            $limit.Name
        }
    }
    if ($worse) {
        Write-Host "FAILED: $($worse -join ', ') grew over $($done + $failed) builds"
        exit 1
    }
    Write-Host "$($done + $failed) builds, $SideBySide side by side, in $([int] $clock.Elapsed.TotalSeconds) s: flat"
}
finally {
    if ($engine) {
        & "$root/tests/fixture/engine" down ((@($engine) -match '^folder=') -replace '^folder=')
    }
    Remove-Item $folder -Recurse -Force
}
