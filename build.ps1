#!/usr/bin/env pwsh
#Requires -Version 7.6
<#
.SYNOPSIS
Builds, tests, shows, measures and packages OpenCloud.Build.
.DESCRIPTION
Build    builds everything; the module's assemblies go to bin/OpenCloud.Build, so that the manifest at the root imports.
Test     builds, then runs every suite; the last line is "N passed, N failed, N skipped".
Demo     builds samples/demo-app on a real engine and shows the result.
Bench    measures this client beside its peers.
Package  makes the module's archive in artifacts/.
Clean    removes what the other tasks made.

./build.sh does the same on a machine whose PowerShell is not set up.
.EXAMPLE
./build.ps1 Test -Suite Client,Pester
.EXAMPLE
./build.ps1 Test -Suite Engine -Options '-class OpenCloud.Build.Engine.Tests.FixtureTests'
.EXAMPLE
./build.ps1 Demo -Address unix:///run/buildkit/buildkitd.sock
#>
[CmdletBinding(PositionalBinding = $false)]
param(
    [Parameter(Position = 0)]
    [ValidateSet('Build', 'Test', 'Demo', 'Bench', 'Package', 'Clean')]
    [string] $Task = 'Build',

    [ValidateSet('Debug', 'Release')]
    [string] $Configuration = 'Release',

    # Test: Client, Host, Engine, Pester; all by default.
    [string[]] $Suite,

    # Demo: the engine to use; by default the one that listens, else one of the test fixture's.
    [string] $Address,

    # Demo: the image's name.
    [string] $Tag = 'demo/app:1',

    # Test: options for xunit. Bench: options for the bench. As one string, with blanks between them.
    [string] $Options
)

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
$PSNativeCommandUseErrorActionPreference = $true
Set-Location -LiteralPath $PSScriptRoot

# With -File, a list is one string.
$suites = @($Suite -split ',' | Where-Object { $_ })
$optionList = @($Options -split '\s+' | Where-Object { $_ })

function Invoke-Build {
    # The module's project puts its assemblies there; what an older build left must not stay.
    if (Test-Path bin/OpenCloud.Build) {
        Remove-Item bin/OpenCloud.Build -Recurse
    }
    dotnet build OpenCloud.Build.slnx --configuration $Configuration --verbosity quiet --nologo -consoleLoggerParameters:NoSummary | Out-Host
}

# Runs Pester in a process of its own: a session keeps assemblies it has loaded, and a hung run can be ended.
# Gives passed, failed and skipped.
function Invoke-PesterSuite {
    if (-not (Test-Path tests/Pester/*.Tests.ps1)) {
        return 0, 0, 0
    }
    if (-not (Get-Module -ListAvailable Pester | Where-Object Version -GE '5.5')) {
        Write-Host "`nPester 5.5 or newer was not found: THE PESTER SUITE WAS NOT RUN"
        return 0, 0, 0
    }

    Write-Host "`n== Pester"
    $counts = [IO.Path]::Join($PSScriptRoot, 'TestResults', 'pester.txt')
    Remove-Item $counts -ErrorAction Ignore
    $limit = $env:OPENCLOUD_BUILD_TEST_TIMEOUT ? $env:OPENCLOUD_BUILD_TEST_TIMEOUT : 2400
    $PSNativeCommandUseErrorActionPreference = $false
    timeout --signal INT --kill-after 30 $limit ([Environment]::ProcessPath) -NoProfile -NonInteractive `
        -File tests/run-pester.ps1 $counts | Out-Host
    if (-not (Test-Path $counts)) {
        Write-Host "FAILED: Pester ended with exit code $LASTEXITCODE and without a result"
        return 0, 1, 0
    }
    [int[]] (Get-Content $counts)
}

function Invoke-Test {
    Invoke-Build
    $null = New-Item -ItemType Directory -Force TestResults
    [int[]] $sum = 0, 0, 0
    $xunit = @($suites | Where-Object { $_ -ne 'Pester' })
    if ($xunit -or -not $suites) {
        $PSNativeCommandUseErrorActionPreference = $false
        Remove-Item TestResults/counts.txt -ErrorAction Ignore
        tests/run-xunit --configuration $Configuration --suite ($xunit -join ',') --counts TestResults/counts.txt -- @optionList |
            Out-Host
        [int[]] $sum = [regex]::Matches((Get-Content -Raw TestResults/counts.txt), '\d+').Value
    }
    if (-not $suites -or $suites -contains 'Pester') {
        $pester = Invoke-PesterSuite
        $sum = 0..2 | ForEach-Object { $sum[$_] + $pester[$_] }
    }
    if ($sum[0] + $sum[1] -eq 0) {
        Write-Host 'no test was run'
    }
    Write-Host "`n$($sum[0]) passed, $($sum[1]) failed, $($sum[2]) skipped"
    if ($sum[1] -gt 0 -or $sum[0] -eq 0) {
        exit 1
    }
}

function Invoke-Demo {
    Invoke-Build
    $folder = $null
    try {
        if (-not $Address) {
            $PSNativeCommandUseErrorActionPreference = $false
            $Address = tests/fixture/engine find
            $PSNativeCommandUseErrorActionPreference = $true
        }
        if (-not $Address) {
            Write-Host 'No engine is listening here: starting one for the demo.'
            $engine = (tests/fixture/engine up --owner $PID docker-28) -join "`n" | ConvertFrom-StringData
            $folder = $engine.folder
            $Address = $engine.address
        }
        $context = samples/demo-app/stage
        Import-Module ./OpenCloud.Build.psd1
        Invoke-ImageBuild $context -Tag $Tag -Address $Address | Format-Table | Out-Host
    }
    finally {
        if ($folder) {
            tests/fixture/engine down $folder
        }
    }
}

function Invoke-Bench {
    Invoke-Build
    dotnet run --project bench/OpenCloud.Build.Bench --configuration Release -- @optionList | Out-Host
}

function Invoke-Package {
    Invoke-Build
    $manifest = Test-ModuleManifest ./OpenCloud.Build.psd1
    $target = "artifacts/package/OpenCloud.Build/$($manifest.Version)"
    if (Test-Path artifacts/package) {
        Remove-Item artifacts/package -Recurse
    }
    $null = New-Item -ItemType Directory "$target/bin"
    Get-Item OpenCloud.Build.psd1, OpenCloud.Build.psm1, *.ps1xml, LICENSE, README.md, CHANGELOG.md | Copy-Item -Destination $target
    if (Test-Path en-US) {
        Copy-Item en-US $target -Recurse
    }
    Copy-Item bin/OpenCloud.Build "$target/bin" -Recurse
    $archive = "artifacts/OpenCloud.Build.$($manifest.Version).zip"
    Compress-Archive -Path artifacts/package/OpenCloud.Build -DestinationPath $archive -Force
    Get-FileHash $archive -Algorithm SHA256 | Format-List | Out-Host
}

function Invoke-Clean {
    Get-Item bin, artifacts, TestResults -ErrorAction Ignore | Remove-Item -Recurse -Force
    Get-ChildItem src, tools, tests, bench, samples -Directory -Recurse -ErrorAction Ignore |
        Where-Object Name -In 'bin', 'obj' | Where-Object { Test-Path $_ } | Remove-Item -Recurse -Force
}

& "Invoke-$Task"
