# Engines as containers, on a Docker Engine and in containerd of the fixture, from images of a stand-in for BuildKit.
BeforeDiscovery {
    . $PSScriptRoot/Common.ps1
    $fixture = Test-EngineFixture
}

Describe 'An engine as a container' -Skip:(-not $fixture.CanRun) {
    BeforeAll {
        . $PSScriptRoot/Common.ps1
        $engine = Start-TestEngine
        $before = @{}
        foreach ($name in 'DOCKER_HOST', 'DOCKER_CONTEXT', 'DOCKER_CONFIG', 'PATH') {
            $before[$name] = [Environment]::GetEnvironmentVariable($name)
        }
        $docker = Join-Path (((& "$root/tests/fixture/engine" get docker-cli) -match '/docker-cli ') -split ' ')[-1] usr/bin
        $env:PATH = "${docker}:$env:PATH"
        $env:DOCKER_HOST = "unix://$($engine.docker)"
        $env:DOCKER_CONTEXT = ''
        $env:DOCKER_CONFIG = (New-Item -ItemType Directory "$TestDrive/docker").FullName

        $scripts = New-EngineImageDirectory "$TestDrive/image" $engine
        foreach ($target in 'first', 'second', 'silent', 'mute') {
            $null = Invoke-ImageBuild $scripts -Address $engine.address -Target $target -Output "type=oci,tar=false,dest=$TestDrive/$target" -ErrorAction Stop
        }

        # By the API: the docker command takes a second for three lists on a loaded machine.
        function Read-Docker([string] $Path) {
            # Invoke-RestMethod does not enumerate a list.
            $answer = Invoke-RestMethod -UnixSocket $engine.docker -Uri "http://docker$Path"
            $answer
        }
        function Get-Everything {
            foreach ($container in Read-Docker '/containers/json?all=1') { $container.Id }
            foreach ($volume in (Read-Docker '/volumes').Volumes) { $volume.Name }
            foreach ($image in Read-Docker '/images/json?all=1') { $image.Id }
        }
        function Get-Inspection([string] $Name) { Read-Docker "/containers/$Name/json" }
    }

    AfterAll {
        foreach ($name in $before.Keys) {
            [Environment]::SetEnvironmentVariable($name, $before[$name])
        }
        if ($engine) {
            Stop-TestEngine $engine
        }
    }

    It 'shows what it would create, and creates nothing' {
        New-BuildKitContainer -ImagePath "$TestDrive/first" -WhatIf | Should -BeNullOrEmpty
        New-BuildKitContainer -ImagePath "$TestDrive/first" -VsockPort 8088 -WhatIf | Should -BeNullOrEmpty
        Get-Everything | Should -BeNullOrEmpty
    }

    It 'refuses a vsock port to what no unit of systemd can name, before anything is created' {
        $link = "$TestDrive/a b.sock"
        $null = New-Item -ItemType SymbolicLink $link -Target $engine.docker
        $env:DOCKER_HOST = "unix://$link"
        try {
            Get-ErrorId { New-BuildKitContainer -ImagePath "$TestDrive/first" -VsockPort 8088 } | Should -BeLike "$((id -u) -eq 0 ? 'HostInputInvalid' : 'HostNeedsRoot'),*"
        }
        finally {
            $env:DOCKER_HOST = "unix://$($engine.docker)"
        }
        Get-Everything | Should -BeNullOrEmpty
    }

    It 'refuses <what> before anything is created' -ForEach @(
        @{ what = 'a name that is an option'; parameters = @{ Name = '-v' }; id = 'BuildKitContainerNameInvalid' }
        @{ what = 'a name with a slash'; parameters = @{ Name = 'a/b' }; id = 'BuildKitContainerNameInvalid' }
        @{ what = 'the name of a container that is being replaced'; parameters = @{ Name = 'a.previous' }; id = 'BuildKitContainerNameInvalid' }
        @{ what = 'the network of another container'; parameters = @{ Network = 'container:x' }; id = 'BuildKitContainerNameInvalid' }
        @{ what = 'a network that does not exist'; parameters = @{ Network = 'nowhere' }; id = 'BuildKitContainerNetworkNotFound' }
        @{ what = 'a path as a volume'; parameters = @{ CacheVolume = '/etc' }; id = 'BuildKitContainerNameInvalid' }
        @{ what = 'an image and an archive'; parameters = @{ Image = 'a' }; id = 'ParameterConflict' }
        @{ what = 'what is no Docker Engine of another machine'; parameters = @{ Address = 'tcp://127.0.0.1:1' }; id = 'BuildKitContainerUnsupported' }
    ) {
        Get-ErrorId { New-BuildKitContainer -ImagePath "$TestDrive/first" @parameters } | Should -BeLike "$id,*"
        Get-Everything | Should -BeNullOrEmpty
    }

    It 'refuses a Docker Engine that the docker command does not reach' {
        $env:DOCKER_HOST = 'unix:///nowhere/docker.sock'
        try {
            Get-ErrorId { New-BuildKitContainer -ImagePath "$TestDrive/first" -Address $engine.address } | Should -BeLike 'BuildKitContainerUnreachable,*'
        }
        finally {
            $env:DOCKER_HOST = "unix://$($engine.docker)"
        }
        Get-Everything | Should -BeNullOrEmpty
    }

    It 'is created from a layout, isolated, and answers' {
        $made = New-BuildKitContainer -ImagePath "$TestDrive/first"
        $made.Name, $made.Address, $made.State, "$($made.Change)", $made.Network, $made.CacheVolume | Should -Be 'buildkitd', 'docker-container://buildkitd', 'running', 'Created', 'none', 'buildkitd-cache'
        $made.VsockPort | Should -BeNullOrEmpty
        ($made | Get-BuildKitInfo).Version | Should -Be 'v0.32.2'
        $there = Get-Inspection buildkitd
        $there.HostConfig.Privileged, $there.HostConfig.RestartPolicy.Name, $there.HostConfig.NetworkMode | Should -Be $true, 'always', 'none'
        $there.Mounts[0].Name, $there.Mounts[0].Destination | Should -Be 'buildkitd-cache', '/var/lib/buildkit'
        $labels = $there.Config.Labels
        $labels.'opencloud.build.internal', $labels.'opencloud.build.image.digest', $labels.'opencloud.build.version' | Should -Be 'true', $made.Digest, (Get-Module OpenCloud.Build).Version.ToString()
        (docker volume inspect buildkitd-cache | ConvertFrom-Json)[0].Labels.'opencloud.build.engine' | Should -Be 'buildkitd'
    }

    It 'stays as it is when it is created again, also from an archive of the same image' {
        $all = Get-Everything
        tar -C "$TestDrive/first" -cf "$TestDrive/first.tar" .
        foreach ($path in "$TestDrive/first", "$TestDrive/first.tar") {
            $again = New-BuildKitContainer -ImagePath $path
            "$($again.Change)", $again.Name | Should -Be 'None', 'buildkitd'
        }
        (Get-BuildKitContainer | Update-BuildKitContainer).Change | Should -Be 'None'
        Get-Everything | Should -Be $all
    }

    It 'is started when it was stopped' {
        docker stop --time 0 buildkitd
        "$((New-BuildKitContainer -ImagePath "$TestDrive/first").Change)" | Should -Be 'Started'
        (Get-Inspection buildkitd).State.Running | Should -BeTrue
    }

    It 'is not replaced by a creation with another image or network' {
        $all = Get-Everything
        Get-ErrorId { New-BuildKitContainer -ImagePath "$TestDrive/second" } | Should -BeLike 'BuildKitContainerDifferent,*'
        Get-ErrorId { New-BuildKitContainer -ImagePath "$TestDrive/first" -Network bridge } | Should -BeLike 'BuildKitContainerDifferent,*'
        Get-Everything | Should -Be $all
    }

    It 'is replaced by an update with another image, and keeps its cache' {
        $old = Get-BuildKitContainer
        Update-BuildKitContainer -ImagePath "$TestDrive/second" -WhatIf | Should -BeNullOrEmpty
        (Get-Inspection buildkitd).Id | Should -Be $old.Id
        $new = $old | Update-BuildKitContainer -ImagePath "$TestDrive/second"
        "$($new.Change)" | Should -Be 'Updated'
        $new.Id, $new.Digest | Should -Not -BeIn $old.Id, $old.Digest
        docker exec buildkitd /bin/busybox cat /var/lib/buildkit/starts | Should -Contain "$($old.Id.Substring(0, 12)) "
        docker ps --all --quiet | Should -HaveCount 1
        docker image ls --all --quiet | Should -HaveCount 1
        "$((Update-BuildKitContainer -ImagePath "$TestDrive/second").Change)" | Should -Be 'None'
        $bridged = Update-BuildKitContainer -Network bridge
        "$($bridged.Change)", $bridged.Network, $bridged.Digest | Should -Be 'Updated', 'bridge', $new.Digest
    }

    It 'keeps the previous container when the new one does not answer' {
        $all = Get-Everything
        $failed = Update-BuildKitContainer -ImagePath "$TestDrive/silent" -ErrorAction SilentlyContinue -ErrorVariable errors
        $failed | Should -BeNullOrEmpty
        $errors[0].FullyQualifiedErrorId | Should -BeLike 'BuildKitContainerNotReady,*'
        "$($errors[0])" | Should -BeLike '*no settings for this engine*'
        Get-Everything | Should -Be $all
        (Get-BuildKitContainer | Get-BuildKitInfo).Version | Should -Be 'v0.32.2'
    }

    It 'continues from the previous container after an update was interrupted' {
        $id = (Get-Inspection buildkitd).Id
        docker stop --time 0 buildkitd
        docker rename buildkitd buildkitd.previous
        $again = Update-BuildKitContainer
        "$($again.Change)", $again.Id, $again.State | Should -Be 'Started', $id, 'running'
    }

    It 'leaves nothing when it does not answer' {
        $all = Get-Everything
        Get-ErrorId { New-BuildKitContainer other -ImagePath "$TestDrive/silent" } | Should -BeLike 'BuildKitContainerNotReady,*'
        Get-Everything | Should -Be $all
    }

    It 'refuses containers and volumes of others' {
        $null = docker create --name foreign --label opencloud.build.engine=other localhost/opencloud-build/buildkit:$((Get-BuildKitContainer).Digest.Substring(7, 12))
        $null = docker volume create other-cache
        Get-ErrorId { New-BuildKitContainer foreign -ImagePath "$TestDrive/second" } | Should -BeLike 'BuildKitContainerForeign,*'
        Get-ErrorId { Update-BuildKitContainer foreign -Network host } | Should -BeLike 'BuildKitContainerForeign,*'
        Get-ErrorId { Remove-BuildKitContainer foreign -Confirm:$false } | Should -BeLike 'BuildKitContainerForeign,*'
        Get-ErrorId { New-BuildKitContainer other -ImagePath "$TestDrive/second" } | Should -BeLike 'BuildKitContainerForeign,*'
        (Get-BuildKitContainer).Name | Should -Be 'buildkitd'
        docker rm foreign
        docker volume rm other-cache
    }

    It 'is listed and completed by its name' {
        Get-BuildKitContainer 'build*' | Should -HaveCount 1
        Get-ErrorId { Get-BuildKitContainer none } | Should -BeLike 'BuildKitContainerNotFound,*'
        Get-BuildKitContainer 'none*' | Should -BeNullOrEmpty
        # An answer that is late for one completion serves the next.
        for ($limit = 0; ($names = (TabExpansion2 'Remove-BuildKitContainer -Name b').CompletionMatches.CompletionText) -notcontains 'buildkitd' -and $limit -lt 50; $limit++) {
            Start-Sleep -Milliseconds 100
        }
        $names | Should -Contain 'buildkitd'
    }

    It 'is removed with its image, and its cache stays or goes' {
        Remove-BuildKitContainer buildkitd -WhatIf
        Get-BuildKitContainer | Should -HaveCount 1
        Get-BuildKitContainer | Remove-BuildKitContainer -KeepCache -Confirm:$false
        docker volume ls --quiet | Should -Be 'buildkitd-cache'
        docker image ls --all --quiet | Should -BeNullOrEmpty
        $null = New-BuildKitContainer -ImagePath "$TestDrive/first"
        (docker exec buildkitd /bin/busybox cat /var/lib/buildkit/starts).Count | Should -BeGreaterThan 3
        Remove-BuildKitContainer buildkitd -Confirm:$false
        Get-Everything | Should -BeNullOrEmpty
        Get-ErrorId { Remove-BuildKitContainer buildkitd -Confirm:$false } | Should -BeLike 'BuildKitContainerNotFound,*'
    }

    Context 'in <_>' -ForEach 'containerd-2', 'containerd-1' {
        BeforeAll {
            $box = Start-TestEngine $_
            $there = @{ Address = $box.address }
            # The machine's own folders stay as they are.
            $folder = "$($box.folder)/box"
            $folders = $env:OPENCLOUD_BUILD_CONTAINERS
            $env:OPENCLOUD_BUILD_CONTAINERS = $folder
            function Invoke-Ctr { & "$root/tests/fixture/engine" exec $box.folder ctr -a $box.containerd @args }
            function Get-Rest {
                Invoke-Ctr containers ls --quiet
                Invoke-Ctr tasks ls --quiet
                Invoke-Ctr images ls --quiet
                Invoke-Ctr leases ls --quiet
                Invoke-Ctr content ls --quiet
                Invoke-Ctr snapshots ls | Select-Object -Skip 1
                Get-ChildItem "$folder/containers", "$folder/volumes" -Name -ErrorAction Ignore
            }
        }

        AfterAll {
            $env:OPENCLOUD_BUILD_CONTAINERS = $folders
            if ($box) {
                Stop-TestEngine $box
            }
        }

        It 'is planned, and refused before anything is created' {
            New-BuildKitContainer @there -ImagePath "$TestDrive/first" -WhatIf | Should -BeNullOrEmpty
            Get-ErrorId { New-BuildKitContainer @there -ImagePath "$TestDrive/first" -Network bridge } | Should -BeLike 'BuildKitContainerNetworkNotFound,*'
            Get-ErrorId { New-BuildKitContainer @there -ImagePath "$TestDrive/first" -Rootless } | Should -BeLike 'BuildKitContainerUnsupported,*'
            Get-ErrorId { New-BuildKitContainer ('a' * 100) @there -ImagePath "$TestDrive/first" } | Should -BeLike 'BuildKitContainerNameInvalid,*'
            $open = New-Item -ItemType Directory "$($box.folder)/open"
            chmod 0777 $open
            $env:OPENCLOUD_BUILD_CONTAINERS = "$open/box"
            try {
                Get-ErrorId { New-BuildKitContainer @there -ImagePath "$TestDrive/first" } | Should -BeLike 'BuildKitContainerFolderUnusable,*'
            }
            finally {
                $env:OPENCLOUD_BUILD_CONTAINERS = $folder
            }
            Get-Rest | Should -BeNullOrEmpty
            $folder | Should -Not -Exist
        }

        It 'is created from a layout, isolated, and answers; created again it stays as it is' {
            $made = New-BuildKitContainer @there -ImagePath "$TestDrive/first"
            $made.Name, $made.Address, $made.State, "$($made.Change)", $made.Network, $made.CacheVolume |
                Should -Be 'buildkitd', "unix://$folder/containers/buildkitd/run/buildkitd.sock", 'running', 'Created', 'none', 'buildkitd-cache'
            ($made | Get-BuildKitInfo).Version | Should -Be 'v0.32.2'
            $container = Invoke-Ctr containers info $made.Id | ConvertFrom-Json
            $container.Labels.'opencloud.build.internal', $container.Labels.'containerd.io/restart.policy', $container.Labels.'containerd.io/restart.status' | Should -Be 'true', 'always', 'running'
            $container.Spec.linux.namespaces.type | Should -Contain 'network'
            Invoke-Ctr tasks exec --exec-id net $made.Id /bin/busybox ip -oneline link | Should -HaveCount 1
            foreach ($path in '', '/containers', '/containers/buildkitd', '/volumes/buildkitd-cache/data') {
                (Get-Item "$folder$path").UnixMode | Should -Be 'drwx------'
            }
            $all = Get-Rest
            "$((New-BuildKitContainer @there -ImagePath "$TestDrive/first").Change)" | Should -Be 'None'
            "$((Get-BuildKitContainer @there | Update-BuildKitContainer).Change)" | Should -Be 'None'
            Get-ErrorId { New-BuildKitContainer @there -ImagePath "$TestDrive/second" } | Should -BeLike 'BuildKitContainerDifferent,*'
            Get-Rest | Should -Be $all
        }

        It 'is started again by containerd when its program ends, and by the cmdlet when it was stopped' {
            $id = (Get-BuildKitContainer @there).Id
            Invoke-Ctr tasks kill --signal SIGKILL $id
            for ($limit = 0; (Get-Content "$folder/volumes/buildkitd-cache/data/starts").Count -lt 2 -and $limit -lt 300; $limit++) {
                Start-Sleep -Milliseconds 50
            }
            "$((New-BuildKitContainer @there -ImagePath "$TestDrive/first").State)" | Should -Be 'running'
            Invoke-Ctr containers label $id containerd.io/restart.status=stopped | Out-Null
            (Get-BuildKitContainer @there).State | Should -Not -Be 'running'
            $again = New-BuildKitContainer @there -ImagePath "$TestDrive/first"
            "$($again.Change)", $again.State, $again.Id | Should -Be 'Started', 'running', $id
        }

        It 'is replaced by an update, keeps its cache, and comes back when the new engine does not answer' {
            $old = Get-BuildKitContainer @there
            $new = $old | Update-BuildKitContainer -ImagePath "$TestDrive/second" -Network host
            "$($new.Change)", $new.Network, $new.Address | Should -Be 'Updated', 'host', $old.Address
            $new.Id, $new.Digest | Should -Not -BeIn $old.Id, $old.Digest
            Get-Content "$folder/volumes/buildkitd-cache/data/starts" | Should -Contain "$($old.Id.Substring(0, 12)) "
            (Invoke-Ctr containers info $new.Id | ConvertFrom-Json).Spec.linux.namespaces.type | Should -Not -Contain 'network'
            Invoke-Ctr containers ls --quiet | Should -Be $new.Id
            Invoke-Ctr images ls --quiet | Should -HaveCount 1
            $all = Get-Rest
            $failed = Update-BuildKitContainer @there -ImagePath "$TestDrive/silent" -ErrorAction SilentlyContinue -ErrorVariable errors
            $failed | Should -BeNullOrEmpty
            $errors[0].FullyQualifiedErrorId | Should -BeLike 'BuildKitContainerNotReady,*'
            "$($errors[0])" | Should -BeLike '*no settings for this engine*'
            Get-Rest | Should -Be $all
            (Get-BuildKitContainer @there | Get-BuildKitInfo).Version | Should -Be 'v0.32.2'
        }

        It 'leaves nothing when it is stopped while it waits' {
            $all = Get-Rest
            $shell = [powershell]::Create().AddScript('Import-Module $args[0]; New-BuildKitContainer other -Address $args[1] -ImagePath $args[2]').AddArgument($manifestPath).AddArgument($box.address).AddArgument("$TestDrive/mute")
            $run = $shell.BeginInvoke()
            for ($limit = 0; @(Get-BuildKitContainer @there | Where-Object State -EQ running).Count -lt 2 -and $limit -lt 200; $limit++) {
                Start-Sleep -Milliseconds 50
            }
            $limit | Should -BeLessThan 200
            $shell.Stop()
            try { $shell.EndInvoke($run) } catch { $null = $_ }
            $shell.Dispose()
            Get-Rest | Should -Be $all
        }

        It 'refuses volumes of others' {
            $all = Get-Rest
            $foreign = New-Item -ItemType Directory "$folder/volumes/other-cache"
            Set-Content "$foreign/file" 'kept'
            Get-ErrorId { New-BuildKitContainer other @there -ImagePath "$TestDrive/first" } | Should -BeLike 'BuildKitContainerForeign,*'
            Get-ErrorId { New-BuildKitContainer other @there -ImagePath "$TestDrive/first" -CacheVolume buildkitd-cache } | Should -BeLike 'BuildKitContainerForeign,*'
            Remove-Item $foreign -Recurse
            Get-Rest | Should -Be $all
        }

        It 'is removed with all that it had, and its cache stays or goes' {
            $id = (Get-BuildKitContainer @there).Id
            Get-BuildKitContainer @there | Remove-BuildKitContainer -KeepCache -Confirm:$false
            Get-Rest | Should -Be 'buildkitd-cache'
            $null = New-BuildKitContainer @there -ImagePath "$TestDrive/first"
            Get-Content "$folder/volumes/buildkitd-cache/data/starts" | Should -Contain "$($id.Substring(0, 12)) "
            Remove-BuildKitContainer buildkitd @there -Confirm:$false
            Get-Rest | Should -BeNullOrEmpty
            Get-ErrorId { Remove-BuildKitContainer buildkitd @there -Confirm:$false } | Should -BeLike 'BuildKitContainerNotFound,*'
        }
    }
}
