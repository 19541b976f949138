# Builds on named engines with several nodes: two real engines.
BeforeDiscovery {
    . $PSScriptRoot/Common.ps1
    $fixture = Test-EngineFixture
}

Describe 'An engine with two nodes' -Skip:(-not $fixture.CanRun) {
    BeforeAll {
        . $PSScriptRoot/Common.ps1
        Import-TestCmdlet
        $oldConfig = $env:XDG_CONFIG_HOME
        $env:XDG_CONFIG_HOME = "$TestDrive/config"
        $one = Start-TestEngine docker-28
        $two = Start-TestEngine docker-26
        $null = Register-BuildKitEngine pair $one.address, $two.address
        $null = Register-BuildKitEngine mixed $one.address -Platform linux/amd64
        $null = Set-BuildKitEngine mixed -AddAddress $two.address -Platform linux/arm64

        function New-Context([string] $Name, [string[]] $More) { New-BuildDirectory "$TestDrive/$Name" $one (@('FROM scratch', 'COPY busybox /bin/busybox') + $More -join "`n") }

        # A context that the node prefers; the step of -Waiting runs until the node is gone.
        function Find-Context([string] $Name, [string] $Engine, [string] $Address, [switch] $Waiting) {
            $found = 1..50 | ForEach-Object { New-Context "$Name$_" } | Where-Object { (Invoke-ImageBuild $_ -Address $Engine -Output type=cacheonly).Address -eq $Address } | Select-Object -First 1
            if ($Waiting) {
                Add-Content "$found/Dockerfile" "RUN [`"/bin/busybox`", `"sh`", `"-c`", `"echo step-begun $Name; /bin/busybox sleep 3`"]"
            }
            $found
        }

        # A set: 'base' is written to a file, 'slow' uses it and waits, 'last' uses 'slow', and 'lone' waits alone.
        function New-Set([string] $Folder, [string] $Engine, [string] $Address) {
            $name = Split-Path -Leaf $Folder
            $null = New-Item -ItemType Directory $Folder, "$Folder/slow", "$Folder/last"
            Set-Content "$Folder/slow/Dockerfile" 'FROM base', "RUN [`"/bin/busybox`", `"sh`", `"-c`", `"echo step-begun $name; /bin/busybox sleep 3`"]"
            Set-Content "$Folder/last/Dockerfile" 'FROM slow', 'RUN ["/bin/busybox", "true"]'
            Set-Content "$Folder/bake.json" (@{
                group  = @{ default = @{ targets = 'base', 'slow', 'last', 'lone' } }
                target = @{
                    base = @{ context = Find-Context "$name-base" $Engine $Address; output = @("type=oci,dest=$Folder/base.tar") }
                    slow = @{ context = "$Folder/slow"; contexts = @{ base = 'target:base' }; output = @('type=cacheonly') }
                    last = @{ context = "$Folder/last"; contexts = @{ slow = 'target:slow' }; output = @("type=oci,dest=$Folder/last.tar") }
                    lone = @{ context = Find-Context "$name-lone" $Engine $Address -Waiting; output = @('type=cacheonly') }
                }
            } | ConvertTo-Json -Depth 9)
        }

        # Builds the set, and returns when both steps run, and the file is there.
        function Start-Set([string] $Folder, [string] $Engine) {
            $shell = [powershell]::Create()
            $null = $shell.AddScript('Import-Module $args[0]; Get-BuildDefinition $args[1] -Force | Invoke-ImageBuild -Address $args[2] -Retry 1 -ThrottleLimit 4 -ConnectTimeout 60s -LogPath $args[3]').AddArgument($manifestPath).AddArgument("$Folder/bake.json").AddArgument($Engine).AddArgument("$Folder/log")
            $running = $shell.BeginInvoke()
            for ($limit = 0; $limit -lt 1200 -and -not $running.IsCompleted -and -not ((Test-Path "$Folder/base.tar") -and ([regex]::Matches((Get-Content -Raw "$Folder/log"), '(?m)^#\d+ [\d.]+ step-begun').Count -ge 2)); $limit++) {
                Start-Sleep -Milliseconds 50
            }
            [pscustomobject]@{ Shell = $shell; Running = $running; Folder = $Folder; Written = (Get-Item "$Folder/base.tar").LastWriteTimeUtc }
        }

        # What has ended on the lost node stays; the rest is on the other one, with a warning for each of the two parts.
        function Assert-SetMoved($Set, $Lost, $Other, [string] $Why) {
            $built = $Set.Shell.EndInvoke($Set.Running)
            $Set.Shell.Streams.Error | Should -BeNullOrEmpty
            $built | ForEach-Object { $_.Address } | Should -Be $Lost.address, $Other.address, $Other.address, $Other.address
            $warned = @($Set.Shell.Streams.Warning) -like "*$($Lost.address) was lost during the build*$Why*"
            $warned | Should -HaveCount 2
            $warned -like '*these builds are sent to another: *slow, last*' | Should -HaveCount 1
            (Get-Item "$($Set.Folder)/base.tar").LastWriteTimeUtc | Should -Be $Set.Written
            "$($Set.Folder)/last.tar" | Should -Exist
            $Set.Shell.Dispose()
        }

        # The manifests of the only index in a layout: platform, or what an attestation is about.
        function Get-IndexPlatform([string] $Layout) {
            $root = Get-Content -Raw "$Layout/index.json" | ConvertFrom-Json
            $root.manifests.digest | Sort-Object -Unique | Should -HaveCount 1
            $index = Get-Content -Raw "$Layout/blobs/sha256/$($root.manifests[0].digest -replace '.*:')" | ConvertFrom-Json
            foreach ($manifest in $index.manifests) {
                "$Layout/blobs/sha256/$($manifest.digest -replace '.*:')" | Should -Exist
                $manifest.annotations.'vnd.docker.reference.type' ?? "$($manifest.platform.os)/$($manifest.platform.architecture)"
            }
        }
    }

    AfterAll {
        $env:XDG_CONFIG_HOME = $oldConfig
    }

    It 'joins the platforms of both into an OCI layout and an archive, with attestations' {
        $app = New-Context joined
        $built = Invoke-ImageBuild $app -Tag demo/joined:1 -Address mixed -Platform linux/amd64, linux/arm64 -Provenance max -Output "type=oci,tar=false,dest=$TestDrive/layout", "type=oci,dest=$TestDrive/image.tar" -MetadataFile "$TestDrive/meta.json"
        $built.Platforms | Should -Be 'linux/amd64', 'linux/arm64'
        $built.Address | Should -Be 'mixed'
        Get-IndexPlatform "$TestDrive/layout" | Sort-Object | Should -Be 'attestation-manifest', 'attestation-manifest', 'linux/amd64', 'linux/arm64'
        $null = New-Item -ItemType Directory "$TestDrive/unpacked"
        tar -xf "$TestDrive/image.tar" -C "$TestDrive/unpacked"
        Get-IndexPlatform "$TestDrive/unpacked" | Should -Contain 'linux/arm64'
        (Get-Content -Raw "$TestDrive/unpacked/index.json" | ConvertFrom-Json).manifests[0].digest | Should -Be $built.Digest
        (Get-Content -Raw "$TestDrive/meta.json" | ConvertFrom-Json).'containerimage.digest' | Should -Be $built.Digest
        Get-ChildItem ([IO.Path]::GetTempPath()) -Filter 'opencloud.build-*' | Should -BeNullOrEmpty
    }

    It 'writes nothing when the part of one node fails' {
        $app = New-Context failing 'ARG TARGETARCH', 'COPY missing-${TARGETARCH} /'
        Set-Content "$app/missing-amd64" ''
        $failure = { Invoke-ImageBuild $app -Address mixed -Platform linux/amd64, linux/arm64 -Output "type=oci,tar=false,dest=$TestDrive/none" -ErrorAction Stop } | Should -Throw -PassThru
        $failure.FullyQualifiedErrorId | Should -BeLike 'FileNotInContext,*'
        "$TestDrive/none" | Should -Not -Exist
    }

    It 'spreads contexts over both, and keeps each on its node' {
        $apps = 1..6 | ForEach-Object { New-Context "spread$_" "LABEL n=$_" }
        $first = $apps | Invoke-ImageBuild -Address pair -ThrottleLimit 6 -Output type=cacheonly
        $first | ForEach-Object { $_.Address } | Sort-Object -Unique | Should -HaveCount 2
        $alone = foreach ($app in $apps) { (Invoke-ImageBuild $app -Address pair -Output type=cacheonly).Address }
        $again = foreach ($app in $apps) { (Invoke-ImageBuild $app -Address pair -Output type=cacheonly).Address }
        $again | Should -Be $alone
    }

    It 'builds elsewhere when a node is gone, and says so' {
        $app = New-Context gone
        $null = Register-BuildKitEngine half unix:///nowhere/x.sock, $one.address
        # Each context prefers one of the two; some of them prefer the one that is gone.
        $built = 1..4 | ForEach-Object { New-Context "gone$_" } | Invoke-ImageBuild -Address half -ConnectTimeout 100ms -Output type=cacheonly -WarningVariable warned -WarningAction SilentlyContinue
        $built | ForEach-Object { $_.Address } | Should -Be (@($one.address) * 4)
        "$warned" | Should -BeLike '*unix:///nowhere/x.sock*cannot be reached*'
        $null = Register-BuildKitEngine none unix:///nowhere/x.sock, unix:///nowhere/y.sock
        { Invoke-ImageBuild $app -Address none -ConnectTimeout 100ms -ErrorAction Stop -WarningAction SilentlyContinue } | Should -Throw -ErrorId 'EngineNotFound,*'
    }

    It 'uses the caches of the engine where the build names none' {
        $app = New-Context cached
        $null = Register-BuildKitEngine caching $one.address -CacheTo "type=local,dest=$TestDrive/cache"
        $null = Invoke-ImageBuild $app -Address caching -Output type=cacheonly
        "$TestDrive/cache/index.json" | Should -Exist
        Remove-Item -Recurse "$TestDrive/cache"
        $null = Invoke-ImageBuild $app -Address caching -Output type=cacheonly -CacheTo "type=local,dest=$TestDrive/other"
        "$TestDrive/cache" | Should -Not -Exist
        "$TestDrive/other/index.json" | Should -Exist
    }

    It 'builds what is linked in a set on one node, and the parts of a set beside each other' {
        $null = New-Item -ItemType Directory "$TestDrive/parts", "$TestDrive/uses"
        Set-Content "$TestDrive/uses/Dockerfile" 'FROM base', 'LABEL uses=1'
        $parts = 1..5 | ForEach-Object { New-Context "part$_" "LABEL part=$_" }
        $targets = @{}
        foreach ($i in 1..5) {
            $targets["part$i"] = @{ context = $parts[$i - 1] }
            $targets["uses$i"] = @{ context = $i -eq 5 ? $parts[4] : "$TestDrive/uses"; contexts = @{ base = "target:part$i" } }
        }
        Copy-Item -Recurse "$TestDrive/uses" "$TestDrive/uses2"
        1..4 | ForEach-Object { $targets["uses$_"].context = (New-Item -ItemType Directory "$TestDrive/uses-$_").FullName; Copy-Item "$TestDrive/uses/Dockerfile" "$TestDrive/uses-$_" }
        Set-Content "$TestDrive/bake.json" (@{ group = @{ default = @{ targets = @($targets.Keys) } }; target = $targets } | ConvertTo-Json -Depth 9)
        $built = @{}
        Get-BuildDefinition "$TestDrive/bake.json" -Force | Invoke-ImageBuild -Address pair -Output type=cacheonly -ThrottleLimit 10 -ErrorAction Stop | ForEach-Object { $built[(Split-Path -Leaf $_.Path)] = $_.Address }
        $built.Values | Sort-Object -Unique | Should -HaveCount 2
        1..4 | ForEach-Object { $built["uses-$_"] | Should -Be $built["part$_"] }
    }

    It 'sends a build to another node when its node is killed, with -Retry' {
        $lost = Start-TestEngine docker-26
        $null = Register-BuildKitEngine fragile $lost.address, $one.address
        # A context that prefers the node that is killed.
        $app = 1..50 | ForEach-Object { New-Context "killed$_" } | Where-Object { (Invoke-ImageBuild $_ -Address fragile -Output type=cacheonly).Address -eq $lost.address } | Select-Object -First 1
        Add-Content "$app/Dockerfile" 'RUN ["/bin/busybox", "sh", "-c", "echo step-begun; /bin/busybox sleep 5"]'
        foreach ($retry in 0, 1) {
            $log = "$TestDrive/killed$retry.log"
            $shell = [powershell]::Create()
            $null = $shell.AddScript('Import-Module $args[0]; Invoke-ImageBuild $args[1] -Address fragile -Retry $args[2] -Output type=cacheonly -LogPath $args[3]').AddArgument($manifestPath).AddArgument($app).AddArgument($retry).AddArgument($log)
            $running = $shell.BeginInvoke()
            for ($limit = 0; $limit -lt 1200 -and -not ((Test-Path $log) -and (Get-Content -Raw $log) -match '(?m)^#\d+ [\d.]+ step-begun'); $limit++) {
                Start-Sleep -Milliseconds 50
            }
            Stop-TestEngine $lost
            $built = $shell.EndInvoke($running)
            if ($retry) {
                $built.Address | Should -Be $one.address
                "$($shell.Streams.Warning)" | Should -BeLike "*$($lost.address) was lost during the build*"
                $shell.Streams.Error | Should -BeNullOrEmpty
            }
            else {
                $shell.Streams.Error[0].FullyQualifiedErrorId | Should -BeLike 'EngineLost,*'
                $lost = Start-TestEngine docker-26
                $null = Register-BuildKitEngine fragile $lost.address, $one.address -Force
                $app = 1..50 | ForEach-Object { New-Context "again$_" } | Where-Object { (Invoke-ImageBuild $_ -Address fragile -Output type=cacheonly).Address -eq $lost.address } | Select-Object -First 1
                Add-Content "$app/Dockerfile" 'RUN ["/bin/busybox", "sh", "-c", "echo step-begun; /bin/busybox sleep 5"]'
            }
            $shell.Dispose()
        }
    }

    It 'lists and clears what all of its nodes have, and says which one does not answer' {
        # The second is refused without a connection: plain TCP is not allowed.
        $null = Register-BuildKitEngine listed $one.address, tcp://192.0.2.1:1234, $two.address
        $asked = @{ Address = 'listed'; ConnectTimeout = '60s'; ErrorVariable = 'failed'; ErrorAction = 'SilentlyContinue' }
        foreach ($list in 'Get-BuildKitWorker', 'Get-BuildCache', 'Get-BuildHistory') {
            & $list @asked | ForEach-Object { $_.Address } | Select-Object -Unique | Should -Be $one.address, $two.address -Because $list
            $failed.FullyQualifiedErrorId | Should -BeLike 'PlainTcpNotAllowed,*'
            $failed.TargetObject | Should -Be 'tcp://192.0.2.1:1234'
        }
        (Get-BuildKitInfo -Address listed).Address | Should -Be $one.address

        # Records of several nodes are cleared on their own.
        $null = 'one', 'two' | ForEach-Object { New-Context "clear-$_" "LABEL clear=$_" } | Invoke-ImageBuild -Address $one.address -Output type=cacheonly
        $null = Invoke-ImageBuild (New-Context clear-three) -Address $two.address -Output type=cacheonly
        $records = Get-BuildCache -Type regular @asked | Where-Object { -not $_.InUse -and -not $_.Shared } | Group-Object Address | ForEach-Object { $_.Group | Where-Object { -not ($_.Id -in $_.Group.Parents) } | Select-Object -First 1 }
        $cleared = $records | Clear-BuildCache
        Clear-BuildCache @asked -Force | ForEach-Object { $_.Address } | Should -Not -Contain 'tcp://192.0.2.1:1234'
        $failed.FullyQualifiedErrorId | Should -BeLike 'PlainTcpNotAllowed,*'
        Get-BuildCache @asked | Where-Object { -not $_.InUse -and -not $_.Shared -and $_.Type -eq 'regular' } | Should -BeNullOrEmpty
    }

    It 'pushes what it joins to a registry' {
        $program = (& "$root/tests/fixture/engine" get registry | Where-Object { $_ -match '/docker-registry ' }) -replace '^.* '
        $listener = [Net.Sockets.TcpListener]::new([Net.IPAddress]::Loopback, 0)
        $listener.Start()
        $at = "127.0.0.1:$($listener.LocalEndpoint.Port)"
        $listener.Stop()
        Set-Content "$TestDrive/registry.yml" "{version: 0.1, log: {level: info}, storage: {filesystem: {rootdirectory: $TestDrive/registry}}, http: {addr: '$at'}}"
        $registry = Start-Process "$program/usr/bin/docker-registry" 'serve', "$TestDrive/registry.yml" -RedirectStandardError "$TestDrive/registry.log" -RedirectStandardOutput "$TestDrive/registry.out" -PassThru
        try {
            for ($i = 0; $i -lt 500 -and -not (Select-String 'listening on' "$TestDrive/registry.log" -Quiet); $i++) {
                Start-Sleep -Milliseconds 20
            }
            $app = New-Context pushed
            $built = Invoke-ImageBuild $app -Tag "$at/team/app:1", "$at/team/app:2" -Address mixed -Platform linux/amd64, linux/arm64 -Push -ErrorAction Stop
            foreach ($tag in 1, 2) {
                $index = Invoke-RestMethod "http://$at/v2/team/app/manifests/$tag" -Headers @{ Accept = 'application/vnd.oci.image.index.v1+json' } -ResponseHeadersVariable headers | ForEach-Object { $_ -is [string] ? (ConvertFrom-Json $_) : $_ }
                $headers['Docker-Content-Digest'] | Should -Be $built.Digest
                $index.manifests.platform.architecture | Where-Object { $_ -ne 'unknown' } | Should -Be 'amd64', 'arm64'
            }
            $failure = { Invoke-ImageBuild $app -Tag '127.0.0.1:1/team/app:1' -Address mixed -Platform linux/amd64, linux/arm64 -Push -ErrorAction Stop } | Should -Throw -PassThru
            $failure.FullyQualifiedErrorId | Should -BeLike 'PushFailed,*'
        }
        finally {
            $registry.Kill()
        }
    }

    It 'tries again what comes back, and leaves a node that goes between two builds' {
        $real = $one.address -replace '^docker://'
        $socket = "$TestDrive/socket"
        $app = New-Context back
        $isBack = $false
        $built = & {
            $app
            $null = New-Item -ItemType SymbolicLink $socket -Target $real
            for ($limit = 0; $limit -lt 60 -and -not $isBack; $limit++) {
                Start-Sleep -Milliseconds 300
                $app
            }
        } | Invoke-ImageBuild -Address "docker://$socket" -ConnectTimeout 500ms -Output type=cacheonly -ErrorVariable failed -ErrorAction SilentlyContinue | ForEach-Object {
            $isBack = $true
            $_
        }
        $failed[0].FullyQualifiedErrorId | Should -BeLike 'EngineNotFound,*'
        $built.Address | Should -Be "docker://$socket"

        $null = Register-BuildKitEngine fickle "docker://$socket", $two.address
        $app = Find-Context fickle fickle "docker://$socket"
        $built = & {
            $app
            Remove-Item $socket
            $app
        } | Invoke-ImageBuild -Address fickle -ConnectTimeout 60s -Output type=cacheonly -WarningVariable warned -WarningAction SilentlyContinue
        $built | ForEach-Object { $_.Address } | Should -Be "docker://$socket", $two.address
        "$warned" | Should -BeLike '*cannot be reached*'
    }

    It 'keeps no connection and no process' {
        # Assemblies that are loaded are descriptors, too.
        function Measure-Open { [int] (bash -c 'ls -l /proc/$1/fd 2>/dev/null | grep -c socket:' count $PID) + @(Get-Content /proc/self/task/*/children -ErrorAction Ignore | Where-Object { $_.Trim() }).Count }
        $null = Register-BuildKitEngine part-gone $one.address, $two.address, tcp://192.0.2.1:1234
        $apps = 1..3 | ForEach-Object { New-Context "open$_" }
        $before = Measure-Open
        $null = $apps | Invoke-ImageBuild -Address part-gone -ConnectTimeout 60s -ThrottleLimit 3 -Output type=cacheonly -WarningAction SilentlyContinue
        $null = Invoke-ImageBuild $apps[0] -Address mixed -Platform linux/amd64, linux/arm64 -Output "type=oci,dest=$TestDrive/open.tar"
        $null = Get-BuildDefinition "$TestDrive/bake.json" -Target uses1, uses2 -Force | Invoke-ImageBuild -Address part-gone -ConnectTimeout 60s -ThrottleLimit 4 -Output type=cacheonly -WarningAction SilentlyContinue

        # Sockets of calls end with their threads.
        for ($limit = 0; $limit -lt 100 -and (Measure-Open) -gt $before; $limit++) {
            Start-Sleep -Milliseconds 50
        }
        Measure-Open | Should -Not -BeGreaterThan $before
    }

    Context 'of which one is lost in the middle of a set' {
        BeforeAll {
            $fragile = Start-TestEngine docker-26
            $null = Register-BuildKitEngine fragile-set $fragile.address, $one.address
        }

        It 'builds on another what has not ended, when the node is stopped' {
            New-Set "$TestDrive/stopped-set" fragile-set $fragile.address
            try {
                # Else it takes a minute until the engine is given up.
                Use-FastClock
                $set = Start-Set "$TestDrive/stopped-set" fragile-set
                & "$root/tests/fixture/engine" exec $fragile.folder busybox killall -STOP dockerd
                $set.Running.AsyncWaitHandle.WaitOne([timespan]::FromSeconds(60)) | Should -BeTrue
                Assert-SetMoved $set $fragile $one 'stopped or unreachable'
            }
            finally {
                Use-FastClock -Restore
                & "$root/tests/fixture/engine" exec $fragile.folder busybox killall -CONT dockerd
            }
        }

        It 'builds on another what has not ended, when the node is killed' {
            New-Set "$TestDrive/killed-set" fragile-set $fragile.address
            $set = Start-Set "$TestDrive/killed-set" fragile-set
            Stop-TestEngine $fragile
            Assert-SetMoved $set $fragile $one
        }
    }
}
