# A bill of materials in SPDX 2.3: the module, each of its files, and each package of others whose assembly is one of them, with the
# hash that packages.lock.json has of it and the licence that the package itself names.
function Get-Sbom([string] $Root, [string] $Folder, [hashtable] $Manifest, [string] $Version, [DateTimeOffset] $Time) {
    $project = [IO.Path]::Join($Root, 'src', 'OpenCloud.Build')
    $assets = Get-Content -Raw "$project/obj/project.assets.json" | ConvertFrom-Json -AsHashtable
    $lock = Get-Content -Raw "$project/packages.lock.json" | ConvertFrom-Json -AsHashtable
    $locked = $lock.dependencies['net10.0']

    $files = [Collections.Generic.List[object]]::new()
    $relations = [Collections.Generic.List[object]]::new()
    $digests = [Text.StringBuilder]::new()
    $names = [string[]] @(Get-ChildItem $Folder -Recurse -File | ForEach-Object { [IO.Path]::GetRelativePath($Folder, $_.FullName) })
    [Array]::Sort($names, [StringComparer]::Ordinal)
    foreach ($name in $names) {
        $bytes = [IO.File]::ReadAllBytes([IO.Path]::Join($Folder, $name))
        $sha1 = [Convert]::ToHexStringLower([Security.Cryptography.SHA1]::HashData($bytes))
        $sha256 = [Convert]::ToHexStringLower([Security.Cryptography.SHA256]::HashData($bytes))
        $null = $digests.Append($sha1)
        $files.Add([ordered] @{
                SPDXID = 'SPDXRef-File-' + ($name -replace '[^A-Za-z0-9.-]', '-')
                fileName = "./$name"
                checksums = @(
                    [ordered] @{ algorithm = 'SHA1'; checksumValue = $sha1 }
                    [ordered] @{ algorithm = 'SHA256'; checksumValue = $sha256 })
                licenseConcluded = 'NOASSERTION'
                licenseInfoInFiles = @('NOASSERTION')
                copyrightText = 'NOASSERTION'
            })
    }

    $packages = [Collections.Generic.List[object]]::new()
    $code = [Convert]::ToHexStringLower([Security.Cryptography.SHA1]::HashData([Text.Encoding]::ASCII.GetBytes($digests.ToString())))
    $packages.Add([ordered] @{
            SPDXID = 'SPDXRef-Package-OpenCloud.Build'
            name = 'OpenCloud.Build'
            versionInfo = $Version
            supplier = "Organization: $($Manifest.CompanyName)"
            downloadLocation = 'NOASSERTION'
            filesAnalyzed = $true
            packageVerificationCode = [ordered] @{ packageVerificationCodeValue = $code }
            licenseConcluded = 'MIT'
            licenseDeclared = 'MIT'
            licenseInfoFromFiles = @('NOASSERTION')
            copyrightText = $Manifest.Copyright
            externalRefs = @([ordered] @{
                    referenceCategory = 'PACKAGE-MANAGER'; referenceType = 'purl'; referenceLocator = "pkg:nuget/OpenCloud.Build@$Version"
                })
        })
    $relations.Add([ordered] @{ spdxElementId = 'SPDXRef-DOCUMENT'; relationshipType = 'DESCRIBES'; relatedSpdxElement = 'SPDXRef-Package-OpenCloud.Build' })
    foreach ($file in $files) {
        $relations.Add([ordered] @{ spdxElementId = 'SPDXRef-Package-OpenCloud.Build'; relationshipType = 'CONTAINS'; relatedSpdxElement = $file.SPDXID })
    }

    foreach ($key in $assets.targets['net10.0'].Keys | Sort-Object) {
        $id, $packageVersion = $key -split '/'
        $library = $assets.libraries[$key]
        $assemblies = @($assets.targets['net10.0'][$key]['runtime']?.Keys | Where-Object { $_ } | ForEach-Object { Split-Path -Leaf $_ })
        $shipped = @($files | Where-Object { (Split-Path -Leaf $_.fileName) -in $assemblies })
        if ($library.type -ne 'package' -or -not $shipped) {
            continue
        }
        $folder = $assets.packageFolders.Keys | ForEach-Object { [IO.Path]::Join($_, $library.path) } | Where-Object { Test-Path $_ } | Select-Object -First 1
        $nuspec = ([xml] (Get-Content -Raw (Get-Item "$folder/*.nuspec")[0].FullName)).package.metadata
        $license = $nuspec.SelectSingleNode('*[local-name()="license" and @type="expression"]')?.InnerText ?? 'NOASSERTION'
        $reference = "SPDXRef-Package-$id"
        $packages.Add([ordered] @{
                SPDXID = $reference
                name = $id
                versionInfo = $packageVersion
                supplier = "Organization: $($nuspec.authors)"
                downloadLocation = 'NOASSERTION'
                filesAnalyzed = $false
                checksums = @([ordered] @{
                        algorithm = 'SHA512'
                        checksumValue = [Convert]::ToHexStringLower([Convert]::FromBase64String($locked[$id].contentHash))
                    })
                licenseConcluded = $license
                licenseDeclared = $license
                copyrightText = $nuspec.SelectSingleNode('*[local-name()="copyright"]')?.InnerText ?? 'NOASSERTION'
                externalRefs = @([ordered] @{
                        referenceCategory = 'PACKAGE-MANAGER'; referenceType = 'purl'; referenceLocator = "pkg:nuget/$id@$packageVersion"
                    })
            })
        $relations.Add([ordered] @{ spdxElementId = 'SPDXRef-Package-OpenCloud.Build'; relationshipType = 'DEPENDS_ON'; relatedSpdxElement = $reference })
        foreach ($file in $shipped) {
            $relations.Add([ordered] @{ spdxElementId = $file.SPDXID; relationshipType = 'GENERATED_FROM'; relatedSpdxElement = $reference })
        }
    }

    [ordered] @{
        spdxVersion = 'SPDX-2.3'
        dataLicense = 'CC0-1.0'
        SPDXID = 'SPDXRef-DOCUMENT'
        name = "OpenCloud.Build-$Version"
        documentNamespace = "https://spdx.org/spdxdocs/OpenCloud.Build-$Version-$code"
        creationInfo = [ordered] @{
            created = $Time.ToUniversalTime().ToString('yyyy-MM-ddTHH:mm:ssZ', [cultureinfo]::InvariantCulture)
            creators = @('Tool: OpenCloud.Build-tools-Package')
        }
        packages = $packages
        files = $files
        relationships = $relations
    } | ConvertTo-Json -Depth 8
}
