# Register-, Get-, Set- and Unregister-BuildKitEngine, and names where addresses are.
BeforeDiscovery {
    . $PSScriptRoot/Common.ps1
    $fixture = Test-EngineFixture
}

BeforeAll {
    . $PSScriptRoot/Common.ps1
    $variables = 'XDG_CONFIG_HOME', 'BUILDKIT_HOST', 'XDG_RUNTIME_DIR'
    $before = @{}
    foreach ($name in $variables) {
        $before[$name] = [Environment]::GetEnvironmentVariable($name)
    }
    $env:BUILDKIT_HOST = $null
    $env:XDG_RUNTIME_DIR = $null

    function Get-Mode([string] $Path) { [Convert]::ToString([int][IO.File]::GetUnixFileMode($Path), 8) }
    function Get-Completion([string] $Line) { (TabExpansion2 $Line $Line.Length).CompletionMatches.CompletionText }
    function Get-Failure([scriptblock] $Run) {
        $failure = { & $Run } | Should -Throw -PassThru
        $failure.FullyQualifiedErrorId -replace ',.*'
    }
}

AfterAll {
    foreach ($name in $variables) {
        [Environment]::SetEnvironmentVariable($name, $before[$name])
    }
}

Describe 'Named engines' {
    BeforeEach {
        $env:XDG_CONFIG_HOME = "$TestDrive/$([guid]::NewGuid().ToString('n'))"
        $file = "$env:XDG_CONFIG_HOME/opencloud.build/engines.json"
    }

    It 'are listed, changed and removed' {
        Get-BuildKitEngine | Should -BeNullOrEmpty
        $file | Should -Not -Exist
        $made = Register-BuildKitEngine ci /run/a.sock, ssh://me@b -Label team=web, zone=1 -Platform linux/amd64 -CacheTo 'type=registry,ref=cache.example/a:c,mode=max' -CacheFrom cache.example/a:c -Default
        $made.Nodes.Address | Should -Be 'unix:///run/a.sock', 'ssh://me@b'
        $made.Nodes.Platform | Should -Be 'linux/amd64', 'linux/amd64'
        $made.IsDefault | Should -BeTrue
        $null = Register-BuildKitEngine other docker:// -Default
        (Get-BuildKitEngine -Default).Name | Should -Be 'other'
        (Get-BuildKitEngine).Name | Should -Be 'ci', 'other'
        (Get-BuildKitEngine -Label team=web, zone).Name | Should -Be 'ci'
        Get-BuildKitEngine -Label team=other | Should -BeNullOrEmpty
        (Get-BuildKitEngine C*).CacheTo | Should -Be 'type=registry,ref=cache.example/a:c,mode=max'
        $set = Set-BuildKitEngine CI -AddAddress tcp://10.0.0.5:1234 -Platform linux/arm64 -CertificateDirectory "$TestDrive/tls" -Default
        $set.Nodes.Platform | Should -Be 'linux/amd64', 'linux/amd64', 'linux/arm64'
        $set.Nodes.CertificateDirectory | Should -Be $null, $null, "$TestDrive/tls"
        $set = Set-BuildKitEngine ci -Address tcp://10.0.0.5:1234, ssh://me@b -Label @{} -Default:$false
        $set.Nodes.CertificateDirectory | Should -Be "$TestDrive/tls", $null
        $set.Labels | Should -BeNullOrEmpty
        Get-BuildKitEngine -Default | Should -BeNullOrEmpty
        (Set-BuildKitEngine ci -RemoveAddress ssh://me@b).Nodes | Should -HaveCount 1
        Get-BuildKitEngine | Unregister-BuildKitEngine
        Get-BuildKitEngine | Should -BeNullOrEmpty
    }

    It 'are in a file of the user alone, without secrets' {
        $null = Register-BuildKitEngine ci docker:// -CertificateDirectory "$TestDrive/tls"
        Get-Mode $file | Should -Be '600'
        Get-Mode (Split-Path $file) | Should -Be '700'
        $json = Get-Content -Raw $file | ConvertFrom-Json
        $json.version | Should -Be 1
        $json.engines.ci.nodes.tls.directory | Should -Be "$TestDrive/tls"
        (Get-ChildItem -Force (Split-Path $file)).Name | Should -Be 'engines.json', 'engines.lock'
        Get-Failure { Register-BuildKitEngine x tcp://me:hunter2@host:1 -ErrorAction Stop } | Should -Be 'InvalidAddress'
        Get-Failure { Register-BuildKitEngine x docker:// -CacheTo type=s3,region=r,bucket=b,secret_access_key=hunter2 -ErrorAction Stop } | Should -Be 'EngineSecretRefused'
        foreach ($cache in 'type=s3,region=r,bucket=b,endpoint_url=https://me:hunter2@s3.example', 'type=azblob,name=n,account_url=https://a.example/?sig=hunter2') {
            Get-Failure { Register-BuildKitEngine x docker:// -CacheTo $cache -ErrorAction Stop } | Should -Be 'EngineSecretRefused'
            $Error[0].TargetObject | Should -Be 'CacheTo'
        }
        (Register-BuildKitEngine plain docker:// -CacheTo type=s3,region=r,bucket=b,endpoint_url=https://s3.example:9000/path).CacheTo | Should -HaveCount 1
        "$($Error[0..5].Exception.Message)" | Should -Not -Match hunter2
        Get-Content -Raw $file | Should -Not -Match hunter2
    }

    It 'change nothing with -WhatIf' {
        Register-BuildKitEngine ci docker:// -WhatIf | Should -BeNullOrEmpty
        $file | Should -Not -Exist
        $null = Register-BuildKitEngine ci docker://
        Set-BuildKitEngine ci -Default -WhatIf | Should -BeNullOrEmpty
        Unregister-BuildKitEngine ci -WhatIf
        (Get-BuildKitEngine ci).IsDefault | Should -BeFalse
    }

    It 'refuse <what>' -ForEach @(
        @{ what = 'a name with a slash'; run = { Register-BuildKitEngine a/b docker:// -ErrorAction Stop }; id = 'EngineNameInvalid' }
        @{ what = 'the name docker'; run = { Register-BuildKitEngine docker docker:// -ErrorAction Stop }; id = 'EngineNameInvalid' }
        @{ what = 'an IP address for a name'; run = { Register-BuildKitEngine 10.0.0.5 docker:// -ErrorAction Stop }; id = 'EngineNameInvalid' }
        @{ what = 'a name that is taken'; run = { Register-BuildKitEngine KNOWN docker:// -ErrorAction Stop }; id = 'EngineAlreadyRegistered' }
        @{ what = 'an address twice'; run = { Register-BuildKitEngine x docker://, docker -ErrorAction Stop }; id = 'EngineNodeInvalid' }
        @{ what = 'a name for a node'; run = { Register-BuildKitEngine x engine://known -ErrorAction Stop }; id = 'EngineNodeInvalid' }
        @{ what = 'an invalid address'; run = { Register-BuildKitEngine x nowhere -ErrorAction Stop }; id = 'InvalidAddress' }
        @{ what = 'an invalid platform'; run = { Register-BuildKitEngine x docker:// -Platform 'no/such/plat/form' -ErrorAction Stop }; id = 'InvalidPlatform' }
        @{ what = 'TLS for a unix socket'; run = { Register-BuildKitEngine x /x.sock -ServerName b.example -ErrorAction Stop }; id = 'TlsNotApplicable' }
        @{ what = 'a key without a certificate'; run = { Set-BuildKitEngine known -Key /key.pem -ErrorAction Stop }; id = 'TlsCertificateMissing' }
        @{ what = 'a directory and a file'; run = { Register-BuildKitEngine x tcp://h:1 -CertificateDirectory / -Key /key.pem -ErrorAction Stop }; id = 'TlsDirectoryAndFiles' }
        @{ what = 'an invalid cache'; run = { Register-BuildKitEngine x docker:// -CacheFrom type=none -ErrorAction Stop }; id = 'InvalidBuildOption' }
        @{ what = 'a change without an engine'; run = { Set-BuildKitEngine absent -Default -ErrorAction Stop }; id = 'EngineNotRegistered' }
        @{ what = 'the last node to be removed'; run = { Set-BuildKitEngine known -RemoveAddress docker:// -ErrorAction Stop }; id = 'EngineNodeInvalid' }
        @{ what = 'a node that is not there'; run = { Set-BuildKitEngine known -RemoveAddress /x.sock -ErrorAction Stop }; id = 'EngineNodeInvalid' }
        @{ what = 'a node that is already there'; run = { Set-BuildKitEngine known -AddAddress docker -ErrorAction Stop }; id = 'EngineNodeInvalid' }
        @{ what = 'to remove what is absent'; run = { Unregister-BuildKitEngine absent -ErrorAction Stop }; id = 'EngineNotRegistered' }
        @{ what = 'to show what is absent'; run = { Get-BuildKitEngine absent -ErrorAction Stop }; id = 'EngineNotRegistered' }
    ) {
        $null = Register-BuildKitEngine known docker://
        $was = Get-Content -Raw $file
        Get-Failure $run | Should -Be $id
        Get-Content -Raw $file | Should -Be $was
    }

    It 'are not read from <what>' -ForEach @(
        @{ what = 'a file that others can write'; spoil = { [IO.File]::SetUnixFileMode($file, 'UserRead, UserWrite, GroupWrite') }; id = 'EngineFileNotTrusted' }
        @{ what = 'a directory that others can write'; spoil = { [IO.File]::SetUnixFileMode((Split-Path $file), 'UserRead, UserWrite, UserExecute, OtherWrite') }; id = 'EngineFileNotTrusted' }
        @{ what = 'a file of a newer version'; spoil = { (Get-Content -Raw $file).Replace('"version": 1', '"version": 2') | Set-Content $file }; id = 'EngineFileInvalid'; says = '*version 2*version 1*' }
        @{ what = 'a file with an unknown field'; spoil = { (Get-Content -Raw $file).Replace('"nodes"', '"weight": 3, "nodes"') | Set-Content $file }; id = 'EngineFileInvalid'; says = "*'weight'*" }
        @{ what = 'a file that is no JSON'; spoil = { Set-Content $file '{' }; id = 'EngineFileInvalid' }
        @{ what = 'a file that is too large'; spoil = { Set-Content $file (' ' * 1200000) }; id = 'EngineFileNotAccessible' }
    ) {
        $null = Register-BuildKitEngine ci docker://
        . $spoil
        foreach ($run in { Get-BuildKitEngine -ErrorAction Stop }, { Register-BuildKitEngine x docker:// -ErrorAction Stop }, { Get-BuildKitInfo -Address ci -ErrorAction Stop }, { Get-BuildKitInfo -Address engine://ci -ErrorAction Stop }) {
            $failure = $run | Should -Throw -PassThru
            $failure.FullyQualifiedErrorId | Should -BeLike "$id,*"
            if ($says) {
                "$failure" | Should -BeLike $says
            }
        }
    }

    It 'stay whole when several processes change them' {
        $null = Register-BuildKitEngine first docker://
        1..12 | ForEach-Object -Parallel {
            Import-Module $using:manifestPath
            $null = Register-BuildKitEngine "engine$_" docker://
        } -ThrottleLimit 6
        (Get-BuildKitEngine).Count | Should -Be 13
    }

    It 'are accepted where addresses are' {
        $null = Register-BuildKitEngine gone unix:///nowhere/a.sock, unix:///nowhere/b.sock
        foreach ($run in { Get-BuildKitInfo -Address gone -ConnectTimeout 1ms -ErrorAction Stop }, { Get-BuildKitInfo -Address engine://GONE -ConnectTimeout 1ms -ErrorAction Stop },
            { Get-BuildKitEngine gone | Get-BuildCache -ConnectTimeout 1ms -ErrorAction Stop }, { Get-ContainerImage -Address gone -ConnectTimeout 1ms -ErrorAction Stop },
            { Wait-BuildKit gone -Timeout 1ms -ErrorAction Stop }) {
            Get-Failure $run | Should -BeIn 'EngineNotFound', 'EngineTimedOut', 'ImageStoreRefused'
        }
        Get-Failure { Get-BuildKitInfo -Address absent -ErrorAction Stop } | Should -Be 'EngineNotRegistered'
        Get-Failure { Get-BuildKitInfo -Address engine://absent -ErrorAction Stop } | Should -Be 'EngineNotRegistered'
        $env:BUILDKIT_HOST = 'absent'
        Get-Failure { Get-BuildKitInfo -ErrorAction Stop } | Should -Be 'EngineSettingInvalid'
        $env:BUILDKIT_HOST = $null
    }

    It 'are tested node by node' {
        $null = Register-BuildKitEngine gone unix:///nowhere/a.sock, tcp://127.0.0.1:1
        Test-BuildKitSocket gone -ConnectTimeout 50ms | Should -BeFalse
        Get-BuildKitEngine gone | Test-BuildKitSocket -Detailed -ConnectTimeout 50ms | ForEach-Object { $_.Address } | Should -Be 'unix:///nowhere/a.sock', 'tcp://127.0.0.1:1'
    }

    It 'are completed' {
        $null = Register-BuildKitEngine ci-west unix:///nowhere/a.sock, ssh://me@b -Label team=web
        Get-Completion 'Get-BuildKitInfo -Address ci' | Should -Contain 'ci-west'
        Get-Completion 'Get-ContainerImage -Address ci' | Should -Contain 'ci-west'
        Get-Completion 'Set-BuildKitEngine ' | Should -Contain 'ci-west'
        Get-Completion 'Get-BuildKitEngine -Label te' | Should -Contain 'team=web'
        Get-Completion 'Set-BuildKitEngine ci-west -RemoveAddress ssh' | Should -Contain "'ssh://me@b'"
    }

    It 'are registered from a table' {
        'Name,Address,Platform,Label,Default', 'one,/a.sock;/b.sock,linux/amd64;linux/arm64,team=a,true', 'two,docker://,,,' | ConvertFrom-Csv | Register-BuildKitEngine |
            ForEach-Object { "$($_.Name) $($_.Nodes.Count) $($_.Platforms) $($_.Labels.Count) $($_.IsDefault)" } | Should -Be 'one 2 linux/amd64 linux/arm64 1 True', 'two 1  0 False'
    }
}

Describe 'The default engine' -Skip:(-not $fixture.CanRun) {
    It 'comes after BUILDKIT_HOST, and before all others' {
        $env:XDG_CONFIG_HOME = "$TestDrive/default"
        $engine = Start-TestEngine
        $null = Register-BuildKitEngine ci $engine.address -Default
        (Get-BuildKitInfo).Address | Should -Be $engine.address
        $env:BUILDKIT_HOST = 'unix:///nowhere/x.sock'
        $info = Get-BuildKitInfo -WarningVariable warned -WarningAction SilentlyContinue
        $info.Address | Should -Be $engine.address
        "$warned" | Should -BeLike '*BUILDKIT_HOST*'
        $env:BUILDKIT_HOST = 'ci'
        (Get-BuildKitInfo).Address | Should -Be $engine.address
        $env:BUILDKIT_HOST = $null
    }
}
