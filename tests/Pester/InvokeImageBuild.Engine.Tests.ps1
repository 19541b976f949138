# Invoke-ImageBuild on a real engine.
BeforeDiscovery {
    . $PSScriptRoot/Common.ps1
    $fixture = Test-EngineFixture
    if (-not $fixture.CanRun) {
        Write-Warning "Skipped, no engine: $($fixture.Reason)"
    }
}

Describe 'Invoke-ImageBuild on an engine' -Skip:(-not $fixture.CanRun) {
    BeforeAll {
        . $PSScriptRoot/Common.ps1
        Import-TestCmdlet
        $engine = Start-TestEngine
        $address = $engine.address
        $app = New-BuildDirectory $TestDrive/app $engine @'
FROM scratch AS build
COPY busybox /bin/busybox
COPY message /message
RUN ["/bin/busybox", "sh", "-c", "echo built && /bin/busybox cat /message > /copy"]
FROM scratch
COPY --from=build /copy /copy
'@
        Set-Content $app/message 'hello'
        $broken = New-BuildDirectory $TestDrive/broken $engine @'
FROM scratch
COPY busybox /bin/busybox
RUN ["/bin/busybox", "sh", "-c", "echo last words; exit 9"]
'@
        function Get-EngineImage($name) {
            Invoke-RestMethod -UnixSocket $engine.docker -Uri "http://docker/images/$name/json" -SkipHttpErrorCheck
        }
    }

    AfterAll {
        if ($engine) {
            Stop-TestEngine $engine
        }
    }

    It 'builds, and its table reads well' {
        $result = Invoke-ImageBuild $app -Tag demo/app:1 -Address $address
        $result.Digest | Should -Match '^sha256:[0-9a-f]{64}$'
        $result.References | Should -Be 'docker.io/demo/app:1'
        $result.Address | Should -Be $address
        $result.StepCount | Should -BeGreaterThan 4
        $result.Steps.Name | Should -Contain '[build 1/3] COPY busybox /bin/busybox'
        $result.BytesSent | Should -BeGreaterThan 1000000
        $lines = ($result | Format-Table | Out-String -Width 80) -split '\r?\n' -replace '\x1b\[[0-9;]*m' | Where-Object { $_ }
        $lines[2] | Should -Match "^$($result.Digest.Substring(7, 12))\s.* demo/app:1$"
        $lines | Where-Object Length -GT 80 | Should -BeNullOrEmpty
        $lines = ($result.Steps | Out-String -Width 80) -split '\r?\n' -replace '\x1b\[[0-9;]*m' | Where-Object { $_ }
        $lines -match '^\s*\d+ (done|cached) +\d+\.\ds \[build 1/3\] COPY busybox /bin/busybox$' | Should -HaveCount 1
        $lines | Where-Object Length -GT 80 | Should -BeNullOrEmpty
    }

    It 'loads what other calls need with the first of them; no build does' {
        $grpc = "(`$context.Assemblies.GetName().Name -match '^Grpc' | Sort-Object) -join ' '"
        $result = Invoke-FreshPwsh "Import-Module '$manifestPath'
            `$context = [Runtime.Loader.AssemblyLoadContext]::GetLoadContext((Get-Command Invoke-ImageBuild).ImplementingType.Assembly)
            Invoke-ImageBuild '$app' -Address '$address' *> `$null
            $grpc
            `$null = Get-BuildKitInfo -Address '$address'
            $grpc"
        $result.Errors | Should -BeNullOrEmpty
        $lines = $result.Output -split '\r?\n'
        $lines[0] | Should -Be 'Grpc.Core.Api'
        $lines[1] | Should -Match '^Grpc.Core.Api Grpc.Net.Client'
    }

    It 'works beside a module that has gRPC of its own in the default context' {
        $result = Invoke-FreshPwsh "'Google.Protobuf', 'Grpc.Core.Api' | ForEach-Object { `$null = [Reflection.Assembly]::LoadFrom('$root/bin/OpenCloud.Build/' + `$_ + '.dll') }
            [Google.Protobuf.ByteString]::CopyFromUtf8('theirs').ToStringUtf8()
            [Grpc.Core.RpcException]::new([Grpc.Core.Status]::new('NotFound', 'theirs')).StatusCode
            Import-Module '$manifestPath'
            (Invoke-ImageBuild '$app' -Address '$address' -InformationAction Ignore).Digest
            (Get-BuildKitInfo -Address '$address').Workers.Count
            Get-BuildHistory no-such-build -Address '$address' -ErrorAction SilentlyContinue
            [Google.Protobuf.ByteString]::CopyFromUtf8('theirs').ToStringUtf8()
            [AppDomain]::CurrentDomain.GetAssemblies().GetName().Name -match '^(Google.Protobuf|Grpc.Core.Api)$' | Sort-Object"
        $result.Errors | Should -BeNullOrEmpty
        $lines = $result.Output -split '\r?\n'
        $lines[0, 1] | Should -Be 'theirs', 'NotFound'
        $lines[2] | Should -Match '^sha256:'
        [int] $lines[3] | Should -BeGreaterThan 0
        $lines | Select-Object -Skip 4 | Should -Be 'theirs', 'Google.Protobuf', 'Google.Protobuf', 'Grpc.Core.Api', 'Grpc.Core.Api'
    }

    It 'loads nothing that runs programs when it runs none' {
        $result = Invoke-FreshPwsh "Import-Module '$manifestPath'; `$null = Invoke-ImageBuild '$app' -Tag demo/alone:1 -Address '$address'
            [bool]([AppDomain]::CurrentDomain.GetAssemblies().GetName().Name -eq 'OpenCloud.Build.Client')
            [bool]([AppDomain]::CurrentDomain.GetAssemblies().GetName().Name -eq 'CliWrap')"
        $result.Output -split '\s+' | Should -Be 'True', 'False'
    }

    It 'puts the image where its user looks' {
        $result = Invoke-ImageBuild $app -Tag demo/found:1 -Label @{ purpose = 'test' } -Address $address
        $image = Get-EngineImage demo/found:1
        $image.Config.Labels.purpose | Should -Be 'test'
        $image.RepoTags | Should -Contain 'demo/found:1'
        $image.Id | Should -BeIn $result.Digest, $result.ConfigDigest
    }

    It 'builds many from a CSV file, and one that fails does not stop the others' {
        @"
Path,Tag,Target
$app,many/one:1;many/one:2,
$broken,many/broken:1,
$app,many/three:1,build
"@ | Set-Content $TestDrive/builds.csv
        $results = Import-Csv $TestDrive/builds.csv | Invoke-ImageBuild -Address $address -ErrorVariable failures -ErrorAction SilentlyContinue
        $results | Should -HaveCount 2
        $results[0].References | Should -Be 'docker.io/many/one:1', 'docker.io/many/one:2'
        $results[1].References | Should -Be 'docker.io/many/three:1'
        $failures | Should -HaveCount 1
    }

    It 'tells of a step that failed: what, where, and its last words' {
        $result = Invoke-ImageBuild $broken -Address $address -ErrorVariable failures -ErrorAction SilentlyContinue
        $result | Should -BeNullOrEmpty
        $failure = $failures[0]
        $failure.FullyQualifiedErrorId | Should -Be 'BuildStepFailed,OpenCloud.Build.Commands.InvokeImageBuildCommand'
        $failure.CategoryInfo.Category | Should -Be 'InvalidResult'
        $failure.TargetObject | Should -Be $broken
        $failure.ErrorDetails.RecommendedAction | Should -Match '-LogPath'
        $failure.ErrorDetails.RecommendedAction | Should -Not -Match '\n|last words' -Because 'the advice stands alone'
        $failure.ErrorDetails.Message | Should -Match '(?m)^>\s+3 \| RUN'
        "$failure" | Should -Match 'exit code: 9'
        "$failure" | Should -Match 'Dockerfile:3'
        $failure.Exception.Message | Should -Match '(?m)^>\s+3 \| RUN'
        $failure.Exception.Message | Should -Match '(?m)^  last words$'
        $cause = $failure.Exception.InnerException
        $cause.ExitCode | Should -Be 9
        $cause.File, $cause.Line | Should -Be 'Dockerfile', 3
        $cause.LogTail | Should -Contain 'last words'
    }

    It 'shows the lines of the Dockerfile and of the log as lines, in a script and at a prompt' {
        $script = "$TestDrive/fails.ps1"
        Set-Content $script "param(`$Path, `$Address) Invoke-ImageBuild `$Path -Address `$Address"
        $commands = @{
            Script = ". '$script' '$broken' '$address'"
            Prompt = "Invoke-ImageBuild '$broken' -Address '$address'"
        }
        foreach ($name in $commands.Keys) {
            $shown = env @(Get-PwshCommand) -NoProfile -NonInteractive -Command "`$PSStyle.OutputRendering = 'PlainText'; Import-Module '$root/OpenCloud.Build.psd1'; $($commands[$name])" 2>&1 | Out-String
            $shown | Should -Match 'exit\W+code:\W+9' -Because $name
            $shown | Should -Match '(?m)^>    3 \| RUN' -Because $name
            $shown | Should -Match '(?m)^  last words$' -Because $name
        }
    }

    It 'has the whole log in -Verbose and -LogPath' {
        $log = "$TestDrive/build.log"
        $streams = Invoke-ImageBuild $app -NoCache -Address $address -LogPath $log -Verbose 4>&1
        $verbose = @($streams | Where-Object { $_ -is [Management.Automation.VerboseRecord] }).Message
        $verbose -match 'The engine is ' | Should -Not -BeNullOrEmpty
        $verbose -match '^#\d+ \d+\.\d{3} built$' | Should -HaveCount 1
        $text = Get-Content $log
        $text -match '^#\d+ \d+\.\d{3} built$' | Should -HaveCount 1
        $text[0] | Should -Match "^# "
        $text[-1] | Should -Match '^# sha256:'
        @($verbose -match '^#') | Should -Be @($text -match '^#\d')
    }

    It 'never shortens a line' {
        $long = New-BuildDirectory $TestDrive/long $engine @'
FROM scratch
COPY busybox /bin/busybox
RUN ["/bin/busybox", "sh", "-c", "/bin/busybox head -c 50000 /dev/zero | /bin/busybox tr '\\0' x; echo"]
'@
        $null = Invoke-ImageBuild $long -Address $address -LogPath $TestDrive/long.log
        (Get-Content $TestDrive/long.log | Measure-Object Length -Maximum).Maximum | Should -BeGreaterThan 50000
    }

    It 'builds nothing with -WhatIf' {
        Invoke-ImageBuild $app -Tag whatif/app:1 -Address $address -WhatIf 6>$null | Should -BeNullOrEmpty
        (Get-EngineImage whatif/app:1).message | Should -Match 'No such image'
    }

    It 'shows a bar for the build and one for each running step, and completes them' {
        $slow = New-BuildDirectory $TestDrive/slow $engine @'
FROM scratch
COPY busybox /bin/busybox
RUN ["/bin/busybox", "sh", "-c", "for i in 1 2 3 4 5; do echo tick $i; /bin/busybox sleep 0.3; done"]
'@
        $new = New-RecordedShell
        $clock = [Diagnostics.Stopwatch]::StartNew()
        $null = $new.Shell.AddScript('Invoke-ImageBuild $args[0] -NoCache -Tag slow:1 -Address $args[1]').AddArgument($slow).AddArgument($address).Invoke()
        $elapsed = $clock.Elapsed.TotalMilliseconds
        $new.Shell.Streams.Error | Should -BeNullOrEmpty
        $records = @($new.Recorder.Progress | Where-Object Activity -NotLike 'Preparing*')
        $new.Shell.Dispose()
        $parents = @($records | Where-Object { $_.ParentActivityId -lt 0 -and $_.RecordType -eq 'Processing' })
        $parents[0].Activity | Should -Be 'Building slow:1'
        $parents.Count | Should -BeLessOrEqual ([Math]::Ceiling($elapsed / 200) + 1)
        $steps = @($records | Where-Object ParentActivityId -EQ $parents[0].ActivityId)
        @($steps | Where-Object { $_.Activity -like '*RUN*' -and $_.StatusDescription -like '*tick*' }) | Should -Not -BeNullOrEmpty
        foreach ($bar in $records | Group-Object ActivityId) {
            $bar.Group[-1].RecordType | Should -Be 'Completed'
        }
    }

    It 'stops on the engine within a second when the pipeline is stopped' {
        $marker = "ocb$([guid]::NewGuid().ToString('n').Substring(0, 12))"
        $sleeper = New-BuildDirectory $TestDrive/sleeper $engine @"
FROM scratch
COPY busybox /bin/busybox
RUN ["/bin/busybox", "sh", "-c", "echo begun; /bin/busybox sleep 300; : $marker"]
"@
        function Get-Marked {
            @(Get-ChildItem /proc -Directory | Where-Object Name -Match '^\d+$' | Where-Object {
                    try { [IO.File]::ReadAllText("$($_.FullName)/cmdline").Contains("sleep 300; : $marker") } catch { $false }
                })
        }
        $new = New-RecordedShell
        $running = $new.Shell.AddScript('Invoke-ImageBuild $args[0] -Address $args[1]').AddArgument($sleeper).AddArgument($address).BeginInvoke()
        $limit = [Diagnostics.Stopwatch]::StartNew()
        while (-not (Get-Marked) -and $limit.Elapsed.TotalSeconds -lt 60) {
            [Threading.Thread]::Sleep(20)
        }
        Get-Marked | Should -Not -BeNullOrEmpty
        $clock = [Diagnostics.Stopwatch]::StartNew()
        $new.Shell.Stop()
        $clock.Elapsed.TotalSeconds | Should -BeLessThan 1.5
        while ((Get-Marked) -and $clock.Elapsed.TotalSeconds -lt 10) {
            [Threading.Thread]::Sleep(20)
        }
        Get-Marked | Should -BeNullOrEmpty
        $running.IsCompleted | Should -BeTrue
        foreach ($bar in $new.Recorder.Progress | Where-Object Activity -NotLike 'Preparing*' | Group-Object ActivityId) {
            $bar.Group[-1].RecordType | Should -Be 'Completed'
        }
        $new.Shell.Dispose()
    }

    It 'finds the engine by itself and says which and why not the others' {
        $script = "Import-Module '$manifestPath'; Invoke-ImageBuild '$app' -Tag found/by:itself -Verbose 4>&1 3>&1 | Out-String -Width 300"
        $run = Invoke-FreshPwsh $script -Environment @{ BUILDKIT_HOST = ''; XDG_RUNTIME_DIR = "$TestDrive/none"; DOCKER_HOST = "unix://$($engine.docker)" }
        $run.Output | Should -Match ([regex]::Escape("The engine is $address (`$DOCKER_HOST)"))
        $run.Output | Should -Match 'Skipped .*: Cannot connect to unix:///run/buildkit/buildkitd.sock'
    }

    It 'says that there is no engine' {
        Invoke-ImageBuild $app -Address "unix://$TestDrive/absent.sock" -ConnectTimeout 0.3 -ErrorVariable failures -ErrorAction SilentlyContinue
        $failures[0].FullyQualifiedErrorId | Should -BeLike 'EngineNotFound,*'
        $failures[0].CategoryInfo.Category | Should -Be 'ObjectNotFound'
        $failures[0].ErrorDetails.RecommendedAction | Should -Match 'Install-BuildKit'
    }

    It 'does not wait again for an engine that was not there' {
        $clock = [Diagnostics.Stopwatch]::StartNew()
        $app, $app, $app, $app | Invoke-ImageBuild -Address "unix://$TestDrive/absent.sock" -ConnectTimeout 1 -ErrorVariable failures -ErrorAction SilentlyContinue
        $failures | Should -HaveCount 4
        $clock.Elapsed.TotalSeconds | Should -BeLessThan 2.5
    }

    It 'tells a user who may not connect which group and which command' {
        $setpriv = Get-Command setpriv -ErrorAction Ignore
        if (-not $setpriv) {
            Set-ItResult -Skipped -Because 'there is no setpriv'
        }
        $socket = "/tmp/ocb-$PID.sock"
        $listener = [Net.Sockets.Socket]::new('Unix', 'Stream', 'Unspecified')
        $listener.Bind([Net.Sockets.UnixDomainSocketEndPoint]::new($socket))
        $listener.Listen()
        try {
            & chgrp daemon $socket
            & chmod 0660 $socket
            # The copy is where everybody may read; the repository need not be.
            $copy = Copy-Module (New-Item -ItemType Directory "/tmp/ocb-module-$PID")
            & chmod -R a+rX "/tmp/ocb-module-$PID"
            $null = New-Item -ItemType Directory "/tmp/ocb-module-$PID/app"
            Set-Content "/tmp/ocb-module-$PID/app/Dockerfile" 'FROM scratch'
            $script = "Import-Module '$copy/OpenCloud.Build.psd1'; Invoke-ImageBuild '/tmp/ocb-module-$PID/app' -Address '$socket' -ErrorVariable e -ErrorAction SilentlyContinue; " +
                '$e[0].FullyQualifiedErrorId; $e[0].CategoryInfo.Category; $e[0].ErrorDetails.RecommendedAction; $e[0].Exception.InnerException.Attempts'
            $output = Invoke-PwshAsNobody $script
            $output[0] | Should -BeLike 'EngineForbiddenToGroup,*'
            $output[1] | Should -Be 'PermissionDenied'
            $output[2] | Should -Match "'nobody'.*'daemon'.*: sudo /.* -NoProfile -Command ""Import-Module .*; Grant-BuildKitAccess -User nobody -Group daemon""$"
            # Never tried twice.
            $output[3] | Should -Be 1
        }
        finally {
            $listener.Dispose()
            Remove-Item $socket, "/tmp/ocb-module-$PID" -Recurse -Force -ErrorAction Ignore
        }
    }
}
