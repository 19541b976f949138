# Builds on named engines with several nodes: two real engines.
BeforeDiscovery {
    . $PSScriptRoot/Common.ps1
    $fixture = Test-EngineFixture
}

Describe 'An engine with two nodes' -Skip:(-not $fixture.CanRun) {
    BeforeAll {
        . $PSScriptRoot/Common.ps1
        $oldConfig = $env:XDG_CONFIG_HOME
        $env:XDG_CONFIG_HOME = "$TestDrive/config"
        $one = Start-TestEngine docker-28
        $two = Start-TestEngine docker-26
        $null = Register-BuildKitEngine pair $one.address, $two.address
        $null = Register-BuildKitEngine mixed $one.address -Platform linux/amd64
        $null = Set-BuildKitEngine mixed -AddAddress $two.address -Platform linux/arm64

        function New-Context([string] $Name, [string[]] $More) { New-BuildDirectory "$TestDrive/$Name" $one (@('FROM scratch', 'COPY busybox /bin/busybox') + $More -join "`n") }

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

    It 'builds a set of definitions on one node' {
        $null = New-Context set-a
        $null = New-Context set-b
        Set-Content "$TestDrive/docker-bake.hcl" 'group "default" { targets = ["a", "b"] }', 'target "a" { context = "./set-a" }', 'target "b" { context = "./set-b" }'
        Push-Location $TestDrive
        $built = Get-BuildDefinition docker-bake.hcl | Invoke-ImageBuild -Address pair -Output type=cacheonly
        Pop-Location
        $built | Should -HaveCount 2
        $built | ForEach-Object { $_.Address } | Sort-Object -Unique | Should -HaveCount 1
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
}
