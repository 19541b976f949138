#Requires -Version 7.6
<#
.SYNOPSIS
Runs the Pester suite, a file at a time.
.DESCRIPTION
After each file the numbers of passed, failed and skipped tests are written to -Counts, a line each, and a line for each test
to TestResults/SUITE.results, so that a suite that is stopped keeps what it has found. Until all files have been run, -Counts
has one failure more than there were: who stops this process finds the run failed.
#>
param(
    [Parameter(Mandatory)]
    [string] $Counts,

    # The manifest of Pester 6.
    [Parameter(Mandatory)]
    [string] $Pester,

    # The files to run, as patterns of their names: all by default. With -File, a list is one string.
    [string[]] $Include = '*.Tests.ps1',

    # The name that the results have.
    [string] $Suite = 'Pester'
)

# No $ErrorActionPreference here: the tests would inherit it, and errors that do not end a pipeline would.
Import-Module $Pester -ErrorAction Stop
$passed = $failed = $skipped = 0
$results = [IO.Path]::GetFullPath([IO.Path]::Join($PSScriptRoot, '..', 'TestResults', "$Suite.results"))
$null = New-Item -ItemType Directory -Force ([IO.Path]::GetDirectoryName($results))
Set-Content -LiteralPath $results -Value $null

function Write-Count([int] $Unfinished) {
    Set-Content -LiteralPath $Counts -Value $passed, ($failed + $Unfinished), $skipped
}

# A test's result, its seconds, its name, and why it was skipped or failed.
function Write-Result([string] $Result, [double] $Seconds, [string] $Name, [string] $Reason) {
    $fields = $Result, [string]::Format([cultureinfo]::InvariantCulture, '{0:0.00}', $Seconds), $Name, $Reason
    Add-Content -LiteralPath $results -Value (($fields -replace '\p{Cc}+', ' ') -join "`t")
}

foreach ($file in Get-ChildItem ([IO.Path]::Join($PSScriptRoot, 'Pester', '*')) -Include ($Include -split ',') | Sort-Object Name) {
    Write-Count -Unfinished 1
    Write-Result started 0 $file.Name
    $configuration = New-PesterConfiguration
    $configuration.Run.Path = $file.FullName
    $configuration.Run.PassThru = $true
    $configuration.Output.RenderMode = 'Plaintext'
    $run = Invoke-Pester -Configuration $configuration
    $passed += $run.PassedCount
    # A file or a block that could not even be run has failed as well.
    $failed += $run.FailedCount + $run.FailedBlocksCount + $run.FailedContainersCount
    $skipped += $run.SkippedCount + $run.NotRunCount
    foreach ($test in $run.Tests) {
        $reason = switch ($test.Result) {
            Skipped { $test.ErrorRecord ? "$($test.ErrorRecord[0])" : "all of '$($test.Block.ExpandedPath)'" }
            Failed { "$($test.ErrorRecord)" }
        }
        $result = $test.Result -eq 'NotRun' ? 'skipped' : $test.Result.ToLowerInvariant()
        Write-Result $result $test.Duration.TotalSeconds "$($file.Name): $($test.ExpandedPath)" $reason
    }
    Write-Result finished $run.Duration.TotalSeconds $file.Name
}

# Some of the files say nothing about the number of all.
if (-not $PSBoundParameters.ContainsKey('Include')) {
    & ([IO.Path]::Join($PSScriptRoot, 'check-skips')) Pester | Out-Host
    if ($LASTEXITCODE -ne 0 -and $env:CI -eq 'true') {
        Write-Host 'FAILED: Pester skipped other tests than tests/expected-skips says'
        $failed++
    }
}
Write-Count -Unfinished 0
exit [int]($failed -gt 0)
