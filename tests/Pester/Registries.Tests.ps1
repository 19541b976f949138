BeforeDiscovery {
    . $PSScriptRoot/Common.ps1
    $fixture = Test-EngineFixture
}

BeforeAll {
    . $PSScriptRoot/Common.ps1
    $engineScript = [IO.Path]::Join($root, 'tests', 'fixture', 'engine')

    # Debian's docker-registry on this machine's loopback, with a user and a password.
    function Start-TestRegistry([string] $Folder) {
        $program = (& $engineScript get registry | Where-Object { $_ -match '/docker-registry ' }) -replace '^.* '
        $listener = [Net.Sockets.TcpListener]::new([Net.IPAddress]::Loopback, 0)
        $listener.Start()
        $port = $listener.LocalEndpoint.Port
        $listener.Stop()
        $null = New-Item -ItemType Directory $Folder
        # The password as htpasswd would write it (bcrypt).
        Set-Content "$Folder/htpasswd" 'builder:$2b$05$abcdefghijklmnopqrstuusWsnA3PCG6MJhsuMdaZgkE21cQMslZi'
        Set-Content "$Folder/config.yml" "{version: 0.1, log: {level: info}, storage: {filesystem: {rootdirectory: $Folder/data}}, http: {addr: '127.0.0.1:$port'}, auth: {htpasswd: {realm: test, path: $Folder/htpasswd}}}"
        $process = Start-Process "$program/usr/bin/docker-registry" 'serve', "$Folder/config.yml" -RedirectStandardError "$Folder/log" -RedirectStandardOutput "$Folder/out" -PassThru
        for ($i = 0; $i -lt 500 -and -not (Select-String 'listening on' "$Folder/log" -Quiet); $i++) {
            Start-Sleep -Milliseconds 20
        }
        [pscustomobject]@{ Host = "127.0.0.1:$port"; Process = $process; Folder = $Folder; Data = "$Folder/data/docker/registry/v2/repositories" }
    }

    # An index of two platforms, one of which has an attestation. The layer is larger than one request.
    function New-RegistryLayout([string] $Folder, [string] $Name) {
        $provenance = [ordered]@{ _type = 'https://in-toto.io/Statement/v0.1'; predicateType = 'https://slsa.dev/provenance/v1'; subject = @(@{ name = 'x' })
            predicate = [ordered]@{ buildDefinition = [ordered]@{ buildType = 'https://made.test/type'; resolvedDependencies = @(@{ uri = 'pkg:docker/busybox' }) }; runDetails = @{ builder = @{ id = 'https://made.test/builder' } } } }
        New-TestLayout $Folder $Name -Architecture amd64, arm64 -Size 9MB -Config @{ Labels = @{ a = 'b' } } -Statement @{ amd64 = $provenance }
    }
}

Describe 'Registries' -Skip:(-not $fixture.CanRun) {
    BeforeAll {
        $registry = Start-TestRegistry (Join-Path $TestDrive registry)
        $at = $registry.Host
        $oldConfig = $env:DOCKER_CONFIG
        $env:DOCKER_CONFIG = Join-Path $TestDrive docker
        $password = ConvertTo-SecureString 'pass word:1' -AsPlainText -Force
        $login = [pscredential]::new('builder', $password)
        $digest = New-RegistryLayout (Join-Path $TestDrive layout) "$at/made/app:1"
        $layout = Join-Path $TestDrive layout
    }

    AfterAll {
        $env:DOCKER_CONFIG = $oldConfig
        if ($registry) {
            $registry.Process.Kill()
        }
    }

    Context 'Logins' {
        It 'are verified before they are saved' {
            $other = [pscredential]::new('builder', (ConvertTo-SecureString 'secret-of-nobody' -AsPlainText -Force))
            Connect-ContainerRegistry $at $other -ErrorVariable failed -ErrorAction SilentlyContinue
            $failed[0].FullyQualifiedErrorId | Should -BeLike 'RegistryLoginRequired,*'
            "$($failed[0] | Out-String)$($failed[0].Exception)" | Should -Not -BeLike '*secret-of-nobody*'
            Join-Path $env:DOCKER_CONFIG config.json | Should -Not -Exist
        }

        It 'do nothing with -WhatIf' {
            Connect-ContainerRegistry $at $login -WhatIf
            Join-Path $env:DOCKER_CONFIG config.json | Should -Not -Exist
        }

        It 'are saved as docker does, for the owner alone, beside what is there' {
            $null = New-Item -ItemType Directory $env:DOCKER_CONFIG -Force
            Set-Content "$env:DOCKER_CONFIG/config.json" '{"credHelpers":{"other.test":"none"},"psFormat":"x"}'
            $made = Connect-ContainerRegistry $at -UserName builder -Password $password
            $made.SavedIn | Should -Be "$env:DOCKER_CONFIG/config.json"
            $config = Get-Content -Raw "$env:DOCKER_CONFIG/config.json" | ConvertFrom-Json
            [Text.Encoding]::UTF8.GetString([Convert]::FromBase64String($config.auths.$at.auth)) | Should -Be 'builder:pass word:1'
            $config.psFormat | Should -Be 'x'
            $config.credHelpers.'other.test' | Should -Be 'none'
            stat -c %a "$env:DOCKER_CONFIG/config.json" | Should -Be 600
            Disconnect-ContainerRegistry $at
            (Get-Content -Raw "$env:DOCKER_CONFIG/config.json" | ConvertFrom-Json).auths.PSObject.Properties.Name | Should -Not -Contain $at
            Get-ErrorId { Disconnect-ContainerRegistry $at } | Should -BeLike 'RegistryLoginNotFound,*'
        }

        It 'are kept by the helper that the configuration names' {
            $tools = (New-Item -ItemType Directory (Join-Path $TestDrive tools)).FullName
            Set-Content "$tools/docker-credential-made" "#!/bin/sh`ncat > $tools/`$1.in`n[ `$1 != get ] || cat $tools/store.in`n"
            chmod 755 "$tools/docker-credential-made"
            $oldPath = $env:PATH
            try {
                $env:PATH = "${tools}:$env:PATH"
                Set-Content "$env:DOCKER_CONFIG/config.json" '{"credsStore":"made"}'
                ('pass word:1' | Connect-ContainerRegistry $at -UserName builder -PasswordStdin).SavedIn | Should -Be 'docker-credential-made'
                (Get-Content "$tools/store.in" | ConvertFrom-Json).Secret | Should -Be 'pass word:1'
                Get-Content -Raw "$env:DOCKER_CONFIG/config.json" | Should -Not -BeLike '*cGFzc*'
                (Send-ContainerImage -Path $layout -Destination "$at/helper/app:1").Digest | Should -Be $digest
                Disconnect-ContainerRegistry $at
                Get-Content "$tools/erase.in" | Should -Be $at
            }
            finally {
                $env:PATH = $oldPath
                Remove-Item "$env:DOCKER_CONFIG/config.json"
            }
        }

        It 'are refused where they cannot be logins: <id>' -ForEach @(
            @{ id = 'InvalidRegistry'; run = { Connect-ContainerRegistry https://x.test $login } }
            @{ id = 'InvalidRegistry'; run = { Connect-ContainerRegistry 'x.test/a' $login } }
            @{ id = 'InvalidRegistryLogin'; run = { '' | Connect-ContainerRegistry $at -UserName builder -PasswordStdin } }
            @{ id = 'RegistryUnreachable'; run = { Connect-ContainerRegistry 127.0.0.1:1 $login } }
            @{ id = 'RegistryLoginNotSaved'; run = { Set-Content "$env:DOCKER_CONFIG/config.json" '{'; Connect-ContainerRegistry $at $login; Remove-Item "$env:DOCKER_CONFIG/config.json" } }
        ) {
            Get-ErrorId $run | Should -BeLike "$id,*"
        }
    }

    Context 'Archives' {
        It 'need a login' {
            Get-ErrorId { Send-ContainerImage -Path $layout } | Should -BeLike 'RegistryLoginRequired,*'
            Get-ErrorId { Receive-ContainerImage "$at/made/app:1" -Path "$TestDrive/never.tar" } | Should -BeLike 'RegistryLoginRequired,*'
            "$TestDrive/never.tar" | Should -Not -Exist
        }

        It 'go to a registry, and nothing the second time' {
            $null = Connect-ContainerRegistry $at $login
            Send-ContainerImage -Path $layout -WhatIf
            Join-Path $registry.Data made | Should -Not -Exist
            $first = Send-ContainerImage -Path $layout
            $first.References | Should -Be "$at/made/app:1"
            $first.Digest | Should -Be $digest
            "$($first.Platforms)" | Should -Be 'linux/amd64 linux/arm64'
            $first.ContentsMoved | Should -Be 9
            $second = Get-Item $layout | Send-ContainerImage -Destination "$at/made/app:1", "$at/made/app:2"
            $second.BytesMoved | Should -Be 0
            Get-Content "$($registry.Data)/made/app/_manifests/tags/2/current/link" | Should -Be $digest
        }

        It 'come from a registry, whole, by tag and by digest' {
            $tar = Receive-ContainerImage "$at/made/app:1" -Path "$TestDrive/app.tar"
            $tar.Digest | Should -Be $digest
            $directory = "$at/made/app@$digest" | Pull-ContainerImage -Path "$TestDrive/received" -Format Directory -NewName other/name:1
            $directory.References | Should -Be 'docker.io/other/name:1'
            Get-ChildItem "$TestDrive/received/blobs/sha256" | Should -HaveCount 9
            (Get-ChildItem "$layout/blobs/sha256").Name | Should -Be (Get-ChildItem "$TestDrive/received/blobs/sha256").Name
            (Send-ContainerImage -Path "$TestDrive/app.tar" -Destination "$at/second/app:1").ContentsMoved | Should -BeGreaterThan 0
        }

        It 'can be of some platforms' {
            $sent = Push-ContainerImage -Path $layout -Destination "$at/some/app:1" -Platform linux/arm64
            $sent.Digest | Should -Not -Be $digest
            "$($sent.Platforms)" | Should -Be 'linux/arm64'
            Get-ErrorId { Send-ContainerImage -Path $layout -Destination "$at/none/app:1" -Platform linux/s390x } | Should -BeLike 'ImageDamaged,*'
        }

        It 'are refused before anything moves: <id>' -ForEach @(
            @{ id = 'RegistryImageNotFound'; run = { Receive-ContainerImage "$at/made/app:none" -Path "$TestDrive/never.tar" } }
            @{ id = 'InvalidImageReference'; run = { Receive-ContainerImage 'a//b' -Path "$TestDrive/never.tar" } }
            @{ id = 'FileExists'; run = { Receive-ContainerImage "$at/made/app:1" -Path "$TestDrive/app.tar" } }
            @{ id = 'TagWithDigest'; run = { Send-ContainerImage -Path $layout -Destination "$at/x@$digest" } }
            @{ id = 'PathNotFound'; run = { Send-ContainerImage -Path "$TestDrive/nothing" } }
            @{ id = 'InvalidPlatform'; run = { Send-ContainerImage -Path $layout -Platform 'a b' } }
            @{ id = 'NameForSeveralImages'; run = { Receive-ContainerImage a, b -NewName c } }
        ) {
            Get-ErrorId $run | Should -BeLike "$id,*"
            "$TestDrive/never.tar" | Should -Not -Exist
        }

        It 'are listed with platforms, sizes and attestations' {
            $images = Get-ContainerImage -Registry "$at/made/app"
            $images.Tag | Should -Be '1', '2'
            $image = $images[0]
            $image.Reference | Should -Be "$at/made/app:1"
            $image.Digest | Should -Be $digest
            $image.Store | Should -Be "registry://$at"
            $image.Platforms.Platform | Should -Be 'linux/amd64', 'linux/arm64'
            $image.Platforms[0].ContentSize | Should -BeGreaterThan 9MB
            $image.Attestations | Should -Be 1
            $image.Labels['a'] | Should -Be 'b'
            $image.IsComplete | Should -BeTrue
            (Get-ContainerImage -Registry "$at/made/app:[2-9]").Tag | Should -Be 2
            (Get-ContainerImage -Registry "$at/made/app@$digest").Digest | Should -Be $digest
            (Get-ContainerImage -Registry "$at/made/app" -Platform linux/arm64).Tag | Should -Be '1', '2'
            Get-ContainerImage -Registry "$at/made/app" -Platform linux/s390x | Should -BeNullOrEmpty
            $image | Out-String -Width 80 | Should -BeLike "*made/app*"
            Get-ErrorId { Get-ContainerImage -Registry "$at/made/app:none" } | Should -BeLike 'RegistryImageNotFound,*'
            Get-ErrorId { Get-ContainerImage -Registry "$at/none/app" } | Should -BeLike 'RegistryImageNotFound,*'
            Get-ErrorId { Get-ContainerImage -Registry 'a//b' } | Should -BeLike 'InvalidImageReference,*'
        }

        It 'are copied between repositories by mounts' {
            Copy-ContainerImage "$at/made/app:1" "$at/copied/app:1" -FromRegistry -ToRegistry -WhatIf
            Join-Path $registry.Data copied | Should -Not -Exist
            $copy = Copy-ContainerImage "$at/made/app:1" "$at/copied/app:1" -FromRegistry -ToRegistry -PassThru
            $copy.Digest | Should -Be $digest
            $copy.ContentsMounted | Should -Be 5
            $copy.BytesMoved | Should -BeLessThan 1MB
            Get-ContainerImage -Registry "$at/made/app:2" | Copy-ContainerImage -Destination "$at/copied/app:2" -ToRegistry
            (Get-ContainerImage -Registry "$at/copied/app").Tag | Should -Be '1', '2'
            Get-ErrorId { Copy-ContainerImage "$at/made/app:none" "$at/copied/app:3" -FromRegistry -ToRegistry } | Should -BeLike 'RegistryImageNotFound,*'
        }

        It 'are joined into an index, with attestations' {
            $null = Send-ContainerImage -Path $layout -Destination "$at/part/app:amd64" -Platform linux/amd64
            $null = Send-ContainerImage -Path $layout -Destination "$at/part/app:arm64" -Platform linux/arm64
            New-ContainerImageIndex "$at/part/app:amd64", "$at/part/app:arm64" "$at/joined/app:1" -WhatIf
            Join-Path $registry.Data joined | Should -Not -Exist
            $index = New-ContainerImageIndex "$at/part/app:amd64", "$at/part/app:arm64" "$at/joined/app:1"
            "$($index.Platforms)" | Should -Be 'linux/amd64 linux/arm64'
            $made = Get-ContainerImage -Registry "$at/joined/app:1"
            $made.Digest | Should -Be $index.Digest
            $made.Platforms.Platform | Should -Be 'linux/amd64', 'linux/arm64'
            $made.Attestations | Should -Be 1
            $null = Receive-ContainerImage "$at/part/app:arm64" -Path "$TestDrive/arm64.tar"
            $file = "$at/part/app:amd64" | New-ContainerImageIndex -Archive "$TestDrive/arm64.tar" -Destination joined/app:1 -Path "$TestDrive/joined" -Format Directory
            "$($file.Platforms)" | Should -Be 'linux/amd64 linux/arm64'
            (Send-ContainerImage -Path "$TestDrive/joined" -Destination "$at/joined/app:2").Digest | Should -Be $file.Digest
            Get-ErrorId { New-ContainerImageIndex -Destination "$at/joined/app:3" } | Should -BeLike 'ParameterConflict,*'
        }

        It 'have attestations and signatures' {
            $statement = Get-ContainerImageAttestation -Path $layout
            $statement.Kind | Should -Be Provenance
            $statement.Format | Should -Be 'SLSA 1'
            $statement.Platform | Should -Be linux/amd64
            $statement.Builder | Should -Be 'https://made.test/builder'
            $statement.Materials | Should -Be 'pkg:docker/busybox'
            ($statement.Statement | ConvertFrom-Json).predicateType | Should -Be $statement.PredicateType
            (Get-ContainerImageAttestation -Registry "$at/made/app:1").Digest | Should -Be $statement.Digest
            Get-ContainerImageAttestation -Path $layout -Kind Sbom | Should -BeNullOrEmpty
            Get-ContainerImageAttestation -Path $layout -Platform linux/arm64 | Should -BeNullOrEmpty
            $null = Send-ContainerImage -Path $layout -Destination "$at/made/app:$($digest -replace ':', '-').sig"
            $all = Get-ContainerImage -Registry "$at/made/app:1" | Get-ContainerImageAttestation
            $all.Kind | Should -Be 'Provenance', 'Signature'
            $all[1].Subject | Should -Be $digest
            $all | Out-String -Width 80 | Should -BeLike '*Provenance SLSA 1*'
            Get-ErrorId { Get-ContainerImageAttestation -Registry "$at/made/app:none" } | Should -BeLike 'RegistryImageNotFound,*'
        }

        It 'are shown in 80 columns' {
            $text = Send-ContainerImage -Path $layout -Destination "$at/made/app:1" | Out-String -Width 80
            $text | Should -Match "made/app:1"
            $text -split "`n" | ForEach-Object { $_.TrimEnd().Length | Should -BeLessOrEqual 80 }
        }

        It 'complete registries from the logins' {
            (TabExpansion2 'Receive-ContainerImage ').CompletionMatches.CompletionText | Should -Contain "$at/"
            (TabExpansion2 'Connect-ContainerRegistry ').CompletionMatches.CompletionText | Should -Contain $at
        }
    }

    Context 'Stores: <_>' -ForEach 'containerd-2', 'docker-28', 'docker-20' {
        BeforeAll {
            $null = Connect-ContainerRegistry $at $login
            $null = Send-ContainerImage -Path $layout
            $name = $_
            $engine = Start-TestEngine $name
            $address = $name -like 'containerd*' ? $engine.containerd : "docker://$($engine.docker -replace '^unix://')"
        }

        AfterAll {
            if ($engine) {
                & $engineScript down $engine.folder
            }
        }

        It 'receive, and nothing the second time; what is received is sent' {
            Receive-ContainerImage "$at/made/app:1" -Address $address -WhatIf
            Get-ContainerImage -Address $address | Should -BeNullOrEmpty
            $first = Receive-ContainerImage "$at/made/app:1" -Address $address
            $first.ContentsMoved | Should -Be ($name -eq 'docker-20' ? 7 : 9)
            $second = Receive-ContainerImage "$at/made/app:1" -Address $address -NewName made/again:1
            $second.BytesMoved | Should -Be 0
            $image = Get-ContainerImage made/again:1 -Address $address
            $image.Labels['a'] | Should -Be 'b'
            $sent = Get-ContainerImage "$at/made/app:1" -Address $address | Send-ContainerImage -Destination "$at/$name/app:1"
            $sent.Digest | Should -Be ($name -eq 'docker-20' ? $sent.Digest : $digest)
            ($name -eq 'docker-20' ? 1 : $name -like 'containerd*' ? $sent.ContentsMounted : 1) | Should -BeGreaterThan 0
            $received = Receive-ContainerImage "$at/$name/app:1" -Path "$TestDrive/$name.tar"
            (tar -tf "$TestDrive/$name.tar") -match '^blobs/.*[0-9a-f]$' | Should -HaveCount ($name -eq 'docker-20' ? 3 : 9)
            (Get-ContainerImageAttestation "$at/made/app:1" -Address $address).Builder | Should -Be ($name -eq 'docker-20' ? $null : 'https://made.test/builder')
            $copy = Get-ContainerImage -Registry "$at/made/app:1" | Copy-ContainerImage -Destination copied/here:1 -DestinationAddress $address -PassThru
            $copy.BytesMoved | Should -Be 0
            (Copy-ContainerImage copied/here:1 "$at/$name/app:2" -ToRegistry -Address $address -PassThru).Digest | Should -Be $sent.Digest
        }

        if ($_ -eq 'docker-28') {
            It 'a build''s record has its provenance' {
                $app = New-BuildDirectory (Join-Path $TestDrive app) $engine "FROM scratch`nCOPY busybox /busybox"
                $built = Invoke-ImageBuild $app -Tag built/here:1 -Provenance max -Address $address
                $statement = Get-BuildHistory $built.Ref -Address $address | Get-ContainerImageAttestation -Kind Provenance
                $statement.Format | Should -BeLike 'SLSA *'
                $statement.BuildType | Should -BeLike '*buildkit*'
                (Get-ContainerImageAttestation built/here:1 -Address $address -Kind Provenance).BuildType | Should -Be $statement.BuildType
            }
        }
    }
}

# go-containerregistry's registry, which Debian has inside crane: no chunks that resume, no authorization, manifests in memory only.
Describe 'A registry of another origin' -Skip:(-not $fixture.CanRun) {
    BeforeAll {
        $program = (& $engineScript get crane) -replace '^.* '
        $listener = [Net.Sockets.TcpListener]::new([Net.IPAddress]::Loopback, 0)
        $listener.Start()
        $at = "127.0.0.1:$($listener.LocalEndpoint.Port)"
        $listener.Stop()
        $second = Start-Process "$program/usr/bin/crane" 'registry', 'serve', '--address', $at -RedirectStandardError "$TestDrive/crane.log" -RedirectStandardOutput "$TestDrive/crane.out" -PassThru
        for ($i = 0; $i -lt 500 -and -not (Select-String 'serving on' "$TestDrive/crane.log" -Quiet); $i++) {
            Start-Sleep -Milliseconds 20
        }
        $layout = Join-Path $TestDrive second
        $digest = New-RegistryLayout $layout "$at/made/app:1"
        $first = Start-TestRegistry (Join-Path $TestDrive first)
        $oldConfig = $env:DOCKER_CONFIG
        $env:DOCKER_CONFIG = Join-Path $TestDrive docker2
        $null = Connect-ContainerRegistry $first.Host ([pscredential]::new('builder', (ConvertTo-SecureString 'pass word:1' -AsPlainText -Force)))
    }

    AfterAll {
        $env:DOCKER_CONFIG = $oldConfig
        foreach ($process in $second, $first.Process) {
            if ($process) {
                $process.Kill()
                $process.WaitForExit()
            }
        }
    }

    It 'gets an image, and nothing the second time' {
        $sent = Send-ContainerImage -Path $layout
        $sent.Digest | Should -Be $digest
        $sent.ContentsMoved | Should -Be 9
        (Send-ContainerImage -Path $layout -Destination "$at/made/app:2").BytesMoved | Should -Be 0
    }

    It 'lists and gives it' {
        $images = Get-ContainerImage -Registry "$at/made/app"
        $images.Tag | Should -Be '1', '2'
        $images[0].Platforms.Platform | Should -Be 'linux/amd64', 'linux/arm64'
        $images[0].Attestations | Should -Be 1
        $null = Receive-ContainerImage "$at/made/app@$digest" -Path "$TestDrive/back" -Format Directory -NewName made/app:1
        (Get-ChildItem "$TestDrive/back/blobs/sha256").Name | Should -Be (Get-ChildItem "$layout/blobs/sha256").Name
        Get-ErrorId { Receive-ContainerImage "$at/made/app:none" -Path "$TestDrive/never.tar" } | Should -BeLike 'RegistryImageNotFound,*'
    }

    It 'exchanges images with Debian''s' {
        (Copy-ContainerImage "$at/made/app:1" "$($first.Host)/copied/app:1" -FromRegistry -ToRegistry -PassThru).Digest | Should -Be $digest
        (Copy-ContainerImage "$($first.Host)/copied/app:1" "$at/back/app:1" -FromRegistry -ToRegistry -PassThru).Digest | Should -Be $digest
        (Copy-ContainerImage "$at/made/app:1" "$at/other/app:1" -FromRegistry -ToRegistry -PassThru).Digest | Should -Be $digest
        (Get-ContainerImageAttestation -Registry "$at/back/app:1").Kind | Should -Be Provenance
    }

    It 'gets an index of some platforms' {
        (Send-ContainerImage -Path $layout -Destination "$at/part/app:1" -Platform linux/arm64).Platforms | Should -Be 'linux/arm64'
        $index = New-ContainerImageIndex "$at/part/app:1", "$($first.Host)/copied/app:1" "$at/joined/app:1"
        "$($index.Platforms)" | Should -Be 'linux/arm64 linux/amd64'
    }
}
