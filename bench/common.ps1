# What the scripts of the bench share: where things are, how this pwsh is started, and how a command is measured.
$root = [IO.Path]::GetFullPath([IO.Path]::Join($PSScriptRoot, '..'))
$manifestPath = [IO.Path]::Join($root, 'OpenCloud.Build.psd1')
$fixture = [IO.Path]::Join($root, 'tests', 'fixture', 'engine')
$env:POWERSHELL_TELEMETRY_OPTOUT = '1'
$env:POWERSHELL_UPDATECHECK = 'Off'
$pwsh = @([Environment]::ProcessPath)
if ([IO.Path]::GetFileNameWithoutExtension($pwsh[0]) -ne 'pwsh') {
    $pwsh += Join-Path $PSHOME 'pwsh.dll'
}

# Runs a command; its CPU and time in seconds are what bash says of it.
function Measure-Program([string[]] $Words) {
    $said = bash -c 'TIMEFORMAT="%3U %3S %3R"; time "$@"' bash @Words 2>&1
    if ($LASTEXITCODE -ne 0) {
        throw "$Words failed: $($said -join "`n")"
    }
    $user, $system, $wall = [double[]] ("$(@($said)[-1])" -split ' ')
    [pscustomobject] @{ Cpu = $user + $system; Wall = $wall }
}

function Get-Median([double[]] $Values) {
    $sorted = @($Values | Sort-Object)
    $sorted[[int] [Math]::Floor(($sorted.Count - 1) / 2)]
}
