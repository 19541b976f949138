BeforeDiscovery {
    $isRoot = (id -u) -eq '0'
}

BeforeAll {
    . $PSScriptRoot/Common.ps1
}

Describe 'An engine of which nobody knows who it is' -Skip:(-not $isRoot) {
    BeforeAll {
        # Below /run, as the system's engines are; with the number that all have who live in another user namespace.
        $folder = "/run/ocb-peer-$PID"
        $null = New-Item -ItemType Directory $folder
        chown 65534:65534 $folder
        $address = "unix://$folder/engine.sock"
        $listen = '$s = IO::Socket::UNIX->new(Local => $ARGV[0], Listen => 8) or die; while (1) { my $c = $s->accept; close $c }'
        $listener = [Diagnostics.Process]::Start('setpriv', [string[]] @('--reuid', '65534', '--clear-groups', 'perl', '-MIO::Socket::UNIX', '-e', $listen, "$folder/engine.sock"))
        for ($try = 0; $try -lt 200 -and -not (Test-Path "$folder/engine.sock"); $try++) {
            Start-Sleep -Milliseconds 50
        }
    }

    AfterAll {
        $listener.Kill()
        $listener.Dispose()
        rm -rf $folder
    }

    It '<name> warns of it, and once' -ForEach @(
        @{ name = 'Get-ContainerImage'; script = { Get-ContainerImage -Address $address -ConnectTimeout 1s } }
        @{ name = 'Remove-ContainerImage'; script = { Remove-ContainerImage a:1, b:1 -Address $address -ConnectTimeout 1s -Confirm:$false } }
        @{ name = 'Export-ContainerImage'; script = { Export-ContainerImage a:1 -Path $TestDrive/a.tar -Address $address -ConnectTimeout 1s } }
        @{ name = 'Get-BuildKitInfo'; script = { Get-BuildKitInfo -Address $address -ConnectTimeout 1s } }
        @{ name = 'Get-BuildKitWorker'; script = { Get-BuildKitWorker -Address $address -ConnectTimeout 1s } }
        @{ name = 'Get-BuildCache'; script = { Get-BuildCache -Address $address -ConnectTimeout 1s } }
        @{ name = 'Clear-BuildCache'; script = { Clear-BuildCache -Address $address -ConnectTimeout 1s -Confirm:$false } }
        @{ name = 'Get-BuildHistory'; script = { Get-BuildHistory -Address $address -ConnectTimeout 1s } }
        @{ name = 'Wait-BuildKit'; script = { Wait-BuildKit -Address $address -Timeout 1s } }
        @{ name = 'Invoke-ImageBuild'; script = { Invoke-ImageBuild $TestDrive -DockerfileText 'FROM scratch' -Address $address -ConnectTimeout 1s } }
        @{ name = 'Test-BuildKitSocket'; script = { Test-BuildKitSocket $address } }
    ) {
        $said = try { & $script 3>&1 2>$null } catch { $_ }
        @($said | Where-Object { $_ -is [Management.Automation.WarningRecord] -and "$_" -like '*another user namespace*' }).Count | Should -Be 1
    }
}
