<#
.SYNOPSIS
Measures what a session pays for the module: its import, and the first and second completion of each kind.
.DESCRIPTION
Import: a whole pwsh, started, told to import and ended, its user and system CPU; beside one that imports nothing and one that imports an
empty binary module with as many cmdlets. The three take turns, each with a cache of its own: PowerShell writes there which methods it
compiled, and the next start compiles them whether it needs them or not. The methods that the JIT compiled are counted in runs of their
own: that number does not depend on how busy the machine is.

Completion: in a fresh pwsh for each line, after PowerShell has completed something of its own; the first time and the second time.
.EXAMPLE
./build.ps1 Bench -Options 'session -Out bench/SESSION.md'
#>
[CmdletBinding()]
param(
    # How often each import is measured.
    [int] $Rounds = 15,

    # How often each completion is measured.
    [int] $CompletionRounds = 5,

    # The file for the results; without it they are only shown.
    [string] $Out
)

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
. ([IO.Path]::Join($PSScriptRoot, 'common.ps1'))

# Runs a script in a pwsh of its own.
function Measure-Pwsh([string] $Script, [string] $Cache) {
    $env:XDG_CACHE_HOME = $Cache
    Measure-Program ($pwsh + '-NoProfile', '-NonInteractive', '-Command', "`$ErrorActionPreference = 'Stop'; $Script")
}

function Get-JitCount([string] $Script, [string] $Cache) {
    $env:XDG_CACHE_HOME = $Cache
    $env:DOTNET_TC_CallCounting = '0'
    try {
        $words = @($pwsh | Select-Object -Skip 1) + '-NoProfile', '-NonInteractive', '-Command', "$Script; [Runtime.JitInfo]::GetCompiledMethodCount()"
        $counts = 1..3 | ForEach-Object { [int] @(& $pwsh[0] @words)[-1] }
        ($counts | Measure-Object -Minimum).Minimum
    }
    finally {
        Remove-Item Env:DOTNET_TC_CallCounting
    }
}

function Format-Range([double[]] $Values, [string] $Format) {
    $range = $Values | Measure-Object -Minimum -Maximum
    "{0:$Format} ({1:$Format}–{2:$Format})" -f (Get-Median $Values), $range.Minimum, $range.Maximum
}

$scratch = (New-Item -ItemType Directory ([IO.Path]::Join([IO.Path]::GetTempPath(), [IO.Path]::GetRandomFileName()))).FullName
$engine = $null
try {
    $names = (Import-PowerShellDataFile $manifestPath).CmdletsToExport
    $types = foreach ($name in $names) {
        $verb, $noun = $name -split '-'
        "[Cmdlet(`"$verb`", `"$noun`")] public sealed class $verb$noun : PSCmdlet { }"
    }
    Add-Type -TypeDefinition "using System.Management.Automation;`n$types" -OutputAssembly "$scratch/Empty.dll"
    New-ModuleManifest "$scratch/Empty.psd1" -RootModule Empty.dll -CmdletsToExport $names -FunctionsToExport @() -AliasesToExport @() -VariablesToExport @()

    $imports = [ordered] @{
        'nothing' = '1'
        "an empty binary module with $($names.Count) cmdlets" = "Import-Module '$scratch/Empty.psd1'"
        'OpenCloud.Build' = "Import-Module '$manifestPath'"
    }
    $kinds = @($imports.Keys)
    $samples = @{}
    $loads = [Collections.Generic.List[double]]::new()
    foreach ($kind in $kinds) {
        $samples[$kind] = [Collections.Generic.List[object]]::new()
    }
    for ($round = -1; $round -le $Rounds; $round++) {
        for ($index = 0; $index -lt $kinds.Count; $index++) {
            $kind = $kinds[($index + $round + $kinds.Count) % $kinds.Count]
            $sample = Measure-Pwsh $imports[$kind] "$scratch/cache$($kinds.IndexOf($kind))"
            # The first round reads the files from the disk, and the second one fills the caches.
            if ($round -gt 0) {
                $samples[$kind].Add($sample)
            }
        }
        $loads.Add([double] ((Get-Content /proc/loadavg) -split ' ')[0])
    }
    $base = Get-Median $samples[$kinds[1]].Cpu
    $lines = [Collections.Generic.List[string]]::new()
    $lines.Add("# Results of a session`n")
    $lines.Add("Written by bench/session.ps1; how it measures is at its beginning.`n")
    $processor = ((Get-Content /proc/cpuinfo) -match '^model name')[0] -replace '^.*: '
    $range = $loads | Measure-Object -Minimum -Maximum
    $lines.Add(("- {0:yyyy-MM-dd}, {1} cores ({2}), PowerShell {3}, {4}; load average {5:0.0} to {6:0.0}" -f
            [DateTime]::UtcNow, [Environment]::ProcessorCount, $processor, $PSVersionTable.PSVersion,
            [Runtime.InteropServices.RuntimeInformation]::FrameworkDescription, $range.Minimum, $range.Maximum))
    $ahead = Test-Path ([IO.Path]::Join($root, 'bin', 'OpenCloud.Build', "$([Runtime.InteropServices.RuntimeInformation]::ProcessArchitecture)".ToLowerInvariant()))
    $lines.Add("- the module $($ahead ? 'with' : 'without') code ahead of time; medians, with minimum and maximum`n")
    $lines.Add("## Import`n")
    $lines.Add('| a pwsh that imports | n | CPU, s | wall, s | CPU × | CPU of the quickest × | methods compiled at run time |')
    $lines.Add('| --- | --- | --- | --- | --- | --- | --- |')
    $quickest = ($samples[$kinds[1]].Cpu | Measure-Object -Minimum).Minimum
    foreach ($kind in $kinds) {
        $lines.Add(('| {0} | {1} | {2} | {3} | {4:0.00} | {5:0.00} | {6:N0} |' -f $kind, $samples[$kind].Count,
                (Format-Range $samples[$kind].Cpu '0.000'), (Format-Range $samples[$kind].Wall '0.000'), ((Get-Median $samples[$kind].Cpu) / $base),
                (($samples[$kind].Cpu | Measure-Object -Minimum).Minimum / $quickest), (Get-JitCount $imports[$kind] "$scratch/count$($kinds.IndexOf($kind))")))
    }

    $engine = (& $fixture up --owner $PID docker-28) -join "`n" | ConvertFrom-StringData
    $app = (New-Item -ItemType Directory "$scratch/app/sub").Parent.FullName
    Copy-Item $engine.busybox "$app/busybox"
    Set-Content "$app/Dockerfile" 'FROM scratch AS build', 'ARG VERSION', 'COPY busybox /', 'FROM build AS test', 'FROM build'
    $env:BUILDKIT_HOST = $engine.address
    Import-Module $manifestPath
    foreach ($number in 1..5) {
        $null = Invoke-ImageBuild $app -Tag "demo/app:$number"
    }
    $completions = [ordered] @{
        'an address' = 'Get-BuildKitInfo -Address '
        'a stage' = "Invoke-ImageBuild $app -Target "
        'a build argument' = "Invoke-ImageBuild $app -BuildArg "
        'a platform' = 'Invoke-ImageBuild -Platform linux/'
        'an image' = 'Get-ContainerImage '
        'a past build' = 'Get-BuildLog '
        'an output' = 'Invoke-ImageBuild -Output '
    }
    $script = "Import-Module '$manifestPath'; `$null = TabExpansion2 'Get-Item -' 10; foreach (`$i in 1, 2) { `$watch = [Diagnostics.Stopwatch]::StartNew()
        `$found = (TabExpansion2 `$line `$line.Length).CompletionMatches.Count; '{0} {1}' -f `$watch.Elapsed.TotalMilliseconds, `$found }"
    $lines.Add("`n## Completion`n")
    $lines.Add('Milliseconds from the key to the list, on a Docker Engine with five images.' + "`n")
    $lines.Add('| what is completed | n | matches | the first, ms | the second, ms |')
    $lines.Add('| --- | --- | --- | --- | --- |')
    foreach ($kind in $completions.Keys) {
        $line = $completions[$kind]
        $words = @($pwsh | Select-Object -Skip 1) + '-NoProfile', '-NonInteractive', '-Command', "`$line = '$line'; $script"
        $first, $second, $matched = [Collections.Generic.List[double]]::new(), [Collections.Generic.List[double]]::new(), 0
        foreach ($round in 1..$CompletionRounds) {
            $one, $two = & $pwsh[0] @words
            $first.Add([double] ($one -split ' ')[0])
            $second.Add([double] ($two -split ' ')[0])
            $matched = [int] ($two -split ' ')[1]
        }
        $lines.Add(('| {0} | {1} | {2} | {3} | {4} |' -f $kind, $CompletionRounds, $matched, (Format-Range $first '0'), (Format-Range $second '0')))
    }

    $text = ($lines -join "`n") + "`n"
    $text
    if ($Out) {
        [IO.File]::WriteAllText($PSCmdlet.GetUnresolvedProviderPathFromPSPath($Out), $text)
    }
}
finally {
    if ($engine) {
        & $fixture down $engine.folder | Out-Null
    }
    Remove-Item -Recurse -Force -LiteralPath $scratch
}
