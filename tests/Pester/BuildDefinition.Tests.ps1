# Get-BuildDefinition, and what Invoke-ImageBuild takes of its objects. No engine is needed.
BeforeAll {
    . $PSScriptRoot/Common.ps1
    Import-TestCmdlet
    Use-RecordingBuilder

    $shop = (New-Item -ItemType Directory "$TestDrive/shop/api", "$TestDrive/shop/web")[0].Parent.FullName
    Set-Content "$shop/api/Dockerfile" "FROM scratch AS first`nFROM scratch"
    Set-Content "$shop/web/Prod" 'FROM scratch'
    Set-Content "$shop/compose.yaml" @'
services:
  api:
    image: demo/api:${TAG:-1}
    build:
      context: ./api
      target: first
      args: { A: "1", B: }
      secrets: [token]
      no_cache: true
      network: none
      shm_size: 64m
      ulimits: { nofile: { soft: 1, hard: 2 } }
      extra_hosts: ["h:10.0.0.1"]
      platforms: [linux/amd64, linux/arm64]
      labels: { l: x }
  web:
    build: { context: ./web, dockerfile: Prod }
  tool:
    profiles: [tools]
    build: ./api
secrets:
  token: { file: ./token.txt }
'@
    Set-Content "$shop/token.txt" 'a secret'
    Set-Content "$TestDrive/docker-bake.hcl" @'
variable "TAG" { default = "1" }
group "default" { targets = ["api"] }
target "api" {
  context = "shop/api"
  tags = ["demo/api:${TAG}", "demo/api:latest"]
}
target "outside" {
  context = ".."
}
target "host" {
  context = "shop/api"
  network = "host"
  call = "check"
}
'@
    Push-Location $TestDrive
}

AfterAll {
    Pop-Location
    Use-RecordingBuilder -Restore
}

Describe 'A Compose file' {
    It 'gives its services' {
        $builds = Get-BuildDefinition $shop/compose.yaml
        $builds.Name | Should -Be 'api', 'web'
        $builds[0].PSTypeNames | Should -Contain 'OpenCloud.Build.Definitions.Model.BuildDefinition'
        $builds[0].LiteralPath | Should -Be "$shop/api"
        $builds[0].Tag | Should -Be 'demo/api:1'
        $builds[1].Tag | Should -Be 'shop-web'
        $builds[1].Dockerfile | Should -Be "$shop/web/Prod"
    }

    It 'is found in a directory' {
        (Get-BuildDefinition $shop).Name | Should -Be 'api', 'web'
        (Get-Item $shop/compose.yaml | Get-BuildDefinition).Name | Should -Be 'api', 'web'
    }

    It 'has profiles, variables, changes and a project name' {
        (Get-BuildDefinition $shop -Profile tools).Name | Should -Contain 'tool'
        (Get-BuildDefinition $shop -Target tool -ProjectName other).Tag | Should -Be 'other-tool'
        (Get-BuildDefinition $shop -Target api -Variable TAG=2).Tag | Should -Be 'demo/api:2'
        (Get-BuildDefinition $shop -Target api -Set api.args.A=9).BuildArg.A | Should -Be '9'
        Set-Content "$TestDrive/vars" 'TAG=3'
        (Get-BuildDefinition $shop -Target api -EnvFile "$TestDrive/vars").Tag | Should -Be 'demo/api:3'
    }

    It 'is built by the names of the properties' {
        $requests = Get-BuildDefinition $shop/compose.yaml -Target api, web | Where-Object Name -Like '*' |
            Invoke-ImageBuild -WarningVariable warnings -ErrorAction Stop | Where-Object { $_.PSObject.Properties['Request'] } | ForEach-Object Request
        $requests | Should -HaveCount 2
        $warnings | Should -BeNullOrEmpty
        $api, $web = $requests
        $api.ContextPath | Should -Be "$shop/api"
        $api.Tags | Should -Be 'docker.io/demo/api:1'
        $api.Target | Should -Be 'first'
        $api.BuildArguments.A | Should -Be '1'
        $api.Labels.l | Should -Be 'x'
        $api.NoCache | Should -BeTrue
        $api.Secrets.Keys | Should -Be 'token'
        $api.Platforms | Should -HaveCount 2
        $api.Execution.Network | Should -Be 'None'
        $api.Execution.SharedMemorySize | Should -Be 64MB
        "$($api.Execution.ExtraHosts)" | Should -BeLike '*10.0.0.1*'
        $web.DockerfilePath | Should -Be "$shop/web/Prod"
    }
}

Describe 'A bake file' {
    It 'gives the default group' {
        $build = Get-BuildDefinition docker-bake.hcl
        $build.Name | Should -Be 'api'
        $build.LiteralPath | Should -Be "$shop/api"
        $build.Tag | Should -Be 'demo/api:1', 'demo/api:latest'
    }

    It 'takes variables and changes' {
        $build = Get-BuildDefinition docker-bake.hcl -Variable @{ TAG = '2' } -Set '*.platform=linux/arm64', 'api.tags+=more'
        $build.Tag | Should -Be 'demo/api:2', 'demo/api:latest', 'more'
        $build.Platform | Should -Be 'linux/arm64'
    }

    It 'is built with all of its tags' {
        $request = Get-BuildDefinition docker-bake.hcl | Invoke-ImageBuild | Where-Object { $_.PSObject.Properties['Request'] } | ForEach-Object Request
        $request.Tags | Should -HaveCount 2
        $request.Execution.Network | Should -Be 'Default'
    }

    It 'does not get privileges unasked' {
        $failure = { Get-BuildDefinition docker-bake.hcl -Target outside -ErrorAction Stop } | Should -Throw -PassThru
        $failure.FullyQualifiedErrorId | Should -BeLike 'DefinitionNotAllowed,*'
        "$failure" | Should -BeLike '*fs.read=*'
    }

    It 'gets privileges by -Allow and -Force' {
        (Get-BuildDefinition docker-bake.hcl -Target outside -Allow fs.read=..).Name | Should -Be 'outside'
        (Get-BuildDefinition docker-bake.hcl -Target outside -Force).Privilege | Should -HaveCount 1
        $build = Get-BuildDefinition docker-bake.hcl -Target host -Allow network.host -WarningVariable warnings -WarningAction SilentlyContinue
        $build.Network | Should -Be 'Host'
        $build.Allow | Should -Be 'network.host'
        "$warnings" | Should -BeLike "*call=check*"
    }
}

Describe 'A data file' {
    It 'has the shape of a bake file' {
        Set-Content builds.psd1 @'
@{
    Variable = @{ TAG = @{ Default = '1' } }
    Group    = @{ default = @{ Targets = 'api', 'web' } }
    Target   = @{
        api = @{ Context = './shop/api'; Tags = @('demo/api:${TAG}'); Args = @{ A = 1; Flag = $true } }
        web = @{ Inherits = @('api'); 'No-Cache' = $true }
    }
}
'@
        $api, $web = Get-BuildDefinition builds.psd1 -Variable TAG=4
        $api.Tag | Should -Be 'demo/api:4'
        $api.BuildArg.A | Should -Be '1'
        $api.BuildArg.Flag | Should -Be 'true'
        $web.NoCache | Should -BeTrue
        $web.LiteralPath | Should -Be "$shop/api"
    }

    It 'runs nothing: <text>' -ForEach @(
        @{ text = '@{ target = @{ a = @{ tags = @((Get-Date)) } } }' }
        @{ text = '@{ target = @{ a = @{ tags = @("$env:HOME") } } }' }
        @{ text = '@{ target = @{ a = @{ tags = $(1) } } }' }
        @{ text = 'Get-Date' }
        @{ text = '@{ a = 1' }
    ) {
        Set-Content bad.psd1 $text
        $failure = { Get-BuildDefinition bad.psd1 -ErrorAction Stop } | Should -Throw -PassThru
        $failure.FullyQualifiedErrorId | Should -BeLike 'InvalidDefinition,*'
    }

    It 'is refused by line and name' {
        Set-Content bad.psd1 "@{`n  target = @{`n    a = @{`n      contxt = 'x'`n    }`n  }`n}"
        $failure = { Get-BuildDefinition bad.psd1 -ErrorAction Stop } | Should -Throw -PassThru
        "$failure" | Should -BeLike "bad.psd1:4:*contxt*"
    }
}

Describe 'What is wrong' {
    It 'has an id: <id>' -ForEach @(
        @{ id = 'PathNotFound'; path = 'nowhere.hcl' }
        @{ id = 'DefinitionNotFound'; path = 'shop/web' }
        @{ id = 'DefinitionAddressNotFirst'; path = 'docker-bake.hcl', 'https://git.local/x.git' }
        @{ id = 'DefinitionAddressNotFirst'; path = 'https://git.local/x.git', 'https://git.local/y.git' }
        @{ id = 'DefinitionTargetNotFound'; path = 'docker-bake.hcl'; target = 'nothing' }
        @{ id = 'InvalidDefinition'; path = 'docker-bake.hcl'; set = 'api.nothing=1' }
    ) {
        $options = @{}
        if ($target) { $options.Target = $target }
        if ($set) { $options.Set = $set }
        $failure = { Get-BuildDefinition $path @options -ErrorAction Stop } | Should -Throw -PassThru
        $failure.FullyQualifiedErrorId | Should -Be "$id,OpenCloud.Build.Commands.GetBuildDefinitionCommand"
        $failure.ErrorDetails.RecommendedAction | Should -Not -BeNullOrEmpty
    }

    It 'is shown without orders to the terminal' {
        Set-Content hostile.hcl "target `"default`" {`n  args = { A = `"`e[31m`" + 1 }`n}"
        $failure = { Get-BuildDefinition hostile.hcl -ErrorAction Stop } | Should -Throw -PassThru
        "$failure" | Should -Not -Match "`e"
    }
}

Describe 'Completion' {
    It 'has the names of targets, groups and services' {
        # What is not there within the time of a completion comes with the next one.
        function Complete($line) {
            $clock = [Diagnostics.Stopwatch]::StartNew()
            do { $text = (TabExpansion2 $line).CompletionMatches.CompletionText } until ($text -or $clock.Elapsed.TotalSeconds -gt 20)
            $text
        }
        Complete 'Get-BuildDefinition docker-bake.hcl -Target ' | Should -Be 'default', 'api', 'outside', 'host'
        Complete "Get-BuildDefinition $shop -Target w" | Should -Be 'web'
    }

    It 'does not wait for a pipe' {
        & mkfifo "$TestDrive/bake.pipe"
        (TabExpansion2 "Get-BuildDefinition $TestDrive/bake.pipe -Target ").CompletionMatches | Should -BeNullOrEmpty
    }
}

Describe 'The assembly' {
    It 'is loaded with the first definition, and not by an import' {
        $loaded = "'[' + (([AppDomain]::CurrentDomain.GetAssemblies().GetName().Name -match 'Definitions|YamlDotNet') -join ' ') + ']'"
        $result = Invoke-FreshPwsh "Import-Module '$manifestPath'; `$null = Invoke-ImageBuild /nowhere -ErrorAction Ignore; $loaded
            `$null = Get-BuildDefinition '$shop'; $loaded"
        $result.Output -replace '\s' | Should -Be '[][OpenCloud.Build.DefinitionsYamlDotNet]'
    }
}
