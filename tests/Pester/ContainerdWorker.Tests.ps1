# A buildkitd whose worker is containerd: what it builds is listed, where Install-BuildKit has its images, and where nobody chose a namespace.
BeforeDiscovery {
    . $PSScriptRoot/Common.ps1
    $fixture = Test-EngineFixture
    $reason = $fixture.CanRun ? ($env:OPENCLOUD_BUILD_TEST_BUILDKIT_ARCHIVE ? '' : 'OPENCLOUD_BUILD_TEST_BUILDKIT_ARCHIVE names no archive of a real BuildKit') : $fixture.Reason
    if ($reason) {
        Write-Warning "Skipped: $reason"
    }
}

Describe 'A containerd worker' -Skip:([bool] $reason) {
    BeforeAll {
        . $PSScriptRoot/Common.ps1
        Import-TestCmdlet
        $containerd = Start-TestEngine containerd-2
        $programs = (New-Item -ItemType Directory $TestDrive/programs).FullName
        tar -C $programs -xzf $env:OPENCLOUD_BUILD_TEST_BUILDKIT_ARCHIVE
        $group = '/' + (Split-Path -Leaf $containerd.folder)

        # Inside the namespaces of the containerd, on its socket; it ends with them.
        function Start-Worker([string] $Namespace) {
            $socket = "$($containerd.folder)/$Namespace.sock"
            Set-Content "$programs/$Namespace.toml" @"
root = "$($containerd.folder)/data/$Namespace"
[grpc]
address = ["unix://$socket"]
[worker.oci]
enabled = false
[worker.containerd]
enabled = true
address = "$($containerd.containerd)"
namespace = "$Namespace"
networkMode = "host"
defaultCgroupParent = "$group"
"@
            & "$root/tests/fixture/engine" exec $containerd.folder sh -c "$programs/bin/buildkitd --config $programs/$Namespace.toml > $programs/$Namespace.log 2>&1 &"
            $null = Wait-BuildKit "unix://$socket" -Timeout 60s -ErrorAction Stop
            "unix://$socket"
        }

        $app = New-BuildDirectory $TestDrive/app $containerd "FROM scratch`nCOPY busybox /busybox`n"
        $installed = Start-Worker default
        $plain = Start-Worker buildkit
        $env:CONTAINERD_ADDRESS = "unix://$($containerd.containerd)"
    }

    AfterAll {
        $env:CONTAINERD_ADDRESS = $null
        if ($containerd) {
            Stop-TestEngine $containerd
        }
    }

    It 'lists nothing, and says where there is something' {
        $null = Invoke-ImageBuild $app -Tag demo/neighbour:1 -Address $plain -ErrorAction Stop
        $listed = Get-ContainerImage 3>&1
        $listed | Should -BeOfType ([Management.Automation.WarningRecord])
        "$listed" | Should -Match "'default'.*'buildkit'"
    }

    It 'has its images where a listing looks: namespace <Namespace>' -ForEach @(
        @{ Namespace = 'default' }
        @{ Namespace = 'buildkit' }
    ) {
        $address = $Namespace -eq 'default' ? $installed : $plain
        $built = Invoke-ImageBuild $app -Tag demo/listed:1 -Address $address -ErrorAction Stop
        $built.Namespace | Should -Be $Namespace
        $image = $built | Get-ContainerImage -ErrorAction Stop
        $image.Name | Should -Be 'demo/listed:1'
        $image.Namespace | Should -Be $Namespace
        $image.Digest | Should -Be $built.Digest
        $copy = $built | Copy-ContainerImage -Destination demo/copied:1 -Force -PassThru -ErrorAction Stop
        $copy.Namespace | Should -Be $Namespace
        $built | Export-ContainerImage -Destination "$TestDrive/$Namespace.tar" -ErrorAction Stop
        Test-Path "$TestDrive/$Namespace.tar" | Should -BeTrue
        $built | Remove-ContainerImage -Confirm:$false -ErrorAction Stop
        $copy | Remove-ContainerImage -Confirm:$false -ErrorAction Stop
    }

    It 'shows what the first lines of README show' {
        $null = Invoke-ImageBuild $app -Tag demo/first:1 -Address $installed -ErrorAction Stop
        (Get-ContainerImage).Name | Should -Contain 'demo/first:1'
    }
}
