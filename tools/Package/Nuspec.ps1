# The parts of a NuGet package besides its files, as Publish-PSResource writes them and the PowerShell Gallery reads them: the module's
# commands are tags of the package.

function Get-PackageTag([hashtable] $Manifest) {
    $commands = @($Manifest.CmdletsToExport) + @($Manifest.AliasesToExport)
    @($Manifest.PrivateData.PSData.Tags) + 'PSModule' + 'PSIncludes_Cmdlet' +
        @($Manifest.CmdletsToExport | ForEach-Object { "PSCmdlet_$_" }) + @($commands | ForEach-Object { "PSCommand_$_" }) | Select-Object -Unique
}

function Get-Nuspec([hashtable] $Manifest, [string] $Id, [string] $Version) {
    $data = $Manifest.PrivateData.PSData
    $fields = [ordered] @{
        id = $Id
        version = $Version
        authors = $Manifest.Author
        owners = $Manifest.CompanyName
        requireLicenseAcceptance = 'false'
        licenseUrl = $data.LicenseUri
        projectUrl = $data['ProjectUri']
        description = $Manifest.Description
        releaseNotes = $data.ReleaseNotes
        copyright = $Manifest.Copyright
        tags = (Get-PackageTag $Manifest) -join ' '
    }
    $lines = foreach ($name in $fields.Keys | Where-Object { $fields[$_] }) {
        "    <$name>$([Security.SecurityElement]::Escape($fields[$name]))</$name>"
    }
    @"
<?xml version="1.0" encoding="utf-8"?>
<package xmlns="http://schemas.microsoft.com/packaging/2011/08/nuspec.xsd">
  <metadata>
$($lines -join "`n")
  </metadata>
</package>

"@
}

# What an Open Packaging container has besides: the types of its files by their extensions, and which file is the nuspec.
function Get-PackagePart([string] $Id, [string[]] $Names) {
    $types = @{ rels = 'application/vnd.openxmlformats-package.relationships+xml' }
    $lines = foreach ($extension in @('rels', 'nuspec') + @($Names | ForEach-Object { [IO.Path]::GetExtension($_).TrimStart('.') }) | Where-Object { $_ } | Sort-Object -Unique) {
        "  <Default Extension=`"$extension`" ContentType=`"$($types[$extension] ?? 'application/octet')`" />"
    }
    $others = foreach ($name in $Names | Where-Object { -not [IO.Path]::GetExtension($_) } | Sort-Object) {
        "  <Override PartName=`"/$name`" ContentType=`"application/octet`" />"
    }
    @{
        '[Content_Types].xml' = @"
<?xml version="1.0" encoding="utf-8"?>
<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">
$(@($lines) + @($others) -join "`n")
</Types>

"@
        '_rels/.rels' = @"
<?xml version="1.0" encoding="utf-8"?>
<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">
  <Relationship Type="http://schemas.microsoft.com/packaging/2010/07/manifest" Target="/$Id.nuspec" Id="R1" />
</Relationships>

"@
    }
}
