#!/usr/bin/env pwsh
#Requires -Version 7.6
<#
.SYNOPSIS
Builds, tests, shows, measures and packages OpenCloud.Build.
.DESCRIPTION
Build    builds everything; the module's assemblies go to bin/OpenCloud.Build, so that the manifest at the root imports.
Test     builds, checks the sources and runs every suite; the last line is "N passed, N failed, N skipped".
Demo     builds the module alone, then the image of samples/demo-app with Invoke-ImageBuild.
Pwsh     builds the module if it is not there and imports it.
Bench    measures this client beside its peers; -Options 'session -Out FILE': what a session pays for import and completion.
Soak     builds 10,000 images in one session, 16 side by side, and sees whether anything grows; -Options '-Builds 300'.
Fuzz     runs the parsers of what comes from outside on mutated input for -Minutes; -Options 'patterns -seed 1'.
Package  makes the module's NuGet package and zip in artifacts/; -Options '-verify' builds it a second time elsewhere and compares.
Clean    removes what the other tasks made.

./build.sh does the same on a machine that has no PowerShell.
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
    [ValidateSet('Build', 'Test', 'Demo', 'Pwsh', 'Bench', 'Soak', 'Fuzz', 'Package', 'Clean')]
    [string] $Task = 'Build',

    [ValidateSet('Debug', 'Release')]
    [string] $Configuration = 'Release',

    # Test: Checks, Fuzz, Pester, Archive (Pester in PowerShell's other form), or an xunit suite (Client, Definitions, Engine, Host, Linux); all by default.
    [string[]] $Suite,

    # Demo: the engine to use; by default the one that listens, else one of the test fixture's.
    [string] $Address,

    # Demo: the image's name.
    [string] $Tag = 'demo/app:1',

    # Fuzz: for how long, shared among the targets.
    [double] $Minutes = 10,

    # Test: options for xunit. Bench, Soak, Fuzz, Package: options for them. As one string, with blanks between them.
    [string] $Options
)

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
$PSNativeCommandUseErrorActionPreference = $true
Set-Location -LiteralPath $PSScriptRoot

# With -File, a list is one string.
$suites = @($Suite -split ',' | Where-Object { $_ })
$optionList = @($Options -split '\s+' | Where-Object { $_ })

# The command line of the PowerShell that runs this: its own program, or dotnet and the tool's assembly.
$ownPwsh = @([Environment]::ProcessPath)
if ([IO.Path]::GetFileNameWithoutExtension($ownPwsh[0]) -ne 'pwsh') {
    $ownPwsh += Join-Path $PSHOME 'pwsh.dll'
}

# Builds a solution or a project. The module's project puts its assemblies into bin/OpenCloud.Build, where nothing of an
# older build must stay.
function Invoke-DotNetBuild([string] $What = 'OpenCloud.Build.slnx', [string[]] $Properties) {
    if (Test-Path bin/OpenCloud.Build) {
        Remove-Item bin/OpenCloud.Build -Recurse
    }
    dotnet build $What --configuration $Configuration --verbosity quiet --nologo -consoleLoggerParameters:NoSummary @Properties | Out-Host
}

function Invoke-Build {
    Invoke-DotNetBuild
}

# Runs one check of the sources; its output is shown where it fails. Adds to the counts.
function Invoke-Check([string] $Name, [Collections.Specialized.OrderedDictionary] $Counts, [scriptblock] $Check) {
    $PSNativeCommandUseErrorActionPreference = $false
    $output = & $Check 2>&1 | Out-String
    if ($LASTEXITCODE) {
        Write-Host "FAILED: $Name`n$output"
        $Counts.Failed++
    }
    else {
        Write-Host "$Name is clean"
        $Counts.Passed++
    }
}

function Invoke-CheckSuite {
    Write-Host "`n== Checks"
    $counts = [ordered] @{ Passed = 0; Failed = 0; Skipped = 0 }
    Invoke-Check 'dotnet format' $counts {
        dotnet format OpenCloud.Build.slnx --verify-no-changes --no-restore --verbosity quiet
    }
    # Debian's package, unpacked privately like the engines.
    $PSNativeCommandUseErrorActionPreference = $false
    $package = tests/fixture/engine get shellcheck
    switch ($LASTEXITCODE) {
        0 {
            $program = ($package -split ' ')[2] + '/usr/bin/shellcheck'
            $scripts = git grep --untracked -lE '^#!(/usr/bin/env |/bin/)(bash|sh)$|^# shellcheck shell=bash$' -- ':!*.md' ':!*.cs' ':!*.ps1'
            Invoke-Check 'shellcheck' $counts { & $program $scripts }
        }
        3 {
            Write-Host 'SKIPPED: shellcheck: this machine has no Debian packages'
            $counts.Skipped++
        }
        default {
            Write-Host 'FAILED: shellcheck cannot be fetched'
            $counts.Failed++
        }
    }
    $counts.Values
}

# Restores Pester from the package source into a folder of the checkout, if it is not there; gives the module's manifest.
function Get-PesterModule {
    $project = [xml] (Get-Content -Raw tools/Pester/Pester.csproj)
    $version = $project.SelectSingleNode('//PackageDownload').Version.Trim('[', ']')
    $manifest = [IO.Path]::Join($PSScriptRoot, '.packages', 'pester', $version, 'tools', 'Pester.psd1')
    if (-not (Test-Path $manifest)) {
        dotnet restore tools/Pester/Pester.csproj --verbosity quiet | Out-Host
    }
    $manifest
}

# Runs Pester in a process of its own: a session keeps assemblies it has loaded, and a hung run can be ended.
# Gives passed, failed and skipped.
function Invoke-PesterSuite([string] $Name = 'Pester', [string[]] $Pwsh = $ownPwsh, [string[]] $Files = @()) {
    Write-Host "`n== $Name"
    $counts = [IO.Path]::Join($PSScriptRoot, 'TestResults', "$Name.txt")
    Remove-Item $counts -ErrorAction Ignore
    $pester = Get-PesterModule
    $limit = $env:OPENCLOUD_BUILD_TEST_TIMEOUT
    if (-not $limit) {
        $limit = ((Get-Content tests/suite-limits) -match "^$Name\s" -split '\s+')[2]
    }
    $PSNativeCommandUseErrorActionPreference = $false
    timeout --signal INT --kill-after 30 $limit @Pwsh -NoProfile -NonInteractive `
        -File tests/run-pester.ps1 -Counts $counts -Pester $pester -Suite $Name @Files | Out-Host
    if (-not (Test-Path $counts)) {
        Write-Host "FAILED: $Name ended with exit code $LASTEXITCODE and without a result"
        return 0, 1, 0
    }
    [int[]] (Get-Content $counts)
}

# Runs what depends on the form that PowerShell has (children, load contexts, lines to run as root) in the form of its archive.
function Invoke-ArchiveSuite {
    $folder = [IO.Path]::Join([IO.Path]::GetTempPath(), [IO.Path]::GetRandomFileName())
    try {
        $pwsh = tests/fixture/pwsh-archive $folder
        Invoke-PesterSuite -Name Archive -Pwsh $pwsh -Files '-Include', 'Module.Tests.ps1,RootLine.Tests.ps1,Fixture.Tests.ps1'
    }
    finally {
        Remove-Item -Recurse -Force -LiteralPath $folder -ErrorAction Ignore
    }
}

# Runs the corpus of the fuzz targets and one minute of mutations on each processor. A target counts as a test, which fails where something is found.
function Invoke-FuzzSuite {
    Write-Host "`n== Fuzz"
    $limit = $env:OPENCLOUD_BUILD_TEST_TIMEOUT
    if (-not $limit) {
        $limit = ((Get-Content tests/suite-limits) -match '^Fuzz\s' -split '\s+')[2]
    }
    $findings = (New-Item -ItemType Directory -Force TestResults/Fuzz).FullName
    $PSNativeCommandUseErrorActionPreference = $false
    $lines = @(timeout --kill-after 30 $limit "tests/OpenCloud.Build.Fuzz/bin/$Configuration/net10.0/OpenCloud.Build.Fuzz" -minutes 1 -findings $findings)
    $code = $LASTEXITCODE
    $lines | Out-Host
    $clean = @($lines -match ': \d+ executions, 0 findings,').Count
    $found = @($lines -match ': \d+ executions, [1-9]\d* findings,').Count
    $lines -match ': \d+ executions, [1-9]\d* findings,' | ForEach-Object { "failed`t0.00`t$_`t" } | Set-Content TestResults/Fuzz.results
    if ($code -and -not $found) {
        Write-Host "FAILED: Fuzz ended with exit code $code"
        $found = 1
    }
    $clean, $found, 0
}

function Invoke-XunitSuite([string[]] $Names) {
    $counts = [IO.Path]::Join($PSScriptRoot, 'TestResults', 'counts.txt')
    Remove-Item $counts -ErrorAction Ignore
    $PSNativeCommandUseErrorActionPreference = $false
    tests/run-xunit --configuration $Configuration --suite ($Names -join ',') --counts $counts -- @optionList | Out-Host
    [int[]] [regex]::Matches((Get-Content -Raw $counts), '\d+').Value
}

function Invoke-Test {
    Invoke-Build
    $null = New-Item -ItemType Directory -Force TestResults
    Remove-Item TestResults/*.results
    [int[]] $sum = 0, 0, 0
    $xunit = @($suites | Where-Object { $_ -notin 'Archive', 'Checks', 'Fuzz', 'Pester' })
    $runs = @(
        if (-not $suites -or $suites -contains 'Checks') { { Invoke-CheckSuite } }
        if (-not $suites -or $suites -contains 'Fuzz') { { Invoke-FuzzSuite } }
        if (-not $suites -or $xunit) { { Invoke-XunitSuite $xunit } }
        if (-not $suites -or $suites -contains 'Pester') { { Invoke-PesterSuite } }
        if (-not $suites -or $suites -contains 'Archive') { { Invoke-ArchiveSuite } }
    )
    foreach ($run in $runs) {
        $counts = @(& $run)
        $sum = 0..2 | ForEach-Object { $sum[$_] + $counts[$_] }
    }
    if ($sum[0] + $sum[1] -eq 0) {
        Write-Host 'no test was run'
    }
    # Once more at the end: the beginning of a long log is what gets lost.
    foreach ($line in Get-ChildItem TestResults -Filter *.results | Get-Content | Where-Object { $_.StartsWith("failed`t") }) {
        $null, $seconds, $test, $reason = $line -split "`t"
        Write-Host "FAILED: $test ($seconds s): $reason"
    }
    Write-Host "`n$($sum[0]) passed, $($sum[1]) failed, $($sum[2]) skipped"
    if ($sum[1] -gt 0 -or $sum[0] -eq 0) {
        exit 1
    }
}

# The module alone, without code ahead of time: a first look is not worth a minute of a compiler's time.
function Invoke-ModuleBuild {
    Invoke-DotNetBuild src/OpenCloud.Build/OpenCloud.Build.csproj '-p:ReadyToRun=false', '-p:RunAnalyzers=false'
}

function Invoke-Demo {
    Write-Host 'Building the module ...'
    Invoke-ModuleBuild
    $folder = $null
    try {
        if (-not $Address) {
            $PSNativeCommandUseErrorActionPreference = $false
            $Address = tests/fixture/engine find
            $PSNativeCommandUseErrorActionPreference = $true
        }
        if (-not $Address) {
            Write-Host 'No engine listens here. Starting one for the demo, from Debian''s packages (60 MB the first time) ...'
            $engine = (tests/fixture/engine up --owner $PID docker-28) -join "`n" | ConvertFrom-StringData
            $folder = $engine.folder
            $Address = $engine.address
        }
        $context = samples/demo-app/stage
        Import-Module ./OpenCloud.Build.psd1
        Write-Host "Invoke-ImageBuild $([IO.Path]::GetRelativePath($PSScriptRoot, $context)) -Tag $Tag -Address $Address"
        Invoke-ImageBuild $context -Tag $Tag -Address $Address | Format-Table | Out-Host
    }
    finally {
        if ($folder) {
            tests/fixture/engine down $folder
        }
    }
}

function Invoke-Pwsh {
    if (-not (Test-Path bin/OpenCloud.Build/OpenCloud.Build.dll)) {
        Write-Host 'Building the module ...'
        Invoke-ModuleBuild
    }
    Import-Module ./OpenCloud.Build.psd1 -Global
}

function Invoke-Bench {
    Invoke-Build
    if ($optionList -and $optionList[0] -in 'session', 'registry') {
        & $ownPwsh[0] @($ownPwsh | Select-Object -Skip 1) -NoProfile -NonInteractive -File "bench/$($optionList[0]).ps1" @($optionList | Select-Object -Skip 1) | Out-Host
        return
    }
    dotnet run --project bench/OpenCloud.Build.Bench --configuration Release -- @optionList | Out-Host
}

# In a session of its own, which has built nothing before.
function Invoke-Soak {
    Invoke-Build
    $PSNativeCommandUseErrorActionPreference = $false
    & $ownPwsh[0] @($ownPwsh | Select-Object -Skip 1) -NoProfile -NonInteractive -File tests/soak.ps1 @optionList | Out-Host
    if ($LASTEXITCODE) {
        exit $LASTEXITCODE
    }
}

function Invoke-Fuzz {
    dotnet build tests/OpenCloud.Build.Fuzz --configuration $Configuration --verbosity quiet --nologo -consoleLoggerParameters:NoSummary | Out-Host
    $findings = (New-Item -ItemType Directory -Force TestResults/Fuzz).FullName
    $PSNativeCommandUseErrorActionPreference = $false
    & "tests/OpenCloud.Build.Fuzz/bin/$Configuration/net10.0/OpenCloud.Build.Fuzz" -minutes $Minutes -findings $findings @optionList | Out-Host
    if ($LASTEXITCODE) {
        exit $LASTEXITCODE
    }
}

# The module alone: a package has nothing of the tests, and analyzers change no code.
function Invoke-Package {
    $times = [ordered] @{}
    $watch = [Diagnostics.Stopwatch]::StartNew()
    Invoke-DotNetBuild src/OpenCloud.Build/OpenCloud.Build.csproj '-p:RunAnalyzers=false'
    $times.build = $watch.Elapsed
    $watch.Restart()
    $files = & ./tools/Package/package.ps1 -Root $PSScriptRoot -Target ([IO.Path]::Join($PSScriptRoot, 'artifacts'))
    $times.pack = $watch.Elapsed
    if ($optionList -contains '-verify') {
        $watch.Restart()
        & ./tools/Package/verify.ps1 -Root $PSScriptRoot -Files $files
        $times.verify = $watch.Elapsed
    }
    $files | Get-FileHash -Algorithm SHA256 | Format-List Path, Hash | Out-Host
    Write-Host (($times.Keys | ForEach-Object { "$_ $([int] $times[$_].TotalSeconds) s" }) -join ', ')
}

function Invoke-Clean {
    Get-Item bin, artifacts, TestResults, OpenCloud.Build.Loader.dll, OpenCloud.Build.dll -ErrorAction Ignore | Remove-Item -Recurse -Force
    Get-ChildItem src, tools, tests, bench, samples -Directory -Recurse -ErrorAction Ignore |
        Where-Object Name -In 'bin', 'obj' | Where-Object { Test-Path $_ } | Remove-Item -Recurse -Force
}

. "Invoke-$Task"
