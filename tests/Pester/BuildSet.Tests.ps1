# Definitions that Invoke-ImageBuild builds as one set.
BeforeDiscovery {
    . $PSScriptRoot/Common.ps1
    $fixture = Test-EngineFixture
    if (-not $fixture.CanRun) {
        Write-Warning "Skipped, no engine: $($fixture.Reason)"
    }
}

Describe 'The plan of a set' {
    BeforeAll {
        . $PSScriptRoot/Common.ps1
        Import-TestCmdlet
        Use-RecordingBuilder
        Push-Location $TestDrive
        Set-Content Dockerfile 'FROM scratch'
        Set-Content docker-bake.hcl @'
group "default" { targets = ["web", "tools", "api"] }
target "base" { tags = ["demo/base:1"] }
target "api" {
  contexts = { base = "target:base" }
  tags = ["demo/api:1"]
}
target "web" {
  contexts = { upstream = "target:api", base = "target:base" }
  tags = ["demo/web:1"]
  output = ["type=oci,dest=web.tar"]
}
target "tools" { tags = ["demo/tools:1"] }
'@
        function Get-Built($Definition, [hashtable]$Options = @{}) {
            $Definition | Invoke-ImageBuild @Options -ErrorVariable script:failures -ErrorAction SilentlyContinue | Where-Object { -not $_.PSObject.Properties['Request'] } | ForEach-Object { "$_" }
        }
        $definitions = Get-BuildDefinition docker-bake.hcl -Force
    }

    AfterAll {
        Pop-Location
        Use-RecordingBuilder -Restore
    }

    It 'is written by -WhatIf: order, names, destinations and what depends on what' {
        $plan = @((Invoke-FreshPwsh "Import-Module '$manifestPath'; Set-Location '$TestDrive'; Get-BuildDefinition docker-bake.hcl -Force | Invoke-ImageBuild -WhatIf").Output -split '\n' -match '^What if: ')
        $plan | Should -HaveCount 4
        $plan[0] | Should -BeLike '*"Build demo/base:1 on the default engine; output cacheonly"*"base (*'
        $plan[1] | Should -BeLike '*"Build demo/api:1 on the default engine; use the result of base"*"api (*'
        $plan[2] | Should -BeLike '*Build demo/tools:1 *'
        $plan[3] | Should -BeLike '*use the result of base, api; write oci to */web.tar"*"web (*'
    }

    It 'gives results in the order of the input, with <limit> at a time' -ForEach @(@{ limit = 1 }, @{ limit = 4 }) {
        Get-Built $definitions @{ ThrottleLimit = $limit } | Should -Be ($definitions | ForEach-Object { "docker.io/$($_.Tag[0])" })
        Get-Built $definitions[3, 2, 1, 0] | Should -Be 'docker.io/demo/web:1', 'docker.io/demo/tools:1', 'docker.io/demo/api:1', 'docker.io/demo/base:1'
        $failures | Should -BeNullOrEmpty
    }

    It 'takes definitions that Select-Object copied' {
        Get-Built ($definitions | Select-Object * -ExcludeProperty Source) | Should -HaveCount 4
    }

    It 'refuses what depends on a definition that is not there, and builds the others' {
        Get-Built ($definitions | Where-Object Name -NE base) | Should -Be 'docker.io/demo/tools:1'
        $failures.FullyQualifiedErrorId | Should -Be @('LinkedBuildNotFound,OpenCloud.Build.Commands.InvokeImageBuildCommand', 'DependencyNotBuilt,OpenCloud.Build.Commands.InvokeImageBuildCommand')
        "$($failures[0])" | Should -BeLike "*'api'*'base'*"
        "$($failures[1])" | Should -BeLike "'web' was not built, because 'api'*was refused."
    }

    It 'refuses what depends on a definition that is invalid' {
        $invalid = $definitions | Select-Object *
        ($invalid | Where-Object Name -EQ base).Tag = 'Not/Valid'
        Get-Built $invalid | Should -Be 'docker.io/demo/tools:1'
        $failures.FullyQualifiedErrorId -replace ',.*' | Should -Be 'InvalidImageReference', 'DependencyNotBuilt', 'DependencyNotBuilt'

        # The same in any order, and although a definition that was refused has no engine.
        Get-Built $invalid[3, 2, 1, 0] @{ Address = 'unix:///run/none.sock' } | Should -Be 'docker.io/demo/tools:1'
        $failures.FullyQualifiedErrorId -replace ',.*' | Should -Be 'InvalidImageReference', 'DependencyNotBuilt', 'DependencyNotBuilt'
    }

    It 'refuses a circle before anything is built' {
        $circle = $definitions | Select-Object *
        ($circle | Where-Object Name -EQ base).BuildContext = @{ x = 'target:web' }
        Get-Built $circle | Should -BeNullOrEmpty
        $failures.FullyQualifiedErrorId -replace ',.*' | Should -Be 'BuildCycle'
        "$failures" | Should -Match '(base|web|api) → .* → '
    }

    It 'refuses a name that several have, where it matters' {
        $twice = @($definitions) + ($definitions | Where-Object Name -EQ base)
        Get-Built $twice | Should -BeNullOrEmpty
        $failures.FullyQualifiedErrorId -replace ',.*' | Should -Be 'DuplicateBuildName'
        $tools = $definitions | Where-Object Name -EQ tools
        Get-Built @($tools, $tools) | Should -HaveCount 2
        Get-Built @($tools, $tools) @{ MetadataFile = "$TestDrive/m.json" } | Should -BeNullOrEmpty
        $failures.FullyQualifiedErrorId -replace ',.*' | Should -Be 'DuplicateBuildName'
    }

    It 'refuses a target as context where there is no set' {
        $null = Invoke-ImageBuild . -BuildContext @{ base = 'target:base' } -ErrorVariable failure -ErrorAction SilentlyContinue
        $failure.FullyQualifiedErrorId | Should -BeLike 'LinkedBuildNotFound,*'
        $failure.ErrorDetails.RecommendedAction | Should -BeLike '*Get-BuildDefinition*'
    }

    It 'refuses a target as context of a question about a Dockerfile, without an engine' {
        foreach ($ask in 'Test-Dockerfile', 'Get-DockerfileTarget', 'Get-DockerfileOutline') {
            & $ask . -BuildContext @{ base = 'target:base' } -Address unix:///run/none.sock -ErrorVariable failure -ErrorAction SilentlyContinue | Should -BeNullOrEmpty
            $failure.FullyQualifiedErrorId | Should -BeLike 'LinkedBuildNotFound,*'
        }
    }

    It 'writes one metadata file, an object for each target' {
        $null = Get-Built $definitions @{ MetadataFile = "$TestDrive/metadata.json" }
        (Get-Content metadata.json | ConvertFrom-Json -AsHashtable).Keys | Should -Be $definitions.Name
    }
}

Describe 'A set on an engine of its own' {
    BeforeAll {
        . $PSScriptRoot/Common.ps1
        Import-TestCmdlet
        Use-RecordingBuilder
        $root = [IO.Path]::GetFullPath("$PSScriptRoot/../..")
        $driver = Get-Item "$root/tests/fixture/host-driver/bin/*/net10.0/OpenCloud.Build.HostDriver.dll" | Sort-Object LastWriteTime | Select-Object -Last 1
        $bin = (New-Item -ItemType Directory "$TestDrive/bin").FullName
        Set-Content "$bin/buildkitd" '#!/bin/sh', "exec '$(Get-DotnetFolder)/dotnet' '$driver' buildkitd `"`$@`""
        Set-Content "$bin/rootlesskit" '#!/bin/sh', 'exec "$@"'
        chmod 755 $bin/buildkitd $bin/rootlesskit
        Push-Location $TestDrive
        Set-Content Dockerfile 'FROM scratch'
        Set-Content docker-bake.hcl 'group "default" { targets = ["one", "two"] }', 'target "one" {}', 'target "two" { contexts = { base = "target:one" } }'
        $path = $env:PATH
        $env:PATH = "${bin}:$path"
    }

    AfterAll {
        Pop-Location
        $env:PATH = $path
        Use-RecordingBuilder -Restore
    }

    It 'leaves it before it ends' {
        $seen = Get-BuildDefinition docker-bake.hcl -Force | Invoke-ImageBuild -Daemonless -ErrorAction Stop
        $seen | Where-Object { $_.PSObject.Properties['Request'] } | ForEach-Object Address | Select-Object -Unique | Should -BeLike 'unix:///*/buildkitd.sock'
        $seen[-1].IsEngineThere | Should -BeTrue
    }
}

Describe 'A set on an engine' -Skip:(-not $fixture.CanRun) {
    BeforeAll {
        . $PSScriptRoot/Common.ps1
        Import-TestCmdlet
        $engine = Start-TestEngine
        $address = $engine.address
        $app = New-BuildDirectory $TestDrive/app $engine @'
FROM scratch AS common
COPY . /
RUN ["/busybox", "sh", "-c", "echo common > /common"]
FROM common AS fails
RUN ["/busybox", "sh", "-c", "exit 3"]
FROM common AS works
ARG NUMBER
RUN ["/busybox", "sh", "-c", "echo $NUMBER > /number"]
'@
        1..50 | ForEach-Object { Set-Content "$app/file$_" $_ }
        $uses = (New-Item -ItemType Directory $TestDrive/uses).FullName
        Set-Content $uses/Dockerfile "FROM base`nRUN [`"/busybox`", `"cat`", `"/common`"]"
        Set-Content $TestDrive/docker-bake.json (@{
            group  = @{ default = @{ targets = 'one', 'two', 'bad', 'onbad', 'onone' } }
            target = @{
                one   = @{ context = './app'; target = 'works'; args = @{ NUMBER = '1' }; tags = @('demo/one:1') }
                two   = @{ context = './app'; target = 'works'; args = @{ NUMBER = '2' }; tags = @('demo/two:1') }
                bad   = @{ context = './app'; target = 'fails' }
                onbad = @{ context = './uses'; contexts = @{ base = 'target:bad' } }
                onone = @{ context = './uses'; contexts = @{ base = 'target:one' }; tags = @('demo/onone:1') }
            }
        } | ConvertTo-Json -Depth 9)
        Push-Location $TestDrive
    }

    AfterAll {
        Pop-Location
        if ($engine) {
            Stop-TestEngine $engine
        }
    }

    It 'is built as one, with <limit> at a time' -ForEach @(@{ limit = 1 }, @{ limit = 3 }) {
        Set-Content "$app/limit" $limit
        $definitions = Get-BuildDefinition docker-bake.json -Force
        $results = $definitions | Invoke-ImageBuild -Address $address -ThrottleLimit $limit -MetadataFile m.json -ErrorVariable failures -ErrorAction SilentlyContinue
        $results | ForEach-Object { "$_" } | Should -Be ($definitions | Where-Object Tag | ForEach-Object { "docker.io/$($_.Tag)" })
        $byName = @{}
        $results | ForEach-Object { $byName[$_.Names[0]] = $_ }
        $one, $two, $onone = $byName['demo/one:1', 'demo/two:1', 'demo/onone:1']
        $failures.FullyQualifiedErrorId -replace ',.*' | Sort-Object | Should -Be 'BuildStepFailed', 'DependencyNotBuilt'
        "$($failures | Where-Object FullyQualifiedErrorId -Like 'Dep*')" | Should -BeLike "'onbad' was not built, because 'bad', whose result it uses, failed."
        $metadata = Get-Content m.json | ConvertFrom-Json -AsHashtable
        $metadata.Keys | Sort-Object | Should -Be 'one', 'onone', 'two'
        $metadata.onone.'containerimage.digest' | Should -Be $onone.Digest

        # The files of the context once: with each build its own files are the Dockerfile, at most twice.
        ($results | Measure-Object FilesSent -Sum).Sum | Should -BeLessThan ($limit -eq 1 ? 65 : 15)
        ($two.Steps | Where-Object Name -Like '*echo common*').Started | Should -Be ($one.Steps | Where-Object Name -Like '*echo common*').Started
        Get-ContainerImage demo/onone:1 -Address $address | Should -Not -BeNullOrEmpty
    }

    It 'builds the others when an input of one is gone' {
        $one = Get-BuildDefinition docker-bake.json -Target one -Force
        $lost = $one | Select-Object *
        $lost.Name = 'lost'
        $lost.BuildContext = @{ extra = (New-Item -ItemType Directory $TestDrive/gone).FullName }
        $results = & { $lost; $one; Remove-Item $TestDrive/gone } | Invoke-ImageBuild -Address $address -ErrorVariable failures -ErrorAction SilentlyContinue
        $results.Names | Should -Be 'demo/one:1'
        $failures.FullyQualifiedErrorId | Should -BeLike 'InvalidContext,*'
        "$failures" | Should -Match ([regex]::Escape("$TestDrive/gone"))
    }
}
