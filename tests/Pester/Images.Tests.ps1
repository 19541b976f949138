BeforeDiscovery {
    . $PSScriptRoot/Common.ps1
    $fixture = Test-EngineFixture
}

BeforeAll {
    . $PSScriptRoot/Common.ps1
    $engineScript = [IO.Path]::Join($root, 'tests', 'fixture', 'engine')
}

Describe 'Images of containerd' -Skip:(-not $fixture.CanRun) {
    BeforeAll {
        $containerd = Start-TestEngine containerd-2
        $env:CONTAINERD_ADDRESS = $containerd.containerd

        # A small image, written by hand: what is tested is how it is moved and shown.
        $layout = Join-Path $TestDrive layout
        $blobs = New-Item -ItemType Directory (Join-Path $layout blobs sha256)
        function Add-Blob {
            param([string] $Text, [string] $MediaType)
            $bytes = [Text.Encoding]::UTF8.GetBytes($Text)
            $hex = [Convert]::ToHexStringLower([Security.Cryptography.SHA256]::HashData($bytes))
            [IO.File]::WriteAllBytes((Join-Path $blobs $hex), $bytes)
            "{`"mediaType`":`"$MediaType`",`"digest`":`"sha256:$hex`",`"size`":$($bytes.Length)"
        }
        $layer = (Add-Blob "layer" 'application/vnd.oci.image.layer.v1.tar') + '}'
        $diff = [Convert]::ToHexStringLower([Security.Cryptography.SHA256]::HashData([Text.Encoding]::UTF8.GetBytes('layer')))
        $config = (Add-Blob "{`"architecture`":`"amd64`",`"os`":`"linux`",`"config`":{`"Labels`":{`"a`":`"b`"}},`"rootfs`":{`"type`":`"layers`",`"diff_ids`":[`"sha256:$diff`"]}}" 'application/vnd.oci.image.config.v1+json') + '}'
        $manifest = Add-Blob "{`"schemaVersion`":2,`"mediaType`":`"application/vnd.oci.image.manifest.v1+json`",`"config`":$config,`"layers`":[$layer]}" 'application/vnd.oci.image.manifest.v1+json'
        $manifest2 = Add-Blob "{`"schemaVersion`":2,`"mediaType`":`"application/vnd.oci.image.manifest.v1+json`",`"config`":$config,`"layers`":[$layer],`"annotations`":{`"n`":`"2`"}}" 'application/vnd.oci.image.manifest.v1+json'
        Set-Content (Join-Path $layout oci-layout) '{"imageLayoutVersion":"1.0.0"}'
        $several = New-Item -ItemType Directory (Join-Path $TestDrive several)
        Copy-Item "$layout/*" $several -Recurse
        Set-Content (Join-Path $several index.json) "{`"schemaVersion`":2,`"manifests`":[$manifest,`"annotations`":{`"io.containerd.image.name`":`"docker.io/two/first:1`"}},$manifest2,`"annotations`":{`"io.containerd.image.name`":`"docker.io/two/second:1`"}}]}"
        Set-Content (Join-Path $layout index.json) "{`"schemaVersion`":2,`"manifests`":[$manifest,`"annotations`":{`"io.containerd.image.name`":`"docker.io/demo/app:1`"}}]}"
    }

    AfterAll {
        $env:CONTAINERD_ADDRESS = $null
        if ($containerd) {
            & $engineScript down $containerd.folder
        }
    }

    It 'imports, and moves nothing the second time' {
        $first = Import-ContainerImage $layout
        $first.Names | Should -Be 'demo/app:1'
        $first.References | Should -Be 'docker.io/demo/app:1'
        $first.ContentsMoved | Should -Be 3
        $second = Import-ContainerImage $layout
        $second.BytesMoved | Should -Be 0
        $second.ContentsPresent | Should -Be 3
        (Import-ContainerImage $layout -Force).BytesMoved | Should -BeGreaterThan 0
    }

    It 'does nothing with -WhatIf' {
        Import-ContainerImage $layout -Name never/there:1 -WhatIf
        Copy-ContainerImage demo/app:1 never/there:2 -WhatIf
        Remove-ContainerImage demo/app:1 -WhatIf
        Export-ContainerImage demo/app:1 (Join-Path $TestDrive never.tar) -WhatIf
        (Get-ContainerImage -Namespace '*').Name | Should -Be 'demo/app:1'
        Join-Path $TestDrive never.tar | Should -Not -Exist
    }

    It 'finds an image by every way to write its name' -ForEach 'demo/app', 'demo/app:1', 'docker.io/demo/app:1', 'demo/*', '*app:1', 'DEMO/a??:1' {
        $found = Get-ContainerImage $_
        $found.Name | Should -Be 'demo/app:1'
        $found.Reference | Should -Be 'docker.io/demo/app:1'
    }

    It 'filters by digest, platform and dangling' {
        $image = Get-ContainerImage
        (Get-ContainerImage -Digest $image.Digest.Substring(7, 12)).Name | Should -Be $image.Name
        (Get-ContainerImage -Digest $image.Id).Name | Should -Be $image.Name
        Get-ContainerImage -Digest ffffffffffff | Should -BeNullOrEmpty
        (Get-ContainerImage -Platform linux/amd64).Name | Should -Be $image.Name
        Get-ContainerImage -Platform linux/s390x | Should -BeNullOrEmpty
        Get-ContainerImage -Dangling | Should -BeNullOrEmpty
    }

    It 'has what docker''s summary has' {
        $image = Get-ContainerImage
        $image.Id | Should -Match '^sha256:[0-9a-f]{64}$'
        $image.RepoTags | Should -Be 'demo/app:1'
        $image.RepoDigests | Should -Be "demo/app@$($image.Id)"
        $image.Labels['a'] | Should -Be 'b'
        $image.Size | Should -Be ($image.ContentSize)
        $image.Created | Should -Not -BeNullOrEmpty
    }

    It 'says where an image is that is not here' {
        $null = Import-ContainerImage $layout -Name built/elsewhere:1 -Namespace buildkit
        Get-ContainerImage built/elsewhere:1 -ErrorVariable failed -ErrorAction SilentlyContinue
        $failed[0].FullyQualifiedErrorId | Should -BeLike 'ImageNotFound,*'
        $failed[0].CategoryInfo.Category | Should -Be ObjectNotFound
        "$($failed[0])" | Should -BeLike "*It exists in namespace 'buildkit' of containerd*"
        { Get-ContainerImage 'nothing/*' -ErrorAction Stop } | Should -Not -Throw
    }

    It 'copies, exports, removes and imports by the pipeline' {
        $copy = Get-ContainerImage demo/app:1 | Copy-ContainerImage -Destination demo/app:2, other/app:1 -PassThru
        $copy.Name | Should -Be 'demo/app:2', 'other/app:1'
        $file = Get-ContainerImage 'demo/*' | Export-ContainerImage -Destination (Join-Path $TestDrive both.tar)
        $file | Should -BeOfType System.IO.FileInfo
        # As Get-Item gives it.
        $file.PSPath | Should -Be (Get-Item (Join-Path $TestDrive both.tar)).PSPath
        $file.PSDrive | Should -Not -BeNullOrEmpty
        $directory = Get-ContainerImage 'demo/*' | Export-ContainerImage -Destination (Join-Path $TestDrive both) -Format Directory
        $directory | Should -BeOfType System.IO.DirectoryInfo
        Get-ContainerImage -Namespace '*' | Remove-ContainerImage
        Get-ContainerImage -Namespace '*' | Should -BeNullOrEmpty
        ($file, $directory | Import-ContainerImage).Names | Sort-Object -Unique | Should -Be 'demo/app:1', 'demo/app:2'
    }

    It 'takes the destination first when the image comes from the pipeline' {
        (Get-ContainerImage demo/app:1 | Copy-ContainerImage other/piped:1 -PassThru).Reference | Should -Be 'docker.io/other/piped:1'
        ('demo/app:1' | Add-ContainerImageTag piped, other/piped:2 -PassThru).Name | Should -Be 'demo/app:piped', 'other/piped:2'
        (Add-ContainerImageTag demo/app:1 third -PassThru).Name | Should -Be 'demo/app:third'
        (Get-ContainerImage demo/app:1 | Export-ContainerImage (Join-Path $TestDrive piped.tar)).Name | Should -Be 'piped.tar'
        ('demo/app:1' | Export-ContainerImage (Join-Path $TestDrive piped2.tar)).Name | Should -Be 'piped2.tar'
        Get-ContainerImage other/piped:1, other/piped:2, demo/app:piped, demo/app:third | Remove-ContainerImage
        { Add-ContainerImageTag demo/app:1 'no good' -ErrorAction Stop } | Should -Throw -ErrorId 'InvalidImageReference,*'
        { Get-ContainerImage demo/app:1 | Copy-ContainerImage -ErrorAction Stop } | Should -Throw -ErrorId 'ParameterMissing,*'
        { Export-ContainerImage demo/app:1 -ErrorAction Stop } | Should -Throw -ErrorId 'ParameterMissing,*'
    }

    It 'says with -WhatIf what would be done where' {
        $said = (Invoke-FreshPwsh "Import-Module '$manifestPath'
            Get-ContainerImage demo/app:1 | Add-ContainerImageTag stable -WhatIf
            Remove-ContainerImage demo/app:1 -WhatIf
            Export-ContainerImage demo/app:1 $TestDrive/whatif.tar -WhatIf
            Import-ContainerImage $layout -WhatIf" @{ CONTAINERD_ADDRESS = $containerd.containerd }).Output -split '\r?\n'
        $said[0] | Should -BeLike '*"Add the name demo/app:stable" on target "demo/app:1 in namespace default of containerd at unix://*'
        $said[1] | Should -BeLike '*"Remove the image, * B" on target "demo/app:1 in namespace default of *'
        $said[2] | Should -BeLike '*"Write demo/app:1 (* B in containerd at unix://*" on target "*/whatif.tar"*'
        $said[3] | Should -BeLike '*"Import from */layout into namespace default of containerd*" on target "demo/app:1"*'
    }

    It 'refuses what it cannot do before doing it: <id>' -ForEach @(
        @{ id = 'FileExists'; run = { Set-Content (Join-Path $TestDrive there.tar) x; Export-ContainerImage demo/app:1 (Join-Path $TestDrive there.tar) } }
        @{ id = 'PathNotFound'; run = { Export-ContainerImage demo/app:1 (Join-Path $TestDrive no such.tar) } }
        @{ id = 'PathNotFound'; run = { Import-ContainerImage (Join-Path $TestDrive nothing.tar) } }
        @{ id = 'ImageDamaged'; run = { Import-ContainerImage (Join-Path $TestDrive there.tar) } }
        @{ id = 'NameForSeveralImages'; run = { Import-ContainerImage $several -Name one/name:1 } }
        @{ id = 'ImageDamaged'; run = { [IO.File]::WriteAllBytes("$TestDrive/x.tar.zst", [byte[]](0x28, 0xB5, 0x2F, 0xFD) + [byte[]]::new(600)); Import-ContainerImage "$TestDrive/x.tar.zst" } }
        @{ id = 'InvalidImageReference'; run = { Copy-ContainerImage demo/app:1 'a//b' } }
        @{ id = 'TagWithDigest'; run = { Copy-ContainerImage demo/app:1 "a@sha256:$('0' * 64)" } }
        @{ id = 'InvalidNamespace'; run = { Get-ContainerImage -Namespace 'no good' } }
        @{ id = 'InvalidPlatform'; run = { Get-ContainerImage -Platform 'a b' } }
        @{ id = 'InvalidAddress'; run = { Get-ContainerImage -Address 'ftp://x' } }
        @{ id = 'ImageNotFound'; run = { Remove-ContainerImage not/there:1 } }
    ) {
        $before = @(Get-ContainerImage -Namespace '*').Count
        & $run -ErrorAction SilentlyContinue 2>&1 | Where-Object { $_ -is [Management.Automation.ErrorRecord] } |
            Select-Object -First 1 -ExpandProperty FullyQualifiedErrorId | Should -BeLike "$id,*"
        Get-ChildItem $TestDrive -Force -Filter '*.partial' | Should -BeNullOrEmpty
        @(Get-ContainerImage -Namespace '*').Count | Should -Be $before
    }

    It 'completes namespaces and names' {
        (TabExpansion2 'Get-ContainerImage -Namespace ').CompletionMatches.CompletionText | Should -Contain '*'
        (TabExpansion2 'Remove-ContainerImage demo/').CompletionMatches.CompletionText | Should -Contain 'demo/app:1'
    }

    It 'shows a table of 80 columns, grouped by store' {
        $text = Get-ContainerImage | Out-String -Width 80
        $text | Should -Match 'Store: unix://.*namespace default'
        $text | Should -Match '(?m)^[0-9a-f]{12} .* demo/app:1 *$'
        $text -split "`n" | ForEach-Object { $_.TrimEnd().Length | Should -BeLessOrEqual 80 }
    }
}
