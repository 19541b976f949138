# Docker Engine 20.10: BuildKit 0.8, the older store of images, no history of builds.
BeforeDiscovery {
    . $PSScriptRoot/Common.ps1
    $fixture = Test-EngineFixture
}

Describe 'An engine of 2020' -Skip:(-not $fixture.CanRun) {
    BeforeAll {
        . $PSScriptRoot/Common.ps1
        $engine = Start-TestEngine docker-20
        $address = $engine.address
        $app = New-BuildDirectory "$TestDrive/app" $engine "FROM scratch`nCOPY busybox /busybox`nRUN [`"/busybox`", `"sh`", `"-c`", `"echo said > /said`"]"
    }

    AfterAll {
        if ($engine) {
            Stop-TestEngine $engine
        }
    }

    It 'builds, and shows what it has built' {
        $built = Invoke-ImageBuild $app -Tag demo/old:1 -Address $address -ErrorAction Stop
        $image = $built | Get-ContainerImage
        $image.Name | Should -Be 'demo/old:1'
        $image.Id | Should -Be $built.Digest
        (Invoke-RestMethod -UnixSocket $engine.docker -Uri 'http://docker/images/demo/old:1/json').Id | Should -Be $image.Id
        $null = Invoke-ImageBuild $app -Output "$TestDrive/out" -Address $address -ErrorAction Stop
        Get-Content "$TestDrive/out/said" | Should -Be 'said'
    }

    It 'tells what it is without a version, and what is in its cache' {
        (Get-BuildKitInfo -Address $address).Platforms | Should -Contain 'linux/amd64'
        @(Get-BuildCache -Address $address).Count | Should -BeGreaterThan 2
        $freed = Clear-BuildCache -All -Force -Address $address
        @($freed).Count | Should -BeGreaterThan 2
    }

    It 'says that it has no history: <Name>' -TestCases @(
        @{ Name = 'Get-BuildHistory'; Run = { Get-BuildHistory -Address $address } }
        @{ Name = 'Get-BuildLog'; Run = { Get-BuildLog abc -Address $address } }
        @{ Name = 'Export-BuildHistory'; Run = { Export-BuildHistory abc "$TestDrive/none.tar" -Address $address } }
        @{ Name = 'Remove-BuildHistory'; Run = { Remove-BuildHistory abc -Address $address } }
    ) {
        $errors = & $Run -ErrorAction SilentlyContinue 2>&1 | Where-Object { $_ -is [Management.Automation.ErrorRecord] }
        $errors[0].FullyQualifiedErrorId | Should -BeLike 'NoBuildHistory,*'
        "$($errors[0])" | Should -BeLike "*$address*"
        "$TestDrive/none.tar" | Should -Not -Exist
    }

    It 'says what it cannot do, and who cannot: <Name>' -TestCases @(
        @{ Name = 'an exporter'; Words = 'oci'; Parameters = @{ Output = "type=oci,dest=$TestDrive/x.tar" } }
        @{ Name = 'several outputs'; Words = 'one output'; Parameters = @{ Output = "$TestDrive/x", "type=tar,dest=$TestDrive/x.tar" } }
    ) {
        $null = Invoke-ImageBuild $app -Address $address @Parameters -ErrorVariable errors -ErrorAction SilentlyContinue
        $errors[0].FullyQualifiedErrorId | Should -BeLike 'NotSupportedByEngine,*'
        "$($errors[0])" | Should -BeLike "*$address*$Words*"
        Get-ChildItem $TestDrive -Filter 'x*' -Force | Should -BeNullOrEmpty
    }
}
