BeforeDiscovery {
    . $PSScriptRoot/Common.ps1
    $hosts = Test-Fixture host-bed tree trixie
    if (-not $hosts.CanRun) {
        Write-Warning "No systemd host for the cmdlets: $($hosts.Reason)"
    }
}

BeforeAll {
    . $PSScriptRoot/Common.ps1
}

Describe 'The host cmdlets, where nothing is changed' {
    It 'Test-BuildKitSocket gives a boolean, and a story with -Detailed' {
        Test-BuildKitSocket "unix://$TestDrive/none.sock" | Should -BeExactly $false
        $diagnosis = Test-BuildKitSocket "$TestDrive/none.sock" -Detailed
        $diagnosis.Reachable | Should -BeFalse
        $diagnosis.Story | Should -BeLike "The socket $TestDrive/none.sock does not exist*"
        $diagnosis.Checks.Name | Should -Contain 'Path'
        $diagnosis | Out-String -Width 80 | Should -BeLike '*Failed*Path: it does not exist*'
    }

    It 'Test-BuildKitSocket works on addresses that are no sockets' {
        $diagnosis = Test-BuildKitSocket 'tcp://127.0.0.1:9' -Detailed -ConnectTimeout 100ms
        $diagnosis.Reachable | Should -BeFalse
        $diagnosis.Remedy | Should -Not -BeNullOrEmpty
        { Test-BuildKitSocket 'tcp://127.0.0.1:9' -As root } | Should -Throw -ErrorId 'HostInputInvalid,*'
    }

    It 'Test-BuildKitSocket looks at the socket of a monitor as at any other' {
        $diagnosis = Test-BuildKitSocket "vsock+unix://$TestDrive/vm.sock:8088" -Detailed
        $diagnosis.Address | Should -Be "vsock+unix://$TestDrive/vm.sock:8088"
        $diagnosis.Story | Should -BeLike "The socket $TestDrive/vm.sock does not exist*"
        $diagnosis.Checks.Name | Should -Contain "Directory $TestDrive"

        # A monitor behind which nothing listens: it takes the connection and drops it.
        $socket = [Net.Sockets.Socket]::new([Net.Sockets.AddressFamily]::Unix, 'Stream', 'Unspecified')
        try {
            $socket.Bind([Net.Sockets.UnixDomainSocketEndPoint]::new("$TestDrive/vm.sock"))
            $socket.Listen()
            $monitor = Start-ThreadJob { $listener = $using:socket; while ($true) { $listener.Accept().Dispose() } }
            $diagnosis = Test-BuildKitSocket "vsock+unix://$TestDrive/vm.sock:8088" -Detailed
            $diagnosis.Reachable | Should -BeFalse
            $check = $diagnosis.Checks | Where-Object Name -EQ 'Port 8088 of the virtual machine'
            $check.State | Should -Be 'Failed'
            $check.Evidence | Should -BeLike '*no process in the virtual machine listens on port 8088*'

            # And a build tells each attempt.
            $said = Invoke-ImageBuild $TestDrive -DockerfileText 'FROM scratch' -Address "vsock+unix://$TestDrive/vm.sock:8088" -ConnectTimeout 1s -Verbose -ErrorVariable failure -ErrorAction SilentlyContinue 4>&1
            $failure[0].FullyQualifiedErrorId | Should -BeLike 'GuestNotListening,*'
            $failure[0].ErrorDetails.RecommendedAction | Should -BeLike '*Install-BuildKit -Isolated -VsockPort*'
            @($said | Where-Object { $_ -like '*listens on port 8088*' }).Count | Should -BeGreaterThan 1
        }
        finally {
            $socket.Dispose()
            $monitor | Stop-Job -PassThru | Remove-Job -Force
        }
    }

    It 'Test-BuildKitSocket says that vsock has no users' {
        { Test-BuildKitSocket 'vsock://3:8088' -As root } | Should -Throw -ErrorId 'HostInputInvalid,*'
        { Test-BuildKitSocket 'vsock://0:8088' } | Should -Throw -ErrorId 'InvalidAddress,*'
    }

    It 'Test-BuildKitSocket refuses what is no address' {
        { Test-BuildKitSocket 'gopher://x' } | Should -Throw -ErrorId 'InvalidAddress,*'
    }

    It 'refuses bad input: <id>' -ForEach @(
        @{ id = 'HostInputInvalid'; script = { Install-BuildKit -Version latest -WhatIf } }
        @{ id = 'HostInputInvalid'; script = { Install-BuildKit -Version v0.15.0 -WhatIf } }
        @{ id = 'HostInputInvalid'; script = { Install-BuildKit -Prefix 'relative' -WhatIf } }
        @{ id = 'HostInputInvalid'; script = { Install-BuildKit -Group 'no such;group' -WhatIf } }
        @{ id = 'HostInputInvalid'; script = { Install-BuildKit -Sha256 12 -WhatIf } }
        @{ id = 'HostInputInvalid'; script = { Install-BuildKit -VsockPort 8088 -WhatIf } }
        @{ id = 'HostInputInvalid'; script = { Install-BuildKit -Isolated -Worker Containerd -WhatIf } }
        @{ id = 'HostTargetNotFound'; script = { Update-BuildKit -Rootless -User nobody -WhatIf } }
        @{ id = 'HostTargetNotFound'; script = { Update-BuildKit -Rootless -User nobody -Rollback -WhatIf } }
        @{ id = 'HostInputInvalid'; script = { Grant-BuildKitAccess -Rootless -User nobody -WhatIf } }
        @{ id = 'HostTargetNotFound'; script = { Uninstall-BuildKit -Rootless -User nobody -WhatIf } }
        @{ id = 'HostTargetNotFound'; script = { Install-BuildKit -ArchivePath ./none.tar.gz -WhatIf } }
        @{ id = 'HostTargetNotFound'; script = { Grant-BuildKitAccess -User no-body-of-that-name -WhatIf } }
    ) {
        $record = try { & $script } catch { $_ }
        $record.FullyQualifiedErrorId | Should -BeLike "$id,*"
        $record.ErrorDetails.RecommendedAction | Should -Not -BeNullOrEmpty
    }

    It 'refuses a vsock port that stands for any' {
        { Install-BuildKit -Isolated -VsockPort 4294967295 -WhatIf } | Should -Throw -ErrorId 'ParameterArgumentValidationError,*'
    }

    It 'has no worker to choose for an engine without root' {
        { Install-BuildKit -Rootless -Worker Oci -WhatIf } | Should -Throw -ErrorId 'AmbiguousParameterSet,*'
    }

    It 'goes back to the version that was, and to no other' {
        { Update-BuildKit -Rootless -Rollback -Version v0.16.0 -WhatIf } | Should -Throw -ErrorId 'AmbiguousParameterSet,*'
    }

    It 'completes versions' {
        $completion = TabExpansion2 'Install-BuildKit -Version v0.32' | ForEach-Object CompletionMatches
        $completion.CompletionText | Should -Contain 'v0.32.2'
    }
}

Describe 'The host cmdlets, on a systemd host' -Skip:(-not $hosts.CanRun) {
    BeforeAll {
        $bed = [IO.Path]::Join($root, 'tests', 'fixture', 'host-bed')
        $name = "pester-$PID"
        [string[]] $pwsh = Get-PwshCommand /ocb
        $share = New-Item -ItemType Directory "$TestDrive/share"
        $driver = Get-Item "$root/tests/fixture/host-driver/bin/*/net10.0/OpenCloud.Build.HostDriver.dll" | Sort-Object LastWriteTime | Select-Object -Last 1
        $bin = New-Item -ItemType Directory "$share/x/bin"
        foreach ($program in 'buildctl', 'buildkit-runc') {
            Set-Content "$bin/$program" "#!/bin/sh`nexit 0"
        }
        foreach ($version in 'v0.28.0', 'v0.32.2') {
            Set-Content "$bin/buildkitd" "#!/bin/sh`nexec /ocb/dotnet/dotnet /ocb/driver/$($driver.Name) buildkitd --as-version $version `"`$@`""
            chmod 755 $bin/buildctl $bin/buildkit-runc $bin/buildkitd $TestDrive $share
            tar -C "$share/x" -czf "$share/buildkit-$version.linux-amd64.tar.gz" bin
        }
        $hash = (Get-FileHash "$share/buildkit-v0.32.2.linux-amd64.tar.gz").Hash

        Copy-Module $share | Out-Null

        $env:BED_OWNER = $PID
        & $bed up $name trixie '--system-call-filter=@keyring bpf' --capability=all "--bind-ro=$(Get-DotnetFolder):/ocb/dotnet" "--bind-ro=$($driver.DirectoryName):/ocb/driver" "--bind-ro=${PSHOME}:/ocb/pwsh" "--bind=${share}:/ocb/share" | Out-Null
        $LASTEXITCODE | Should -Be 0 -Because 'the host must boot'

        # root's PowerShell in the host: one for all scripts, since most of what a script costs is a PowerShell's start.
        Set-Content "$share/session.ps1" @'
            $ErrorActionPreference = 'Stop'
            Import-Module /ocb/share/OpenCloud.Build/OpenCloud.Build.psd1
            foreach ($request in [IO.File]::ReadLines('/ocb/share/requests')) {
                try {
                    & ([scriptblock]::Create([Text.Encoding]::UTF8.GetString([Convert]::FromBase64String($request)))) | Out-Default
                }
                catch {
                    Out-Default -InputObject $_
                }
                [Console]::Out.WriteLine('-- done --')
            }
'@
        mkfifo "$share/requests"
        $start = [Diagnostics.ProcessStartInfo]::new('sh')
        foreach ($argument in @('-c', 'exec "$@" 2>&1 </dev/null', 'sh', $bed, 'exec', $name) + $pwsh + '-NoProfile', '-NonInteractive', '-File', '/ocb/share/session.ps1') {
            $start.ArgumentList.Add($argument)
        }
        $start.RedirectStandardOutput = $true
        $session = [Diagnostics.Process]::Start($start)
        # Open for both, so that opening waits for nobody.
        $requests = [IO.StreamWriter]::new([IO.FileStream]::new("$share/requests", [IO.FileMode]::Open, [IO.FileAccess]::ReadWrite, [IO.FileShare]::ReadWrite, 1))
        $requests.AutoFlush = $true

        # Runs a script inside the host and gives what it shows: in root's session, or in a new login of a user.
        function Invoke-OnHost([string] $Script, [string] $As) {
            if ($As) {
                Set-Content "$share/script.ps1" "`$ErrorActionPreference = 'Stop'; Import-Module /ocb/share/OpenCloud.Build/OpenCloud.Build.psd1; $Script"
                $env:BED_AS = $As
                try {
                    return & $bed exec $name @pwsh -NoProfile -NonInteractive -File /ocb/share/script.ps1 2>&1 | Out-String
                }
                finally {
                    Remove-Item env:BED_AS -ErrorAction Ignore
                }
            }

            $requests.WriteLine([Convert]::ToBase64String([Text.Encoding]::UTF8.GetBytes($Script)))
            $lines = while ($true) {
                $line = $session.StandardOutput.ReadLine()
                if ($null -eq $line) {
                    $session.WaitForExit()
                    throw "root's session in the host ended with $($session.ExitCode)"
                }
                if ($line -eq '-- done --') {
                    break
                }
                $line
            }
            $lines | Out-String
        }
        $install = "Install-BuildKit -Worker Oci -Version v0.32.2 -ArchivePath /ocb/share/buildkit-v0.32.2.linux-amd64.tar.gz -Sha256 $hash"
    }

    AfterAll {
        $requests.Dispose()
        & $bed down $name
        $session.Dispose()
        Remove-Item env:BED_OWNER
    }

    It 'plans, installs, finds it done, grants, tests, revokes and removes' {
        $plan = Invoke-OnHost "$install -WhatIf"
        $plan | Should -BeLike '*What if: *Install the program*/usr/local/bin/buildkitd*'
        $plan | Should -BeLike '*What if: *Create the group*buildkit*'
        Invoke-OnHost 'Test-BuildKitSocket 3>$null' | Should -BeLike 'False*'

        $result = Invoke-OnHost "$install -PassThru | ConvertTo-Json -Depth 4" | ConvertFrom-Json
        $result.Changed | Should -BeTrue
        $result.Engine.Version | Should -Be 'v0.32.2'
        $result.Integrity.Proves | Should -BeLike 'The archive matches the given hash*'
        (Invoke-OnHost "$install -PassThru | ConvertTo-Json -Depth 4" | ConvertFrom-Json).Changed | Should -BeFalse
        Invoke-OnHost 'Test-BuildKitSocket 3>$null' | Should -BeLike 'True*'

        Invoke-OnHost 'Test-BuildKitSocket 3>$null' ubuntu | Should -BeLike 'False*'
        Invoke-OnHost 'Invoke-ImageBuild /ocb/share -DockerfileText "FROM scratch" -Tag a:1' ubuntu | Should -BeLike '*Grant-BuildKitAccess*'
        $grant = Invoke-OnHost 'Grant-BuildKitAccess ubuntu'
        $grant | Should -Match 'ubuntu\s+User\s+buildkit\s+not a member\s+member'
        Invoke-OnHost 'Test-BuildKitSocket -As ubuntu 3>$null' | Should -BeLike 'True*'
        Invoke-OnHost 'Test-BuildKitSocket 3>$null' ubuntu | Should -BeLike 'True*'
        Invoke-OnHost '(Test-BuildKitSocket -As outsider -Detailed).Remedy' | Should -BeLike '*Grant-BuildKitAccess -User outsider*'
        Invoke-OnHost 'Revoke-BuildKitAccess ubuntu' | Should -Match 'member\s+not a member'

        (Invoke-OnHost 'Get-BuildKitInstallation | ConvertTo-Json -Depth 4' ubuntu | ConvertFrom-Json).Version | Should -Be 'v0.32.2'
        Invoke-OnHost 'Uninstall-BuildKit -Purge' | Should -BeNullOrEmpty
        Invoke-OnHost 'Get-BuildKitInstallation' | Should -BeNullOrEmpty
    }

    It 'installs an engine without a network, which stays so until it is opened by name' {
        $isolated = $install -replace ' -Worker Oci', ' -Isolated'
        $plan = Invoke-OnHost "$isolated -VsockPort 8088 -WhatIf 3>&1"
        $plan | Should -BeLike '*/usr/local/libexec/opencloud.build/loopback*'
        $plan | Should -BeLike '*buildkit-vsock.socket*'
        $plan | Should -BeLike '*AF_VSOCK has no users and no modes*'

        $result = Invoke-OnHost "$isolated -PassThru | ConvertTo-Json -Depth 4" | ConvertFrom-Json
        $result.Isolated, $result.Worker, $result.VsockPort | Should -Be $true, 1, $null
        (Invoke-OnHost 'Get-BuildKitInstallation | ConvertTo-Json -Depth 4' | ConvertFrom-Json).Isolated | Should -BeTrue
        & $bed exec $name systemctl show -P PrivateNetwork buildkit | Should -Be 'yes'

        Invoke-OnHost "$($install -replace ' -Worker Oci') 3>&1" | Should -BeLike '*stays isolated*-Isolated:$false*'
        & $bed exec $name systemctl show -P PrivateNetwork buildkit | Should -Be 'yes'
        (Invoke-OnHost "$($install -replace ' -Worker Oci') -Isolated:`$false -PassThru | ConvertTo-Json -Depth 4" | ConvertFrom-Json).Isolated | Should -BeFalse
        & $bed exec $name systemctl show -P PrivateNetwork buildkit | Should -Be 'no'
        Invoke-OnHost 'Uninstall-BuildKit -Purge' | Should -BeNullOrEmpty
    }

    It 'says what went wrong, and that nothing is left of it' {
        $said = Invoke-OnHost "try { Install-BuildKit -Worker Oci } catch { `$_ | Select-Object FullyQualifiedErrorId, @{ n = 'Message'; e = { `$_.Exception.Message } }, @{ n = 'Action'; e = { `$_.ErrorDetails.RecommendedAction } } | ConvertTo-Json }" | ConvertFrom-Json
        $said.FullyQualifiedErrorId | Should -BeLike 'ReleaseNotFetched,*'
        $said.Message | Should -BeLike '*The host was restored to its previous state.*'
        $said.Action | Should -BeLike '*-ArchivePath*'
    }

    It 'tells a user the line that works behind sudo, which takes that user by default' {
        & $bed exec $name /bin/sh -c 'echo "ubuntu ALL=(ALL) NOPASSWD:ALL" > /etc/sudoers.d/ubuntu'
        function Invoke-AsTold([string] $Command) {
            $action = Invoke-OnHost "try { $Command } catch { `$_.ErrorDetails.RecommendedAction }" ubuntu
            $action.Trim() | Should -BeLike 'Run as root: sudo * -Command "Import-Module /ocb/share/OpenCloud.Build/OpenCloud.Build.psd1; *"'
            $env:BED_AS = 'ubuntu'
            try {
                & $bed exec $name /bin/bash -c ($action.Trim() -replace '^Run as root: ') 2>&1 | Out-String
            }
            finally {
                Remove-Item env:BED_AS
            }
        }
        Invoke-AsTold "Set-Location /ocb/share; $($install -replace '/ocb/share/', './') -PassThru" | Should -BeLike '*v0.32.2*'
        Invoke-AsTold 'Grant-BuildKitAccess' | Should -Match 'ubuntu\s+User\s+buildkit\s+not a member\s+member'
        Invoke-OnHost 'try { Grant-BuildKitAccess } catch { $_.FullyQualifiedErrorId }' | Should -BeLike 'HostInputInvalid,*'
    }

    It 'installs, shares and removes an engine without root' {
        $rootless = "Install-BuildKit -Rootless -Version v0.32.2 -ArchivePath /ocb/share/buildkit-v0.32.2.linux-amd64.tar.gz -Sha256 $hash"
        $plan = Invoke-OnHost "$rootless -User buildkituser -WhatIf"
        $plan | Should -BeLike '*What if: *Create the user*buildkituser*'
        $plan | Should -BeLike '*What if: *Install the package*rootlesskit*'

        # A user does what a user can, and gets root's part.
        $own = Invoke-OnHost "$rootless -PassThru | ForEach-Object RootScript" ubuntu
        $own | Should -BeLike '*apt-get install*uidmap*loginctl enable-linger ubuntu*'
        Invoke-OnHost 'Uninstall-BuildKit -Rootless -Purge' ubuntu | Should -BeNullOrEmpty

        $result = Invoke-OnHost "$rootless -User buildkituser -PassThru -WarningAction Ignore | ConvertTo-Json -Depth 4" | ConvertFrom-Json
        $result.Engine.Version | Should -Be 'v0.32.2'
        $result.User | Should -Be 'buildkituser'
        $address = $result.Address
        $again = Invoke-OnHost "$rootless -User buildkituser -PassThru -WarningAction Ignore | ConvertTo-Json -Depth 4" | ConvertFrom-Json
        $again.Changed | Should -BeFalse
        Invoke-OnHost "Test-BuildKitSocket $address -As buildkituser" | Should -BeLike 'True*'
        Invoke-OnHost "Test-BuildKitSocket $address -As ubuntu" | Should -BeLike 'False*'
        Invoke-OnHost '(Test-BuildKitSocket -Rootless -As buildkituser -Detailed).Checks.Name -like "Rootless:*"' | Should -BeLike '*Rootless: Subordinate user ids*'
        $found = Invoke-OnHost 'Get-BuildKitInstallation | Where-Object Rootless | ConvertTo-Json -Depth 4' | ConvertFrom-Json
        $found.User | Should -Be 'buildkituser'
        $found.Address | Should -Be $address

        # To another version, and back.
        $older = (Get-FileHash "$share/buildkit-v0.28.0.linux-amd64.tar.gz").Hash
        $there = Invoke-OnHost "Update-BuildKit v0.28.0 -Rootless -User buildkituser -ArchivePath /ocb/share/buildkit-v0.28.0.linux-amd64.tar.gz -Sha256 $older -PassThru -WarningAction Ignore | ConvertTo-Json -Depth 4" | ConvertFrom-Json
        $there.PreviousVersion, $there.Engine.Version | Should -Be 'v0.32.2', 'v0.28.0'
        (Invoke-OnHost 'Get-BuildKitInstallation | Where-Object Rootless | ConvertTo-Json -Depth 4' | ConvertFrom-Json).PreviousVersion | Should -Be 'v0.32.2'

        # What is known against it is said without being asked for.
        Invoke-OnHost "Test-BuildKitSocket $address" | Should -BeLike '*WARNING: BuildKit v0.28.0: CVE-2026-33747*True*'
        $back = Invoke-OnHost 'Update-BuildKit -Rootless -User buildkituser -Rollback -PassThru -WarningAction Ignore | ConvertTo-Json -Depth 4' | ConvertFrom-Json
        $back.PreviousVersion, $back.Engine.Version | Should -Be 'v0.28.0', 'v0.32.2'

        $grant = Invoke-OnHost 'Grant-BuildKitAccess -Rootless -User ubuntu -WarningAction Ignore | ConvertTo-Json' | ConvertFrom-Json
        $grant.Address | Should -Be 'unix:///run/buildkit-rootless/buildkituser/buildkitd.sock'
        Invoke-OnHost "Test-BuildKitSocket $($grant.Address)" ubuntu | Should -BeLike 'True*'
        Invoke-OnHost "Test-BuildKitSocket $($grant.Address)" outsider | Should -BeLike 'False*'
        Invoke-OnHost 'Revoke-BuildKitAccess -Rootless -User ubuntu' | Should -Match 'member\s+not a member'
        Invoke-OnHost "Test-BuildKitSocket $($grant.Address)" ubuntu | Should -BeLike 'False*'
        Invoke-OnHost 'Uninstall-BuildKit -Rootless -User buildkituser -Purge' | Should -BeNullOrEmpty
        & $bed exec $name /bin/sh -c 'getent passwd buildkituser; command -v rootlesskit; ls -d /opt/buildkit /var/lib/opencloud.build/rootless 2>/dev/null' | Should -BeNullOrEmpty
    }

    It 'names what does not let an engine run without root, and changes nothing' {
        & $bed exec $name /bin/sh -c 'echo "ubuntu:100000:65536
outsider:120000:65536" > /etc/subuid'
        $said = Invoke-OnHost "try { Install-BuildKit -Rootless -User ubuntu -ArchivePath /ocb/share/buildkit-v0.32.2.linux-amd64.tar.gz -Sha256 $hash } catch { `$_ | Select-Object FullyQualifiedErrorId, @{ n = 'Message'; e = { `$_.Exception.Message } }, @{ n = 'Action'; e = { `$_.ErrorDetails.RecommendedAction } } | ConvertTo-Json }" | ConvertFrom-Json
        $said.FullyQualifiedErrorId | Should -BeLike 'RootlessBlocked,*'
        $said.Message | Should -BeLike '*Subordinate user ids: ubuntu has 100000-165535*outsider has 120000-185535*Nothing was changed.*'
        $said.Action | Should -BeLike '*usermod --del-subuids 100000-165535 ubuntu*'
        & $bed exec $name /bin/sh -c 'command -v rootlesskit' | Should -BeNullOrEmpty
    }
}
