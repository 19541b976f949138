# What goes into a build beside its directory, how it is run and what is said of it, on a real engine and in its checks.
BeforeDiscovery {
    . $PSScriptRoot/Common.ps1
    $fixture = Test-EngineFixture
}

BeforeAll {
    . $PSScriptRoot/Common.ps1
    Import-TestCmdlet
    $app = New-Item -ItemType Directory "$TestDrive/app"
    Set-Content "$app/Dockerfile" 'FROM scratch'
    function Get-OptionError {
        param([hashtable] $Options)
        Invoke-ImageBuild "$app" -WhatIf @Options -ErrorVariable errors -ErrorAction SilentlyContinue
        $errors
    }
}

Describe 'An option that cannot be' {
    It '<Name> is refused before anything is sent' -ForEach @(
        @{ Name = 'Ulimit'; Options = @{ Ulimit = @{ files = 1 } } }
        @{ Name = 'Ulimit'; Options = @{ Ulimit = 'nofile=9:3' } }
        @{ Name = 'AddHost'; Options = @{ AddHost = 'name:no-address' } }
        @{ Name = 'Allow'; Options = @{ Allow = 'everything' } }
        @{ Name = 'Attest'; Options = @{ Attest = 'type=praise' } }
        @{ Name = 'Annotation'; Options = @{ Annotation = @{ 'cover:org.example' = 'x' } } }
        @{ Name = 'SourcePolicy'; Options = @{ SourcePolicy = @{ action = 'DENY' } } }
        @{ Name = 'RewriteTimestamp'; Options = @{ RewriteTimestamp = $true } }
    ) {
        $failed = Get-OptionError $Options
        $failed | Should -HaveCount 1
        $failed[0].FullyQualifiedErrorId | Should -BeLike 'InvalidOption,*'
        $failed[0].Exception.Message | Should -Match $Name
    }

    It 'a $SOURCE_DATE_EPOCH that is no number' {
        $env:SOURCE_DATE_EPOCH = 'yesterday'
        try {
            $failed = Get-OptionError @{}
        }
        finally {
            $env:SOURCE_DATE_EPOCH = $null
        }
        $failed[0].FullyQualifiedErrorId | Should -BeLike 'InvalidOption,*'
        $failed[0].Exception.Message | Should -Match 'SOURCE_DATE_EPOCH'
    }

    It 'a named context that is not there' {
        $failed = Get-OptionError @{ BuildContext = @{ assets = "$TestDrive/none" } }
        $failed[0].FullyQualifiedErrorId | Should -BeLike 'InvalidContext,*'
        $failed[0].Exception.Message | Should -Match 'assets'
    }

    It 'an index annotation without an index' {
        $failed = Get-OptionError @{ Annotation = @{ 'index:org.example' = 'x' } }
        $failed[0].FullyQualifiedErrorId | Should -BeLike 'InvalidContext,*'
    }

    It 'a file that is no archive' {
        Invoke-ImageBuild "$app/Dockerfile" -WhatIf -ErrorVariable errors -ErrorAction SilentlyContinue
        $errors[0].FullyQualifiedErrorId | Should -BeLike 'NotDirectory,*'
        Set-Content "$TestDrive/wrong.tar" ('x' * 2000)
        Invoke-ImageBuild "$TestDrive/wrong.tar" -WhatIf -ErrorVariable errors -ErrorAction SilentlyContinue
        $errors[0].FullyQualifiedErrorId | Should -BeLike 'InvalidContext,*'
    }
}

Describe 'On an engine' -Skip:(-not $fixture.CanRun) {
    BeforeAll {
        $engine = Start-TestEngine
        $env:BUILDKIT_HOST = $engine.address
        function Get-BuildLog {
            param([Parameter(Mandatory)] [scriptblock] $Build)
            $log = "$TestDrive/$([guid]::NewGuid().ToString('n')).log"
            $null = & $Build $log
            Get-Content $log
        }
    }
    AfterAll {
        $env:BUILDKIT_HOST = $null
        Stop-TestEngine $engine
    }

    It 'steps get hosts, limits and shared memory' {
        $folder = New-BuildDirectory "$TestDrive/exec" $engine "FROM scratch`nCOPY busybox /`nRUN [`"/busybox`", `"sh`", `"-c`", `"echo host=`$(/busybox grep -c 10.9.8.7 /etc/hosts) files=`$(ulimit -n) shm=`$(/busybox df -k /dev/shm | /busybox awk 'END{print `$2}')`"]"
        $lines = Get-BuildLog { param($log) Invoke-ImageBuild $folder -NoCache -AddHost 'registry.local:10.9.8.7' -Ulimit @{ nofile = '512:1024' } -ShmSize 32MB -LogPath $log -ErrorAction Stop }
        $lines -match 'host=1 files=512 shm=32768' | Should -Not -BeNullOrEmpty
    }

    It 'named contexts are directories and layouts' {
        $folder = New-BuildDirectory "$TestDrive/named" $engine "FROM scratch`nCOPY busybox /`nCOPY --from=assets a /`nRUN [`"/busybox`", `"sh`", `"-c`", `"echo said=`$(/busybox cat /a)`"]"
        $null = New-Item -ItemType Directory "$TestDrive/assets"
        Set-Content "$TestDrive/assets/a" 'from assets'
        Push-Location $TestDrive
        try {
            $lines = Get-BuildLog { param($log) Invoke-ImageBuild $folder -BuildContext assets=./assets -NoCache -LogPath $log -ErrorAction Stop }
        }
        finally {
            Pop-Location
        }
        $lines -match 'said=from assets' | Should -Not -BeNullOrEmpty
    }

    It 'an archive is built from' {
        $folder = New-BuildDirectory "$TestDrive/packed" $engine "FROM scratch`nCOPY busybox /`nRUN [`"/busybox`", `"echo`", `"from the archive`"]"
        tar -C $folder -czf "$TestDrive/packed.tgz" .
        $lines = Get-BuildLog { param($log) Invoke-ImageBuild "$TestDrive/packed.tgz" -NoCache -LogPath $log -ErrorAction Stop }
        $lines -match 'from the archive' | Should -Not -BeNullOrEmpty
    }

    It 'the same tree gives the same digest, and files say so' {
        $folder = New-BuildDirectory "$TestDrive/dated" $engine "FROM scratch`nCOPY busybox /"
        $first = Invoke-ImageBuild $folder -Tag demo/dated:1 -NoCache -SourceDateEpoch 1600000000 -RewriteTimestamp -MetadataFile "$TestDrive/meta.json" -IidFile "$TestDrive/iid" -ErrorAction Stop
        (Get-Item "$folder/busybox").LastWriteTime = [datetime]::Now
        $second = Invoke-ImageBuild $folder -Tag demo/dated:2 -NoCache -SourceDateEpoch '2020-09-13T12:26:40Z' -RewriteTimestamp -ErrorAction Stop
        $second.Digest | Should -Be $first.Digest
        $meta = Get-Content "$TestDrive/meta.json" -Raw | ConvertFrom-Json
        $meta.'containerimage.digest' | Should -Be $first.Digest
        $meta.'containerimage.descriptor'.digest | Should -Be $first.Digest
        Get-Content "$TestDrive/iid" | Should -Be $first.ConfigDigest
    }

    It 'takes $SOURCE_DATE_EPOCH where no time is given' {
        $folder = New-BuildDirectory "$TestDrive/epoch" $engine "FROM scratch`nCOPY busybox /"
        $env:SOURCE_DATE_EPOCH = '1500000000'
        try {
            $null = Invoke-ImageBuild $folder -Tag demo/epoch:1 -ErrorAction Stop
            $null = Invoke-ImageBuild $folder -Tag demo/epoch:2 -SourceDateEpoch 1600000000 -ErrorAction Stop
        }
        finally {
            $env:SOURCE_DATE_EPOCH = $null
        }
        $created = 1, 2 | ForEach-Object { (Invoke-RestMethod -UnixSocket $engine.docker -Uri "http://docker/images/demo/epoch:$_/json").Created.ToUniversalTime() }
        $created | Should -Be ([DateTimeOffset]::FromUnixTimeSeconds(1500000000).UtcDateTime), ([DateTimeOffset]::FromUnixTimeSeconds(1600000000).UtcDateTime)
    }

    It 'pipes what it builds to a listing' {
        $folder = New-BuildDirectory "$TestDrive/piped" $engine "FROM scratch`nCOPY busybox /"
        $built = Invoke-ImageBuild $folder -Tag demo/piped:1 -ErrorAction Stop
        $image = $built | Get-ContainerImage -ErrorAction Stop
        $image.Name, $image.Digest | Should -Be 'demo/piped:1', $built.Digest
    }

    It 'pipes what it builds to a copy, an archive and a removal' {
        $folder = New-BuildDirectory "$TestDrive/handed-on" $engine "FROM scratch`nCOPY busybox /"
        $built = Invoke-ImageBuild $folder -Tag demo/handed-on:1 -ErrorAction Stop
        ($built | Copy-ContainerImage -Destination demo/handed-on:2 -PassThru -ErrorAction Stop).Name | Should -Be 'demo/handed-on:2'
        $built | Export-ContainerImage -Destination "$TestDrive/handed-on.tar" -ErrorAction Stop
        tar -xOf "$TestDrive/handed-on.tar" index.json | Should -Match $built.Digest
        $built | Remove-ContainerImage -Confirm:$false -ErrorAction Stop
        (Get-ContainerImage demo/handed-on).Name | Should -Be 'demo/handed-on:2'
    }

    It 'shows one version of one engine' {
        (Get-BuildKitWorker).Version | Should -Be (Get-BuildKitInfo).Version
        (Get-BuildKitWorker).Version | Should -Be (Get-BuildKitInfo).Version
    }

    It 'warns while the build runs of what is among its warnings' {
        $folder = New-BuildDirectory "$TestDrive/warned" $engine "FROM scratch`nCOPY busybox /busybox`nRUN [`"/busybox`", \`n`n  `"sleep`", `"3`"]`n"
        $built = $null
        $warned = Invoke-ImageBuild $folder -NoCache -ErrorAction Stop 3>&1 | ForEach-Object {
            if ($_ -is [Management.Automation.WarningRecord]) { [pscustomobject]@{ Text = $_.Message; At = [DateTimeOffset]::UtcNow } } else { $built = $_ }
        }
        $built.Warnings | Should -Not -BeNullOrEmpty
        foreach ($warning in $built.Warnings) {
            @($warned.Text) -match [regex]::Escape("$warning") | Should -Not -BeNullOrEmpty
        }

        $step = $built.Steps | Where-Object Name -Match 'RUN'
        ($warned | Where-Object Text -Match 'mpty continuation')[0].At | Should -BeLessThan ($step.Started + $step.Duration)
    }

    It 'attestations make an index, and no platform' {
        $folder = New-BuildDirectory "$TestDrive/attested" $engine "FROM scratch`nCOPY busybox /"
        $built = Invoke-ImageBuild $folder -Tag demo/attested:1 -Provenance max -Annotation @{ 'index:org.example' = 'x' } -MetadataFile "$TestDrive/attested.json" -ErrorAction Stop
        $built.Platforms | Should -HaveCount 1
        (Get-Content "$TestDrive/attested.json" -Raw | ConvertFrom-Json).'containerimage.descriptor'.mediaType | Should -BeLike '*index*'
    }

    It 'a source policy is a hashtable' {
        $folder = New-BuildDirectory "$TestDrive/policy" $engine "FROM scratch`nADD http://source.invalid/x /"
        $null = Invoke-ImageBuild $folder -SourcePolicy @{ action = 'DENY'; selector = @{ identifier = 'http://source.invalid/*' } } -ErrorVariable errors -ErrorAction SilentlyContinue
        $errors[0].FullyQualifiedErrorId | Should -BeLike 'NotAllowedByEngine,*'
    }

    It 'builds of one pipeline go side by side' {
        $folders = 1..4 | ForEach-Object { New-BuildDirectory "$TestDrive/side$_" $engine "FROM scratch`nCOPY busybox /`nRUN [`"/busybox`", `"sleep`", `"1`"]`nLABEL n=$_" }
        $built = $folders | Invoke-ImageBuild -NoCache -ThrottleLimit 4 -ErrorAction Stop
        $built | Should -HaveCount 4
        $overlap = foreach ($one in $built) { @($built | Where-Object { $_.Started -lt $one.Started + $one.Duration -and $one.Started -lt $_.Started + $_.Duration }).Count }
        ($overlap | Measure-Object -Maximum).Maximum | Should -BeGreaterThan 1
    }

    It 'one that fails ends none of the others' {
        $folders = @(
            New-BuildDirectory "$TestDrive/mixed1" $engine "FROM scratch`nCOPY busybox /"
            New-BuildDirectory "$TestDrive/mixed2" $engine "FROM scratch`nCOPY none /"
            # Not the image of the first: Docker's exporter fails where two of the same name are stored at once.
            New-BuildDirectory "$TestDrive/mixed3" $engine "FROM scratch`nCOPY busybox /`nLABEL n=3"
        )
        $built = $folders | Invoke-ImageBuild -ThrottleLimit 3 -ErrorVariable errors -ErrorAction SilentlyContinue
        $built | Should -HaveCount 2
        $errors[0].FullyQualifiedErrorId | Should -BeLike 'FileNotInContext,*'
    }

    Context 'sixteen at once' {
        BeforeAll {
            # Each says its number, and takes long enough that all can be seen to go on together.
            $folder = New-BuildDirectory "$TestDrive/many" $engine "FROM scratch`nCOPY busybox /`nARG N`nRUN [`"/busybox`", `"sh`", `"-c`", `"echo `$N > /n; /busybox sleep 3`"]`nLABEL n=`$N"
            function Assert-Together($built) {
                $built | Should -HaveCount 16
                @($built.Digest | Select-Object -Unique) | Should -HaveCount 16
                foreach ($number in 1..16) {
                    $image = Invoke-RestMethod -UnixSocket $engine.docker -Uri "http://docker/images/demo/many:$number/json"
                    $image.Config.Labels.n | Should -Be $number
                }

                # At one moment all of them were under way, and none waited until others had gone.
                $ended = $built | ForEach-Object { $_.Started + $_.Duration } | Sort-Object
                ($built.Started | Sort-Object)[-1] | Should -BeLessThan $ended[0]
                $took = @($built.Duration.TotalSeconds | Sort-Object)
                $took[-1] | Should -BeLessThan (3 * $took[7])
            }
        }

        It 'by ForEach-Object -Parallel' {
            $all = [Threading.Barrier]::new(16)
            # An error that ends one of them is an ordinary error here: without this only a result would be missing.
            $built = 1..16 | ForEach-Object -ThrottleLimit 16 -Parallel {
                Import-Module $using:manifestPath
                $null = ($using:all).SignalAndWait(60000)
                Invoke-ImageBuild $using:folder -Tag "demo/many:$_" -BuildArg @{ N = $_ } -NoCache -ErrorAction Stop
            } 2>&1
            $failed = $built | Where-Object { $_ -is [System.Management.Automation.ErrorRecord] }
            $failed | ForEach-Object { "$($_.FullyQualifiedErrorId): $($_.Exception) $($_.ScriptStackTrace)" } | Should -BeNullOrEmpty
            Assert-Together $built
        }

        It 'by Start-ThreadJob' {
            $all = [Threading.Barrier]::new(16)
            $jobs = foreach ($number in 1..16) {
                Start-ThreadJob -ThrottleLimit 16 {
                    Import-Module $using:manifestPath
                    $null = ($using:all).SignalAndWait(60000)
                    Invoke-ImageBuild $using:folder -Tag "demo/many:$using:number" -BuildArg @{ N = $using:number } -NoCache -ErrorAction Stop
                }
            }
            Assert-Together ($jobs | Receive-Job -Wait -AutoRemoveJob)
        }

        It 'by -ThrottleLimit, in one call and on one connection' {
            $builds = 1..16 | ForEach-Object { [pscustomobject]@{ Path = $folder; Tag = "demo/many:$_"; BuildArg = @{ N = $_ } } }
            Assert-Together ($builds | Invoke-ImageBuild -NoCache -ThrottleLimit 16 -ErrorAction Stop)
        }
    }

    It 'tells of a Dockerfile without building it' {
        Set-Content "$TestDrive/Sample" "# build makes it`nFROM scratch as build`n# NAME is said`nARG NAME=x`nCOPY a /`nFROM scratch`nCOPY --from=build /a /`n"
        Test-Dockerfile "$TestDrive/Sample" | Should -BeFalse
        $found = Test-Dockerfile "$TestDrive/Sample" -Detailed
        ($found | Where-Object Rule -EQ FromAsCasing) | ForEach-Object { $_.Line, $_.File } | Should -Be 2, 'Sample'
        $found[0].Url | Should -BeLike 'https://*'
        Test-Dockerfile -DockerfileText 'FROM scratch', 'COPY a /' | Should -BeTrue
        Test-Dockerfile -DockerfileText 'NOTHING' | Should -BeFalse
        (Get-DockerfileTarget "$TestDrive/Sample").Name | Should -Be 'build', $null
        Set-Content "$TestDrive/a" 'a file'
        $built = Get-DockerfileTarget "$TestDrive/Sample" | Invoke-ImageBuild
        $built | Should -HaveCount 2
        $outline = Get-DockerfileOutline "$TestDrive/Sample" -Target build
        $outline.Arguments[0].Name, $outline.Arguments[0].Value, $outline.Arguments[0].Description | Should -Be 'NAME', 'x', 'is said'
        ($found | Format-Table | Out-String -Width 80).Split("`n") | ForEach-Object { $_.TrimEnd().Length | Should -BeLessOrEqual 80 }
    }
}
