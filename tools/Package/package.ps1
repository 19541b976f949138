<#
.SYNOPSIS
Packs the module that was built: a folder, a NuGet package and a zip, the same bytes for the same sources.
.DESCRIPTION
The module's code must be in bin/OpenCloud.Build. Into -Target come package/OpenCloud.Build/VERSION, which is what an installation has,
OpenCloud.Build.VERSION.nupkg for a repository, and OpenCloud.Build.VERSION.zip to unpack into a module path.

Times are that of $SOURCE_DATE_EPOCH, else of the last commit, else of 1980.
#>
[CmdletBinding()]
param(
    [Parameter(Mandatory)] [string] $Root,
    [Parameter(Mandatory)] [string] $Target
)

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
foreach ($part in 'ReleaseNotes', 'Archive', 'Nuspec', 'Sbom') {
    . ([IO.Path]::Join($PSScriptRoot, "$part.ps1"))
}

function Get-SourceTime {
    if ($env:SOURCE_DATE_EPOCH) {
        return [DateTimeOffset]::FromUnixTimeSeconds([long] $env:SOURCE_DATE_EPOCH)
    }
    $PSNativeCommandUseErrorActionPreference = $false
    $seconds = git -C $Root log -1 --format=%ct 2>$null
    if ($LASTEXITCODE -eq 0 -and $seconds) {
        return [DateTimeOffset]::FromUnixTimeSeconds([long] $seconds)
    }
    # The first time that a zip can have.
    [DateTimeOffset]::new(1980, 1, 1, 0, 0, 0, [TimeSpan]::Zero)
}

# The manifest of the package: with what only a package has, written into the text so that everything else stays as it is.
function Get-PackageManifest([string] $Text, [Collections.IDictionary] $Values) {
    $lines = foreach ($name in $Values.Keys | Where-Object { $Values[$_] }) {
        $value = $Values[$name]
        if ($value.Contains("`n")) {
            if ($value -match "(?m)^'@") {
                throw "the text of $name would end its here-string"
            }
            "            $name = @'`n$value`n'@"
        }
        else {
            "            $name = '$($value.Replace("'", "''"))'"
        }
    }
    $start = "        PSData = @{`n"
    $at = $Text.IndexOf($start, [StringComparison]::Ordinal) + $start.Length
    if ($at -lt $start.Length) {
        throw 'the manifest has no PSData'
    }
    $Text.Insert($at, ($lines -join "`n") + "`n")
}

$manifestPath = [IO.Path]::Join($Root, 'OpenCloud.Build.psd1')
$manifest = Import-PowerShellDataFile $manifestPath
$properties = [xml] (Get-Content -Raw ([IO.Path]::Join($Root, 'Directory.Build.props')))
$notes = Get-ReleaseNote ([IO.Path]::Join($Root, 'CHANGELOG.md')) $manifest.ModuleVersion
$label = $notes.IsReleased ? '' : $properties.SelectSingleNode('//PrereleaseLabel').InnerText
$version = $manifest.ModuleVersion + ($label ? "-$label" : '')
$time = Get-SourceTime

if (Test-Path "$Target/package") {
    Remove-Item "$Target/package" -Recurse
}
$folder = (New-Item -ItemType Directory "$Target/package/OpenCloud.Build/$($manifest.ModuleVersion)").FullName
Get-Item "$Root/OpenCloud.Build.Loader.dll", "$Root/OpenCloud.Build.dll", "$Root/*.ps1xml", "$Root/LICENSE", "$Root/THIRD-PARTY-NOTICES.txt", "$Root/README.md", "$Root/CHANGELOG.md", "$Root/SECURITY.md" |
    Copy-Item -Destination $folder
Copy-Item "$Root/en-US" $folder -Recurse
foreach ($page in Get-ChildItem "$Root/docs" -Recurse -File | Where-Object Extension -In '.md', '.svg') {
    $copy = [IO.Path]::Join($folder, [IO.Path]::GetRelativePath($Root, $page.FullName))
    $null = [IO.Directory]::CreateDirectory([IO.Path]::GetDirectoryName($copy))
    Copy-Item -LiteralPath $page.FullName $copy
}
$null = New-Item -ItemType Directory "$folder/bin"
Copy-Item "$Root/bin/OpenCloud.Build" "$folder/bin" -Recurse
# Symbols once: beside the code ahead of time where there is some, as that is what most run.
$ahead = @(Get-ChildItem "$folder/bin/OpenCloud.Build" -Directory | Where-Object { Test-Path "$($_.FullName)/OpenCloud.Build.pdb" })
if ($ahead) {
    Remove-Item "$folder/bin/OpenCloud.Build/*.pdb"
}

$values = [ordered] @{
    Prerelease = $label
    ProjectUri = $properties.SelectSingleNode('//ProjectUri')?.InnerText
    ReleaseNotes = $notes.Text
}
[IO.File]::WriteAllText("$folder/OpenCloud.Build.psd1", (Get-PackageManifest ([IO.File]::ReadAllText($manifestPath)) $values))
$packed = Import-PowerShellDataFile "$folder/OpenCloud.Build.psd1"
# Last, as it names every other file.
[IO.File]::WriteAllText("$folder/OpenCloud.Build.spdx.json", (Get-Sbom $Root $folder $packed $version $time) + "`n")

$utf8 = [Text.UTF8Encoding]::new($false)
$entries = Get-ArchiveEntry $folder
$parts = Get-PackagePart OpenCloud.Build ([string[]] $entries.Keys)
foreach ($name in $parts.Keys) {
    $entries[$name] = $utf8.GetBytes($parts[$name])
}
$entries['OpenCloud.Build.nuspec'] = $utf8.GetBytes((Get-Nuspec $packed OpenCloud.Build $version))
Write-FixedArchive "$Target/OpenCloud.Build.$version.nupkg" $entries $time
Write-FixedArchive "$Target/OpenCloud.Build.$version.zip" (Get-ArchiveEntry "$Target/package") $time
Get-Item "$Target/OpenCloud.Build.$version.nupkg", "$Target/OpenCloud.Build.$version.zip"
