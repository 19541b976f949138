BeforeDiscovery {
    . $PSScriptRoot/Common.ps1
    $engineState = Test-EngineFixture
}

BeforeAll {
    . $PSScriptRoot/Common.ps1
    $pack = [IO.Path]::Join($root, 'tools', 'Package', 'package.ps1')
    $target = (New-Item -ItemType Directory "$TestDrive/one").FullName
    $package, $zip = & $pack -Root $root -Target $target
    $manifest = Import-PowerShellDataFile $manifestPath
    $folder = "$target/package/OpenCloud.Build/$($manifest.ModuleVersion)"
    $packed = Import-PowerShellDataFile "$folder/OpenCloud.Build.psd1"
    $names = Get-ChildItem $folder -Recurse -File | ForEach-Object { [IO.Path]::GetRelativePath($folder, $_.FullName) }

    function Read-Entry([string] $Archive, [string] $Name) {
        $reader = [IO.Compression.ZipFile]::OpenRead($Archive)
        try {
            [IO.StreamReader]::new($reader.GetEntry($Name).Open()).ReadToEnd()
        }
        finally {
            $reader.Dispose()
        }
    }
}

Describe 'The package' {
    It 'is the same bytes when it is packed again' {
        $again = & $pack -Root $root -Target (New-Item -ItemType Directory "$TestDrive/two").FullName
        (Get-FileHash $again).Hash | Should -Be (Get-FileHash $package, $zip).Hash
    }

    It 'has a manifest that is valid, with the notes of the changelog and a label until the version is in it' {
        Test-ModuleManifest "$folder/OpenCloud.Build.psd1" | Should -Not -BeNullOrEmpty
        $data = $packed.PrivateData.PSData
        $isReleased = (Get-Content -Raw "$root/CHANGELOG.md").Contains("`n## [$($manifest.ModuleVersion)]")
        [bool] $data['Prerelease'] | Should -Be (-not $isReleased)
        $data.ReleaseNotes | Should -BeLike '### *'
        $data.ReleaseNotes.Length | Should -BeLessThan 35000
    }

    It 'has a nuspec with what a repository wants to know' {
        $nuspec = ([xml] (Read-Entry $package OpenCloud.Build.nuspec)).package.metadata
        $nuspec.id | Should -BeExactly OpenCloud.Build
        "OpenCloud.Build.$($nuspec.version).nupkg" | Should -BeExactly $package.Name
        foreach ($name in 'authors', 'description', 'licenseUrl', 'copyright', 'releaseNotes') {
            $nuspec.$name | Should -Not -BeNullOrEmpty -Because "a package has $name"
        }
        $nuspec.SelectSingleNode('*[local-name()="dependencies"]') | Should -BeNullOrEmpty
        $tags = $nuspec.tags -split ' '
        $tags | Should -Contain PSModule
        $tags | Should -Contain PSEdition_Core
        $tags | Should -Contain PSIncludes_Cmdlet
        foreach ($name in $manifest.CmdletsToExport) {
            $tags | Should -Contain "PSCmdlet_$name"
            $tags | Should -Contain "PSCommand_$name"
        }
        $nuspec.tags.Length | Should -BeLessThan 4000
    }

    It 'has the project''s address where the property has one' {
        $copy = New-Item -ItemType Directory "$TestDrive/public"
        foreach ($name in 'bin', 'docs', 'en-US', 'tools') {
            $null = New-Item -ItemType SymbolicLink "$copy/$name" -Target "$root/$name"
        }
        Get-ChildItem $root -File | Copy-Item -Destination $copy
        $null = New-Item -ItemType Directory "$copy/src/OpenCloud.Build"
        $null = New-Item -ItemType SymbolicLink "$copy/src/OpenCloud.Build/obj" -Target "$root/src/OpenCloud.Build/obj"
        Copy-Item "$root/src/OpenCloud.Build/packages.lock.json" "$copy/src/OpenCloud.Build"
        $properties = [xml] (Get-Content -Raw "$root/Directory.Build.props")
        $properties.SelectSingleNode('//ProjectUri').InnerText = 'https://example.org/opencloud.build'
        $properties.Save("$copy/Directory.Build.props")
        $public = @(& $pack -Root $copy -Target "$copy/artifacts")[0]
        ([xml] (Read-Entry $public OpenCloud.Build.nuspec)).package.metadata.projectUrl | Should -Be 'https://example.org/opencloud.build'
        (Import-PowerShellDataFile "$copy/artifacts/package/OpenCloud.Build/*/OpenCloud.Build.psd1").PrivateData.PSData.ProjectUri | Should -Be 'https://example.org/opencloud.build'
    }

    It 'has each assembly for every processor, and symbols once' {
        foreach ($file in Get-ChildItem "$root/bin/OpenCloud.Build/*.dll") {
            $names | Should -Contain "bin/OpenCloud.Build/$($file.Name)"
        }
        $symbols = @($names -like '*.pdb' | Split-Path -Leaf)
        $symbols | Should -Contain OpenCloud.Build.pdb
        $symbols | Sort-Object -Unique | Should -HaveCount $symbols.Count
    }

    It 'names each of its files and each package in it in a bill of materials' {
        $bill = Get-Content -Raw "$folder/OpenCloud.Build.spdx.json" | ConvertFrom-Json
        $bill.spdxVersion | Should -Be SPDX-2.3
        $bill.files.fileName | Sort-Object | Should -Be ($names | Where-Object { $_ -ne 'OpenCloud.Build.spdx.json' } | ForEach-Object { "./$_" } | Sort-Object)
        foreach ($file in $bill.files) {
            ($file.checksums | Where-Object algorithm -EQ SHA256).checksumValue | Should -Be (Get-FileHash "$folder/$($file.fileName)").Hash.ToLowerInvariant()
        }
        $foreign = Get-ChildItem "$folder/bin/OpenCloud.Build/*.dll" | Where-Object Name -NotLike 'OpenCloud.*'
        $foreign.BaseName | Sort-Object | Should -Be ($bill.packages.name | Where-Object { $_ -ne 'OpenCloud.Build' } | Sort-Object)
        foreach ($entry in $bill.packages | Where-Object name -NE OpenCloud.Build) {
            $entry.licenseDeclared | Should -BeIn 'MIT', 'BSD-3-Clause', 'Apache-2.0', 'BSD-2-Clause'
            $entry.checksums[0].checksumValue | Should -Match '^[0-9a-f]{128}$'
            (Get-Content -Raw "$root/THIRD-PARTY-NOTICES.txt").Contains("$($entry.name) $($entry.versionInfo)") | Should -BeTrue -Because "$($entry.name) $($entry.versionInfo) is shipped"
        }
        # Every reference leads to something that is there.
        $ids = @($bill.SPDXID) + $bill.packages.SPDXID + $bill.files.SPDXID
        $ids | Sort-Object -Unique | Should -HaveCount $ids.Count
        $bill.relationships | ForEach-Object { $_.spdxElementId; $_.relatedSpdxElement } | Sort-Object -Unique | Should -BeIn $ids
    }
}

Describe 'An installation from a repository' -Skip:(-not $engineState.CanRun) {
    BeforeAll {
        $engine = Start-TestEngine
        $app = New-BuildDirectory "$TestDrive/app" $engine "FROM scratch`nCOPY busybox /bin/busybox"
        # Homes of their own: nothing else is in their module paths, and repositories are registered there. Without .config in it, .NET names no
        # folder for settings, and NuGet would write its own into the current one.
        $null = New-Item -ItemType Directory "$TestDrive/home/.config"
        $environment = @{ HOME = "$TestDrive/home"; XDG_DATA_HOME = ''; XDG_CONFIG_HOME = ''; XDG_CACHE_HOME = ''; PSModulePath = '' }
    }

    AfterAll {
        Stop-TestEngine $engine
    }

    It 'builds an image, and is gone when it is uninstalled' {
        $null = New-Item -ItemType Directory "$TestDrive/repository"
        $result = Invoke-FreshPwsh -Environment $environment @"
`$ErrorActionPreference = 'Stop'
`$WarningPreference = 'Continue'
Register-PSResourceRepository -Name local -Uri '$TestDrive/repository' -Trusted
Publish-PSResource -NupkgPath '$package' -Repository local
'found ' + (Find-PSResource OpenCloud.Build -Repository local -Prerelease).Name
Install-PSResource OpenCloud.Build -Repository local -Prerelease
'at ' + (Get-Module OpenCloud.Build -ListAvailable).ModuleBase
'built ' + (Invoke-ImageBuild '$app' -Tag package/app:1 -Address '$($engine.address)').Digest
'help ' + (Get-Help Invoke-ImageBuild).Synopsis
Remove-Module OpenCloud.Build
Uninstall-PSResource OpenCloud.Build -Version '*' -Prerelease
'left ' + @(Get-Module OpenCloud.Build -ListAvailable).Count
"@
        $result.Errors | Should -BeNullOrEmpty
        $result.Output | Should -Match 'found OpenCloud\.Build'
        $result.Output | Should -Match "at $([regex]::Escape($environment.HOME))/\.local/share/powershell/Modules/OpenCloud\.Build/"
        $result.Output | Should -Match 'built sha256:'
        $result.Output | Should -Match 'help \w'
        $result.Output | Should -Match 'left 0'
    }

    It 'can be published from its folder, with the manifest as the repository''s only source' {
        $null = New-Item -ItemType Directory "$TestDrive/other"
        $result = Invoke-FreshPwsh -Environment $environment @"
`$ErrorActionPreference = 'Stop'
Register-PSResourceRepository -Name other -Uri '$TestDrive/other' -Trusted
Publish-PSResource -Path '$folder' -Repository other
"@
        $result.Errors | Should -BeNullOrEmpty
        Get-ChildItem "$TestDrive/other" | ForEach-Object Name | Should -Be $package.Name
        $theirs = ([xml] (Read-Entry "$TestDrive/other/$($package.Name)" OpenCloud.Build.nuspec)).package.metadata
        $ours = ([xml] (Read-Entry $package OpenCloud.Build.nuspec)).package.metadata
        foreach ($name in 'id', 'version', 'authors', 'description', 'licenseUrl') {
            $ours.$name | Should -Be $theirs.$name
        }
        @($theirs.tags -split ' ' | Where-Object { $_ -and $_ -notin ($ours.tags -split ' ') }) | Should -BeNullOrEmpty
    }
}
