# Get-BuildDefinition of an address: the engine reads it, and it gets nothing of this machine unasked.
BeforeDiscovery {
    . $PSScriptRoot/Common.ps1
    $fixture = Test-EngineFixture
}

Describe 'A definition of a repository' -Skip:(-not $fixture.CanRun) {
    BeforeAll {
        . $PSScriptRoot/Common.ps1
        $engine = Start-TestEngine
        $work = New-Item -ItemType Directory "$TestDrive/work/api"
        Set-Content "$TestDrive/work/docker-bake.hcl" @'
variable "TAG" { default = "1" }
target "default" {
  context = "api"
  tags = ["demo/remote:${TAG}"]
}
target "local" {
  context = BAKE_CMD_CONTEXT
  dockerfile-inline = "FROM scratch\nCOPY here /"
}
'@
        Set-Content "$work/Dockerfile" 'FROM scratch', 'COPY Dockerfile /'
        Set-Content "$TestDrive/work/compose.yaml" 'services:', '  web: { build: { context: ./api } }'
        Set-Content "$TestDrive/work/bad.psd1" '@{', '    target = @{ x = @{ tags = Get-Date } }', '}'
        git -C "$TestDrive/work" init --quiet --initial-branch trunk
        git -C "$TestDrive/work" add .
        git -C "$TestDrive/work" -c user.name=test -c user.email=test@localhost commit --quiet --message first
        git clone --quiet --bare "$TestDrive/work" "$TestDrive/served/app.git"

        # In the engine's own network, where no other program listens.
        $port = 9420
        $serve = 'git', 'daemon', '--export-all', '--reuseaddr', '--listen=127.0.0.1', "--port=$port", "--base-path=$TestDrive/served", "$TestDrive/served"
        $daemon = Start-Process "$PSScriptRoot/../fixture/engine" -ArgumentList (@('exec', $engine.folder) + $serve) -PassThru -RedirectStandardOutput "$TestDrive/git.out" -RedirectStandardError "$TestDrive/git.err"
        $url = "git://127.0.0.1:$port/app.git#trunk"
        $common = @{ Address = $engine.address }
        for ($limit = 0; $limit -lt 100; $limit++) {
            try { $null = Get-BuildDefinition $url @common -ErrorAction Stop; break } catch { Start-Sleep -Milliseconds 100 }
        }
        $here = New-Item -ItemType Directory "$TestDrive/here"
        Set-Content "$here/here" 'here'
        Push-Location $here
    }

    AfterAll {
        Pop-Location
        if ($daemon) { Stop-Process -Id $daemon.Id -ErrorAction Ignore }
        if ($engine) { Stop-TestEngine $engine }
    }

    It 'has its contexts there, and is built' {
        $definition = Get-BuildDefinition $url, docker-bake.hcl -Variable TAG=2 @common
        $definition.LiteralPath | Should -Be "${url}:api"
        $definition.Privilege | Should -BeNullOrEmpty
        $result = $definition | Invoke-ImageBuild @common -Progress Quiet
        $result.Names | Should -Be 'demo/remote:2'
    }

    It 'is all default files, as bake reads them' {
        (Get-BuildDefinition $url -Target web, local -Force @common).Name | Should -Be 'local', 'web'
    }

    It 'asks for the current location' {
        $failure = { Get-BuildDefinition $url -Target local @common -ErrorAction Stop } | Should -Throw -PassThru
        $failure.FullyQualifiedErrorId | Should -BeLike 'DefinitionNotAllowed,*'
        "$failure" | Should -Match ([regex]::Escape("fs.read=$here"))
        (Get-BuildDefinition $url -Target local -Allow fs.read=. @common).LiteralPath | Should -Be "$here"
        (Get-BuildDefinition $url -Target local -Force @common).LiteralPath | Should -Be "$here"
    }

    It 'is changed by a local file only with cwd://' {
        Set-Content "$here/more.hcl" 'target "default" { tags = ["demo/changed:1"] }'
        (Get-BuildDefinition $url, docker-bake.hcl, cwd://more.hcl @common).Tag | Should -Be 'demo/changed:1'
        $failure = { Get-BuildDefinition $url, more.hcl @common -ErrorAction Stop } | Should -Throw -PassThru
        $failure.FullyQualifiedErrorId | Should -BeLike 'DefinitionNotFetched,*'
        "$failure" | Should -Match 'more.hcl'
    }

    It 'is refused where it is a bad data file' {
        Get-BuildDefinition $url, bad.psd1 @common -ErrorVariable failure -ErrorAction SilentlyContinue | Should -BeNullOrEmpty
        $failure.FullyQualifiedErrorId | Should -Be 'InvalidDefinition,OpenCloud.Build.Commands.GetBuildDefinitionCommand'
        "$failure" | Should -Match 'bad.psd1'
        "$($failure.TargetObject)" | Should -Be $url
    }
}

Describe 'An address with credentials' {
    BeforeAll {
        . $PSScriptRoot/Common.ps1
        Import-TestCmdlet
        Use-RecordingBuilder
        $odd = 'ftp://user:token-abc@host.test'
        $secret = 'https://user:token-abc@host.test/app.git?x=token-abc'
        Set-Content "$TestDrive/own.hcl" 'target "default" { context = "https://user:token-abc@host.test/app.git" }'

        function Get-Failure([scriptblock]$Code, [string]$Id) {
            $null = & $Code 2>&1 | Set-Variable failed
            $failed.FullyQualifiedErrorId | Should -BeLike "$Id,*"
            "$($failed.TargetObject) $failed $($failed.CategoryInfo) $(Get-Error -InputObject $failed | Out-String)" | Should -Not -Match 'token-abc'
            $failed
        }
    }

    AfterAll {
        Use-RecordingBuilder -Restore
    }

    It 'is without them in errors' {
        (Get-Failure { Get-BuildDefinition "$TestDrive/own.hcl", $secret } DefinitionAddressNotFirst).TargetObject | Should -Be 'https://host.test/app.git'
        (Get-Failure { Invoke-ImageBuild $secret -BuildContext @{ base = 'target:base' } } LinkedBuildNotFound).TargetObject | Should -Be 'https://host.test/app.git'
        Get-Failure { Invoke-ImageBuild $secret -BuildContext @{ base = $odd } } InvalidContext
        Get-Failure { Test-Dockerfile $secret -BuildContext @{ base = 'target:base' } } LinkedBuildNotFound
    }

    It 'is without them in the view of a definition' {
        $definition = Get-BuildDefinition "$TestDrive/own.hcl" -Force
        $definition.LiteralPath | Should -Match 'token-abc'
        $definition | Out-String -Width 200 | Should -Match 'https://host.test/app.git'
        $definition | Out-String -Width 200 | Should -Not -Match 'token-abc'
    }
}
