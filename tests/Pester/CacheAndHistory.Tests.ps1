BeforeDiscovery {
    . $PSScriptRoot/Common.ps1
    $fixture = Test-EngineFixture
}

BeforeAll {
    . $PSScriptRoot/Common.ps1
    $engineScript = [IO.Path]::Join($root, 'tests', 'fixture', 'engine')
}

Describe 'Cache and history of <_>' -Skip:(-not $fixture.CanRun) -ForEach 'docker-26', 'docker-28' {
    BeforeAll {
        $docker = Start-TestEngine $_
        $context = New-Item -ItemType Directory (Join-Path $TestDrive "context-$_")
        Copy-Item $docker.busybox (Join-Path $context busybox)
        $text = 'FROM scratch', 'COPY busybox /bin/busybox', 'RUN ["/bin/busybox", "sh", "-c", "echo said by the build"]'
        $built = Invoke-ImageBuild $context -DockerfileText $text -Tag demo/history:1 -Address $docker.address
        $broken = Invoke-ImageBuild $context -DockerfileText ($text + 'RUN ["/bin/busybox", "false"]') -Address $docker.address -ErrorAction SilentlyContinue
    }

    AfterAll {
        if ($docker) {
            & $engineScript down $docker.folder
        }
    }

    It 'answers what it is' {
        Wait-BuildKit $docker.address -Timeout 10s
        $info = Get-BuildKitInfo -Address $docker.address
        $info.IsDockerEngine | Should -BeTrue
        $info.Executor | Should -Be 'containerd'
        $info.Platforms.Count | Should -BeGreaterThan 0
        (Get-BuildKitWorker -Address $docker.address).Id | Should -Be $info.Workers[0]
    }

    It 'lists what has been built as an image' {
        $image = $built | Get-ContainerImage
        $image.Name | Should -Be 'demo/history:1'
        $image.Reference | Should -Be $built.References
        $built.Names | Should -Be $image.Name
        $image.Id | Should -Be $built.Digest
        $image.Platforms.Platform | Should -Match '^linux/'
    }

    It 'lists no build for a variable without a value' {
        Get-BuildHistory $null -Address $docker.address | Should -BeNullOrEmpty
        Get-BuildHistory -Ref @() -Address $docker.address | Should -BeNullOrEmpty
    }

    It 'tells of past builds' {
        $record = $built | Get-BuildHistory
        $record.Status | Should -Be Completed
        $record.StepCount | Should -Be $built.StepCount
        $record.CachedCount | Should -Be $built.CachedCount
        $record.Digest | Should -Be $built.Digest
        $failed = Get-BuildHistory -Address $docker.address -Status Failed
        $failed.Count | Should -Be 1
        # Of an image without a name the history has the directory.
        $failed.Context, $failed.Subject | Should -Be $context.Name, $context.Name
        $failed.Error | Should -BeLike '*exit code: 1*'
        (Get-BuildHistory -Address $docker.address $record.Ref.Substring(0, 10)).Ref | Should -Be $record.Ref
    }

    It 'gives the log of a past build' {
        ($built | Get-BuildLog) -match 'said by the build' | Should -Not -BeNullOrEmpty
        (Get-BuildHistory -Address $docker.address -Status Failed | Get-BuildLog) -match 'ERROR: .*exit code: 1' | Should -Not -BeNullOrEmpty
    }

    It 'gives the lines of a log as objects whose text is the line' {
        $lines = $built | Get-BuildLog
        $steps = $lines.Step | Select-Object -Unique
        $steps | Should -Be (1..$steps.Count) -Because 'a step gets its number when it starts'
        foreach ($step in $built.Steps | Where-Object Number) {
            ($lines | Where-Object Step -EQ $step.Number)[0].Text | Should -Be $step.Name -Because 'the history has the numbers of the build'
        }
        $lines.Time | Should -BeOfType DateTimeOffset
        $said = $lines | Where-Object Text -EQ 'said by the build'
        $said | Should -HaveCount 1
        $said.Stream | Should -Be Output
        $said.Ref | Should -Be $built.Ref
        "$said" | Should -Match "^#$($said.Step) \d+\.\d{3} said by the build$"

        @($lines | Select-String 'said by the build')[-1].Line | Should -Be "$said"
        $lines | Set-Content "$TestDrive/content.log"
        $lines | Out-File "$TestDrive/out.log"
        Get-Content "$TestDrive/content.log" | Should -Be $lines.ForEach('ToString')
        Get-Content "$TestDrive/out.log" | Where-Object { $_ } | Should -Be $lines.ForEach('ToString')

        ($built | Get-BuildLog -Step $said.Step).Step | Select-Object -Unique | Should -Be $said.Step
        ($built | Get-BuildLog -Step $said.StepName).Step | Select-Object -Unique | Should -Be $said.Step
        ($built | Get-BuildLog -Step '*RUN*said*').Text | Should -Contain 'said by the build'
        $built | Get-BuildLog -Tail 2 | ForEach-Object ToString | Should -Be $lines[-2, -1].ForEach('ToString')
        $built | Get-BuildLog -Tail 0 | Should -BeNullOrEmpty
        $built | Get-BuildLog -Step 99, 'none*' -ErrorVariable missing -ErrorAction SilentlyContinue | Should -BeNullOrEmpty
        $missing.FullyQualifiedErrorId | Should -BeLike 'StepNotFound,*'
        { $built | Get-BuildLog -Raw -Tail 1 } | Should -Throw -ErrorId 'ParameterConflict,*'
    }

    It 'follows a build that runs' {
        $engine = $docker.address
        $slow = Start-ThreadJob {
            Import-Module $using:manifestPath
            Invoke-ImageBuild $using:context -NoCache -Address $using:engine -DockerfileText ($using:text + 'RUN ["/bin/busybox", "sh", "-c", "echo begun; for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do /bin/busybox sleep 0.2; echo tick; done; echo ended"]')
        }
        $running = $null
        $limit = [Diagnostics.Stopwatch]::StartNew()
        while (-not ($running -and ($running | Get-BuildLog) -match ' begun$') -and $limit.Elapsed.TotalSeconds -lt 20) {
            $running = Get-BuildHistory -Address $engine -Status Running
        }
        $running.Status | Should -Be Running
        $partly = $running | Get-BuildLog
        $partly -match ' ended$' | Should -BeNullOrEmpty -Because 'the log so far ends while the step writes'
        $running | Remove-BuildHistory -ErrorVariable refused -ErrorAction SilentlyContinue
        $refused[0].FullyQualifiedErrorId | Should -BeLike 'BuildIsRunning,*'
        $followed = $running | Get-BuildLog -Wait -Tail 1
        $followed.Step | Should -Not -Contain 1 -Because 'only the last line comes from before'
        $followed -match ' ended$' | Should -Not -BeNullOrEmpty
        $null = $slow | Receive-Job -Wait -AutoRemoveJob
    }

    It 'exports a record with its log' {
        $file = $built | Export-BuildHistory -Destination (Join-Path $TestDrive "$_.dockerbuild")
        $names = tar -tf $file.FullName
        $names | Should -Contain 'index.json'
        $index = tar -xOf $file.FullName index.json | ConvertFrom-Json
        $manifest = tar -xOf $file.FullName "blobs/sha256/$($index.manifests[0].digest -replace '^sha256:')" | ConvertFrom-Json
        $manifest.config.mediaType | Should -Be 'application/vnd.buildkit.historyrecord.v0'
        $manifest.layers.mediaType | Should -Contain 'application/vnd.buildkit.status.v0'
        $record = tar -xOf $file.FullName "blobs/sha256/$($manifest.config.digest -replace '^sha256:')" | ConvertFrom-Json
        $record.Ref | Should -Be $built.Ref
        $null = $manifest.layers | ForEach-Object { $names | Should -Contain "blobs/sha256/$($_.digest -replace '^sha256:')" }
    }

    It 'exports what other tools open' {
        $record = $built | Get-BuildHistory
        $file = $built | Export-BuildHistory -Destination (Join-Path $TestDrive "opened-$_.dockerbuild")
        $digest = (tar -xOf $file.FullName index.json | ConvertFrom-Json).manifests[0].digest

        # oras reads the layout and copies all of it, checking every digest.
        $oras = Join-Path ((& $engineScript get oras) -split ' ')[-1] usr/bin/oras
        $manifest = & $oras manifest fetch --oci-layout "$($file.FullName)@$digest" | ConvertFrom-Json
        $LASTEXITCODE | Should -Be 0
        $null = & $oras cp --no-tty --from-oci-layout "$($file.FullName)@$digest" --to-oci-layout "$TestDrive/copied-${_}:1" 2>&1
        $LASTEXITCODE | Should -Be 0
        (Get-ChildItem "$TestDrive/copied-$_/blobs/sha256").Count | Should -Be (2 + $manifest.layers.Count)

        # docker buildx writes the same of the same build: log, provenance and result are equal to the byte.
        $buildx = Join-Path (((& $engineScript get docker-cli) -match 'docker-buildx') -split ' ')[-1] usr/libexec/docker/cli-plugins/docker-buildx
        $saved = $env:DOCKER_HOST, $env:DOCKER_CONFIG
        $env:DOCKER_HOST = "unix://$($docker.docker)"
        $env:DOCKER_CONFIG = "$TestDrive/docker-config"
        try {
            & $buildx history export $record.Ref -o "$TestDrive/theirs-$_.dockerbuild"
            $LASTEXITCODE | Should -Be 0
        }
        finally {
            $env:DOCKER_HOST, $env:DOCKER_CONFIG = $saved
        }
        $theirs = tar -xOf "$TestDrive/theirs-$_.dockerbuild" index.json | ConvertFrom-Json
        $theirs = tar -xOf "$TestDrive/theirs-$_.dockerbuild" "blobs/sha256/$($theirs.manifests[0].digest -replace '^sha256:')" | ConvertFrom-Json
        $theirs.config.mediaType | Should -Be $manifest.config.mediaType
        $manifest.layers.mediaType | Sort-Object | Should -Be ($theirs.layers.mediaType | Sort-Object)
        $without = { $_.mediaType -ne 'application/vnd.buildkit.otlp.json.v0' }
        ($manifest.layers | Where-Object $without).digest | Sort-Object | Should -Be (($theirs.layers | Where-Object $without).digest | Sort-Object)
    }

    It 'lists the cache, with sums' {
        $cache = Get-BuildCache -Address $docker.address
        $cache.Count | Should -BeGreaterThan 2
        $cache[0].GetTotals().Size | Should -Be ($cache | Measure-Object Size -Sum).Sum
        (Get-BuildCache -Address $docker.address -Type source.local).Type | Select-Object -Unique | Should -Be 'source.local'
    }

    It 'shows the sums beneath the last record, however they are sorted' {
        $cache = Get-BuildCache -Address $docker.address
        foreach ($order in 'Size', 'Id') {
            $lines = @(($cache | Sort-Object $order | Out-String -Width 80) -split '\r?\n' -replace '\x1b\[[0-9;]*m' -replace '\s+$' | Where-Object { $_ })
            $lines[0] | Should -Match '^ *Address: docker://'
            $lines[-5] | Should -Match '^ +-{8}$'
            $lines[-4] | Should -Match "^$($cache.Count) records +total +[\d.]+ ([KMG]i)?B$"
            $lines[-3..-1] -replace '^ +(\w+( use)?) .*', '$1' | Should -Be 'reclaimable', 'shared', 'in use'
            @($lines -match ' records ') | Should -HaveCount 1
            $lines | Where-Object Length -GT 80 | Should -BeNullOrEmpty
        }

        # Sums of more than what is shown would mislead.
        $cache | Select-Object -First 1 | Out-String | Should -Not -Match ' records '
        $cache | Out-String | Should -Match ' records '
    }

    It 'clears the records that come down the pipeline, and no others' {
        $before = @(Get-BuildCache -Address $docker.address)
        # Records that others stand on stay with those.
        $parents = $before.Parents
        $one = $before | Where-Object { $_.Id -notin $parents -and -not $_.InUse } | Select-Object -First 1
        $gone = @($one | Clear-BuildCache)
        $gone.Id | Should -Be $one.Id
        $left = (Get-BuildCache -Address $docker.address).Id
        ($before.Id | Where-Object { $_ -notin $left }) | Should -Be $one.Id
        { Clear-BuildCache -Id 'a,type==regular' -Address $docker.address } | Should -Throw '*Id*'
    }

    It 'keeps what a limit says, on old and new engines' {
        $before = (Get-BuildCache -Address $docker.address).Count
        Clear-BuildCache -Address $docker.address -WhatIf
        Clear-BuildCache -Address $docker.address -MaxUsedSpace 100GB | Should -BeNullOrEmpty
        Clear-BuildCache -Address $docker.address -KeepStorage 100GB | Should -BeNullOrEmpty
        Clear-BuildCache -Address $docker.address -OlderThan 10h | Should -BeNullOrEmpty
        (Get-BuildCache -Address $docker.address).Count | Should -Be $before
        $freed = @(Clear-BuildCache -Address $docker.address -MinFreeSpace 1KB -ErrorVariable refused -ErrorAction SilentlyContinue)
        if ($_ -eq 'docker-26') {
            $refused[0].FullyQualifiedErrorId | Should -BeLike 'CacheLimitNotSupported,*'
            $freed | Should -BeNullOrEmpty
        }
        else {
            # With room enough an engine still clears one record, or two: it keeps what is used now, and clears while that is reached.
            $freed.Count | Should -BeLessThan $before
        }
    }

    It 'says what would go, and asks before a whole cache goes' {
        $before = @(Get-BuildCache -Address $docker.address)
        $said = (& { Clear-BuildCache -Address $docker.address -WhatIf } *>&1 | Out-String) + (Invoke-FreshPwsh "Import-Module '$manifestPath'; Clear-BuildCache -Address '$($docker.address)' -WhatIf").Output
        $said | Should -BeLike "*Clear the whole build cache, * records with * on target `"$($docker.address)`"*"
        # There is nobody to ask here.
        Clear-BuildCache -Address $docker.address -ErrorVariable failed -ErrorAction SilentlyContinue
        $failed[0].FullyQualifiedErrorId | Should -BeLike 'ConfirmationNeeded,*'
        @(Get-BuildCache -Address $docker.address) | Should -HaveCount $before.Count
        # With a filter it is no whole cache.
        Clear-BuildCache -Address $docker.address -OlderThan 10h | Should -BeNullOrEmpty
        { Clear-BuildCache -Address $docker.address -Type nonsense -ErrorAction Stop } | Should -Throw -ErrorId 'InvalidCacheType,*'
        # To keep nothing is no limit, and an empty list names nothing.
        Clear-BuildCache -Address $docker.address -KeepStorage 0 -ErrorVariable failed -ErrorAction SilentlyContinue
        $failed[0].FullyQualifiedErrorId | Should -BeLike 'ConfirmationNeeded,*'
        Clear-BuildCache -Address $docker.address -Id @() -Force | Should -BeNullOrEmpty
        Clear-BuildCache -Address $docker.address -Type @() -Force | Should -BeNullOrEmpty
        @(Get-BuildCache -Address $docker.address) | Should -HaveCount $before.Count
    }

    It 'clears by type, then everything' {
        $local = Get-BuildCache -Address $docker.address -Type source.local
        $cleared = Clear-BuildCache -Address $docker.address -Type source.local
        $cleared.Id | Sort-Object | Should -Be ($local.Id | Sort-Object)
        $null = Clear-BuildCache -Address $docker.address -All -Force
        Get-BuildCache -Address $docker.address | Where-Object InUse -EQ $false | Should -BeNullOrEmpty
    }

    It 'tags an image' {
        $made = $built | Add-ContainerImageTag stable, registry.local/app:2 -PassThru
        $made.Name | Should -Be 'demo/history:stable', 'registry.local/app:2'
        $made.Id | Should -Be $built.Digest, $built.Digest
        (Get-ContainerImage demo/history:1 -Address $docker.address | Copy-ContainerImage demo/copied:1 -PassThru).Reference | Should -Be 'docker.io/demo/copied:1'
        Get-ContainerImage 'demo/copied:1', 'demo/history:stable', 'registry.local/app:2' -Address $docker.address | Remove-ContainerImage
        (Get-ContainerImage -Address $docker.address).Name | Should -Contain 'demo/history:1'
    }

    It 'finds builds by wildcards' {
        (Get-BuildHistory -Address $docker.address "$($built.Ref.Substring(0, 8))*").Ref | Should -Be $built.Ref
        Get-BuildHistory -Address $docker.address 'nothing*' | Should -BeNullOrEmpty
        (Get-BuildHistory -Address $docker.address '*').Count | Should -BeGreaterThan 1
        (Get-BuildLog -Address $docker.address "$($built.Ref.Substring(0, 8))*") -match 'said by the build' | Should -Not -BeNullOrEmpty
    }

    It 'says how to give a secret that a step requires' {
        $asks = $text + 'RUN --mount=type=secret,id=token,required=true ["/bin/busybox", "true"]'
        Invoke-ImageBuild $context -DockerfileText $asks -Address $docker.address -ErrorVariable failed -ErrorAction SilentlyContinue
        $failed[0].FullyQualifiedErrorId | Should -BeLike 'SecretMissing,*'
        $failed[0].ErrorDetails.RecommendedAction | Should -BeLike '*-Secret id=token,src=FILE*'
    }

    It 'forgets builds' {
        $built | Remove-BuildHistory -WhatIf
        $built | Get-BuildHistory | Should -Not -BeNullOrEmpty
        $built | Remove-BuildHistory
        $built | Get-BuildHistory -ErrorVariable gone -ErrorAction SilentlyContinue | Should -BeNullOrEmpty
        $gone[0].FullyQualifiedErrorId | Should -BeLike 'BuildNotFound,*'
    }
}

Describe 'Waiting for an engine' {
    It 'gives up in time' {
        $watch = [Diagnostics.Stopwatch]::StartNew()
        Wait-BuildKit "unix://$TestDrive/none.sock" -Timeout 1.2s -ErrorVariable failed -ErrorAction SilentlyContinue
        $failed[0].FullyQualifiedErrorId | Should -BeLike 'EngineNotFound,*'
        $watch.Elapsed.TotalSeconds | Should -BeLessThan 4
    }
}
