#Requires -Version 7.6
# Runs the Pester suite and writes the numbers of passed, failed and skipped tests to a file, a line each.
param(
    [Parameter(Mandatory)]
    [string] $Counts
)

# No $ErrorActionPreference here: the tests would inherit it, and errors that do not end a pipeline would.
Import-Module Pester -ErrorAction Stop
$configuration = New-PesterConfiguration
$configuration.Run.Path = Join-Path $PSScriptRoot Pester
$configuration.Run.PassThru = $true
$configuration.Output.RenderMode = 'Plaintext'
$result = Invoke-Pester -Configuration $configuration
# A file or a block that could not even be run has failed as well.
$failed = $result.FailedCount + $result.FailedBlocksCount + $result.FailedContainersCount
Set-Content -LiteralPath $Counts -Value $result.PassedCount, $failed, ($result.SkippedCount + $result.NotRunCount)
exit [int]($failed -gt 0)
