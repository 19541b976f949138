# Which node of a named engine gets which build, and with what: the nodes are stand-ins.
Describe 'Builds on several nodes' {
    BeforeAll {
        . $PSScriptRoot/Common.ps1
        Import-TestCmdlet
        $before = $env:XDG_CONFIG_HOME, $env:BUILDKIT_HOST
        $env:XDG_CONFIG_HOME = "$TestDrive/config"
        $env:BUILDKIT_HOST = $null
        Push-Location $TestDrive
        $one, $two, $arm = 'unix:///nodes/one', 'unix:///nodes/two', 'unix:///nodes/arm'
        $here = 'the engine of this machine'
        $null = Register-BuildKitEngine pair $one, $two
        $null = Register-BuildKitEngine mixed $one -Platform linux/amd64
        $null = Set-BuildKitEngine mixed -AddAddress $arm -Platform linux/arm64
        $null = New-Item -ItemType Directory "$TestDrive/app"
        Set-Content "$TestDrive/app/Dockerfile" 'FROM scratch'
        Set-Content "$TestDrive/docker-bake.hcl" 'group "default" { targets = ["a", "b"] }', 'target "a" { context = "app" }', 'target "b" { context = "app" }'

        # What the nodes got; the error and the warnings are in $failure and $warned.
        function Invoke-Build([hashtable] $Nodes, [hashtable] $Options, $From = "$TestDrive/app") {
            Use-StandInNode @Nodes
            $script:failure = $null
            try {
                $From | Invoke-ImageBuild @Options -ErrorVariable failed -WarningVariable script:warned -ErrorAction SilentlyContinue -WarningAction SilentlyContinue | Where-Object { $_.PSObject.Properties['What'] }
                $script:failures = $failed
                $script:failure = $failed | Select-Object -First 1
            }
            catch {
                $script:failure = $_
            }
        }
        function Get-Id { $failure.FullyQualifiedErrorId -replace ',.*' }
        $first = (Invoke-Build @{} @{ Address = 'pair' }).Node
        $second = $one, $two -ne $first | Select-Object -First 1
        $both = @{ Worker = @{ $arm = 'linux/arm64' } }
        $joined = @{ Address = 'mixed'; Platform = 'linux/amd64', 'linux/arm64'; Output = "type=oci,dest=$TestDrive/image.tar" }
    }

    AfterAll {
        Pop-Location
        Use-StandInNode -Restore
        $env:XDG_CONFIG_HOME, $env:BUILDKIT_HOST = $before
    }

    It 'go to another node before they begin, without -Retry' {
        (Invoke-Build @{ Gone = $first } @{ Address = 'pair' }).Node | Should -Be $second
        "$warned" | Should -BeLike "*$first cannot be reached*"
        Invoke-Build @{ Gone = $one, $two } @{ Address = 'pair' } | Should -BeNullOrEmpty
        Get-Id | Should -Be 'EngineNotFound'
    }

    It 'are repeated on another node as often as -Retry says' {
        $seen = Invoke-Build @{ Losing = @{ $first = 1 } } @{ Address = 'pair'; Retry = 1 }
        $seen.Node | Should -Be $first, $second
        $seen.What | Should -Be 'lost', 'built'
        "$warned" | Should -BeLike "*$first was lost during the build*"
        $failure | Should -BeNullOrEmpty
        (Invoke-Build @{ Losing = @{ $first = 1 } } @{ Address = 'pair' }).What | Should -Be 'lost'
        Get-Id | Should -Be 'EngineLost'
        (Invoke-Build @{ Losing = @{ $one = 1; $two = 1 } } @{ Address = 'pair'; Retry = 3 }).What | Should -Be 'lost', 'lost'
        (Invoke-Build @{ Failing = $first } @{ Address = 'pair'; Retry = 3 }).What | Should -Be 'failed'
    }

    Context 'of a set' {
        BeforeAll {
            foreach ($name in 'base', 'api', 'web', 'tools') {
                $null = New-Item -ItemType Directory "$TestDrive/$name"
                Set-Content "$TestDrive/$name/Dockerfile" 'FROM scratch'
            }
            $chain = @'
group "default" { targets = ["base", "api", "web", "tools"] }
target "base" {
  context = "base"
  output = ["type=oci,dest=base.tar"]
}
target "api" {
  context = "api"
  contexts = { base = "target:base" }
}
target "web" {
  context = "web"
  contexts = { api = "target:api" }
}
target "tools" { context = "tools" }
'@
            Set-Content "$TestDrive/chain.hcl" $chain
            $definitions = Get-BuildDefinition "$TestDrive/docker-bake.hcl" -Force
            $chained = Get-BuildDefinition "$TestDrive/chain.hcl" -Force
            $home1 = (Invoke-Build @{} @{ Address = 'pair' } "$TestDrive/base").Node
            $home2 = $one, $two -ne $home1 | Select-Object -First 1
            function Get-Seen($Seen) { $Seen | ForEach-Object { "$($_.Name) $($_.What) $($_.Node -eq $home1 ? 1 : 2) $($_.Outputs)".Trim() } }
        }

        It 'are on one node where they share a context or use results, and apart otherwise' {
            $seen = Invoke-Build @{} @{ Address = 'pair' } $chained
            $seen.Name | Sort-Object | Should -Be 'api', 'base', 'tools', 'web'
            ($seen | Where-Object Name -NE tools).Node | Select-Object -Unique | Should -Be $home1
            ($seen | Where-Object Name -EQ tools).Node | Should -Be (Invoke-Build @{} @{ Address = 'pair' } "$TestDrive/tools").Node
            Invoke-Build @{ Gone = $first } @{ Address = 'pair' } $definitions | ForEach-Object Node | Should -Be $second, $second
            "$warned" | Should -BeLike "*$first cannot be reached*"
            Invoke-Build @{ Gone = $one, $two } @{ Address = 'pair' } $definitions | Should -BeNullOrEmpty
            Get-Id | Should -Be 'EngineNotFound'
        }

        It 'are repeated on another node, without what has been exported' {
            $linked = $chained | Where-Object Name -NE tools
            $seen = Invoke-Build @{ Losing = @{ $home1 = 'api' } } @{ Address = 'pair'; Retry = 1 } $chained
            $failure | Should -BeNullOrEmpty
            Get-Seen ($seen | Where-Object Name -NE tools) | Should -Be 'base built 1 oci', 'api lost 1', 'base built 2 cacheonly', 'api built 2', 'web built 2'
            @($warned) -like "*$home1 was lost during the build*: api, web.*" | Should -HaveCount 1
            Get-Seen (Invoke-Build @{ Losing = @{ $home1 = 'web' } } @{ Address = 'pair'; Retry = 1 } $linked) |
                Should -Be 'base built 1 oci', 'api built 1', 'web lost 1', 'base built 2 cacheonly', 'api built 2 cacheonly', 'web built 2'

            # A result that no build uses any more is not built again.
            $seen = Invoke-Build @{ Losing = @{ $first = 'b' } } @{ Address = 'pair'; Retry = 1 } $definitions
            $seen | ForEach-Object { "$($_.Name) $($_.What)" } | Should -Be 'a built', 'b lost', 'b built'
            (Invoke-Build @{ Losing = @{ $one = 9; $two = 9 } } @{ Address = 'pair'; Retry = 3 } $linked).What | Should -Be 'lost', 'lost'
            Get-Id | Should -Be 'EngineLost'
        }

        It 'leave a lost node together' {
            $seen = Invoke-Build @{ Losing = @{ $first = 'a' }; Endless = "$first b" } @{ Address = 'pair'; Retry = 1; ThrottleLimit = 2 } $definitions
            $failure | Should -BeNullOrEmpty
            $seen | ForEach-Object { "$($_.Name) $($_.What)" } | Sort-Object | Should -Be 'a built', 'a lost', 'b built', 'b cancelled'
            @($warned) -like '*was lost during the build*' | Should -HaveCount 1
        }

        It 'fail with their node without -Retry, and those that have not begun go to another' {
            Get-Seen (Invoke-Build @{ Losing = @{ $home1 = 'api' } } @{ Address = 'pair' } $chained) | Select-Object -First 2 | Should -Be 'base built 1 oci', 'api lost 1'
            $failures.FullyQualifiedErrorId -replace ',.*' | Should -Be 'EngineLost', 'DependencyNotBuilt'
            $seen = Invoke-Build @{ Losing = @{ $first = 'a' } } @{ Address = 'pair' } $definitions
            $seen.What | Should -Be 'lost', 'built'
            $seen.Node | Should -Be $first, $second
        }

        It 'are joined from several nodes alone, and say where one node emulates a platform' {
            $platforms = @{ Address = 'mixed'; Platform = 'linux/amd64', 'linux/arm64' }
            $alone = $chained | Where-Object Name -EQ base
            $seen = Invoke-Build $both $platforms $alone
            $failure | Should -BeNullOrEmpty
            $seen.Node | Sort-Object | Should -Be $arm, $one
            $warned | Should -BeNullOrEmpty
            $seen = Invoke-Build @{ Worker = @{ $arm = 'linux/arm64', 'linux/amd64' } } $platforms ($chained | Where-Object Name -NE tools)
            $failure | Should -BeNullOrEmpty
            $seen.Node | Should -Be $arm, $arm, $arm
            @($warned) -like "*base, api, web: the node $arm builds linux/amd64, which another node has natively*" | Should -HaveCount 1
        }

        It 'say that -Retry does nothing on one node' {
            $null = Register-BuildKitEngine single $one
            $null = Invoke-Build @{} @{ Address = 'single'; Retry = 1 } $definitions
            @($warned) -like '*-Retry does not apply*' | Should -HaveCount 1
            $null = Invoke-Build @{} @{ Address = 'pair'; Retry = 1 } $definitions
            $warned | Should -BeNullOrEmpty
        }
    }

    It 'are joined from the nodes of their platforms' {
        $seen = Invoke-Build $both $joined
        $failure | Should -BeNullOrEmpty
        $seen | Sort-Object Platforms | ForEach-Object { "$($_.Platforms) $($_.Node)" } | Should -Be "linux/amd64 $one", "linux/arm64 $arm"
        $null = New-Item -ItemType Directory "$TestDrive/unpacked"
        tar -xf "$TestDrive/image.tar" -C "$TestDrive/unpacked"
        $root = Get-Content -Raw "$TestDrive/unpacked/index.json" | ConvertFrom-Json
        $index = Get-Content -Raw "$TestDrive/unpacked/blobs/$($root.manifests[0].digest.Replace(':', '/'))" | ConvertFrom-Json
        $index.manifests.platform.architecture | Should -Be 'amd64', 'arm64'
    }

    It 'stop together when one part fails, and write nothing' {
        $none = $joined + @{}
        $none.Output = "type=oci,dest=$TestDrive/none.tar"
        $seen = Invoke-Build ($both + @{ Failing = $arm; Endless = $one }) $none
        $seen.What | Sort-Object | Should -Be 'cancelled', 'failed'
        Get-Id | Should -Be 'BuildStepFailed'
        "$TestDrive/none.tar" | Should -Not -Exist
        Get-ChildItem ([IO.Path]::GetTempPath()) -Filter 'opencloud.build-*' | Where-Object CreationTime -GT (Get-Date).AddSeconds(-5) | Should -BeNullOrEmpty
    }

    It 'repeat one part alone when its node is lost' {
        $null = Register-BuildKitEngine three $one, $two -Platform linux/amd64 -Force
        $null = Set-BuildKitEngine three -AddAddress $arm -Platform linux/arm64
        $again = $joined + @{ Retry = 1 }
        $again.Address = 'three'
        $seen = Invoke-Build ($both + @{ Losing = @{ $first = 1 } }) $again
        $failure | Should -BeNullOrEmpty
        ($seen | Where-Object Platforms -EQ linux/amd64).What | Should -Be 'lost', 'built'
        ($seen | Where-Object Platforms -EQ linux/arm64).What | Should -Be 'built'
    }

    It 'write the caches of their platforms to places of their own' {
        $caches = @{ CacheTo = 'type=registry,ref=cache.example/app:c,mode=max', "type=local,dest=$TestDrive/cache/", 'type=inline', 'type=gha', 'type=s3,region=r,bucket=b,name=x;y'
            CacheFrom = 'cache.example/app:c', 'cache.example/app:other', "type=local,src=$TestDrive/cache", 'type=s3,region=r,bucket=other,name=x;y' }
        $seen = Invoke-Build $both ($joined + $caches) | Sort-Object Platforms
        $failure | Should -BeNullOrEmpty
        $seen[0].CacheTo | Should -Be 'registry mode=max ref=cache.example/app:c-linux-amd64', "local dest=$TestDrive/cache-linux-amd64", 'inline ', 'gha scope=buildkit-linux-amd64', 's3 bucket=b name=x-linux-amd64;y-linux-amd64 region=r'
        $seen[1].CacheTo[0, 1] | Should -Be 'registry mode=max ref=cache.example/app:c-linux-arm64', "local dest=$TestDrive/cache-linux-arm64"
        $seen[1].CacheFrom | Should -Be 'registry ref=cache.example/app:c-linux-arm64', 'registry ref=cache.example/app:other', "local src=$TestDrive/cache-linux-arm64", 's3 bucket=other name=x;y region=r'
        $single = $joined + $caches
        $single.Platform = 'linux/arm64'
        (Invoke-Build $both $single).CacheTo[0] | Should -Be 'registry mode=max ref=cache.example/app:c'
        $null = Invoke-Build $both ($joined + @{ CacheTo = "type=registry,ref=cache.example/app:$('t' * 120)" })
        Get-Id | Should -Be 'InvalidBuildOption'
    }

    It 'fail with the error of the lost node when no other can run the platform' {
        Invoke-Build ($both + @{ Gone = $arm }) $joined | Should -BeNullOrEmpty
        Get-Id | Should -Be 'EngineNotFound'
        "$failure" | Should -BeLike "*$arm*"
        Invoke-Build ($both + @{ Gone = $arm }) @{ Address = 'mixed'; Platform = 'linux/arm64' } | Should -BeNullOrEmpty
        (Invoke-Build @{ Gone = $arm; Worker = @{ $one = 'linux/amd64', 'linux/arm64' } } $joined).Node | Should -Be $one
        $together = $joined + @{}
        $together.Output = "type=local,dest=$TestDrive/files"
        (Invoke-Build @{ Worker = @{ $arm = 'linux/arm64', 'linux/amd64' } } $together).Node | Should -Be $arm
    }

    Context 'on the default engine' {
        BeforeAll {
            $null = Register-BuildKitEngine cached $one, $two -CacheTo type=registry,ref=cache.example/app:c -Default
            $definitions = Get-BuildDefinition "$TestDrive/docker-bake.hcl" -Force
        }

        AfterAll {
            Unregister-BuildKitEngine cached
        }

        It 'have its caches on its nodes, and not on another engine' {
            (Invoke-Build @{} @{}).CacheTo | Should -Be 'registry ref=cache.example/app:c'
            $seen = Invoke-Build @{ Gone = $one, $two } @{}
            $seen.Node | Should -Be $here
            $seen.CacheTo | Should -BeNullOrEmpty
            (Invoke-Build @{ Gone = $one, $two } @{ CacheTo = 'type=inline' }).CacheTo | Should -Be 'inline '
            $seen = Invoke-Build @{ Gone = $one, $two } @{} $definitions
            $seen.Node | Should -Be $here, $here
            $seen.SetCacheTo | Should -BeNullOrEmpty
            Invoke-Build @{ Gone = $one, $two } @{ Address = 'cached' } | Should -BeNullOrEmpty
        }

        It 'stay there with one node, too' {
            $null = Register-BuildKitEngine cached $one -CacheTo type=registry,ref=cache.example/app:c -Force
            (Get-BuildKitEngine cached).IsDefault | Should -BeTrue
            $seen = Invoke-Build @{} @{}
            $seen.Node | Should -Be $here
            $seen.CacheTo | Should -BeNullOrEmpty
        }
    }
}
