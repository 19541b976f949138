<#
.SYNOPSIS
Builds and packs the last commit a second time, in another folder, and compares the archives byte by byte.
#>
[CmdletBinding()]
param(
    [Parameter(Mandatory)] [string] $Root,
    [Parameter(Mandatory)] [IO.FileInfo[]] $Files
)

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
$PSNativeCommandUseErrorActionPreference = $true

$changes = git -C $Root status --porcelain --untracked-files=no
if ($changes) {
    throw "what is not committed is not built a second time: $($changes -join ', ')"
}
$scratch = [IO.Path]::Join([IO.Path]::GetTempPath(), [IO.Path]::GetRandomFileName())
try {
    git clone --quiet --shared $Root $scratch
    dotnet build "$scratch/src/OpenCloud.Build" --configuration Release --verbosity quiet --nologo -consoleLoggerParameters:NoSummary -p:RunAnalyzers=false | Out-Host
    $null = & "$scratch/tools/Package/package.ps1" -Root $scratch -Target "$scratch/artifacts"
    foreach ($file in $Files) {
        $one, $two = Get-FileHash -Algorithm SHA256 -LiteralPath $file.FullName, "$scratch/artifacts/$($file.Name)"
        if ($one.Hash -ne $two.Hash) {
            throw "$($file.Name) is not the same when it is built a second time"
        }
        Write-Host "$($file.Name) is the same when it is built a second time"
    }
}
finally {
    Remove-Item -Recurse -Force -LiteralPath $scratch -ErrorAction Ignore
}
