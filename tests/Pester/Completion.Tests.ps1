BeforeDiscovery {
    . $PSScriptRoot/Common.ps1
    $fixture = Test-EngineFixture
    $common = [Management.Automation.Cmdlet]::CommonParameters + [Management.Automation.Cmdlet]::OptionalCommonParameters
    # Files and directories: PowerShell's own completion is right. A set of words and a switch have theirs, an object has none.
    $files = 'Path', 'LiteralPath', 'InputObject', 'Record', 'Dockerfile', 'Destination', 'LogPath', 'MetadataFile', 'IidFile', 'SourcePolicy', 'Prefix',
        'StateDirectory', 'ArchivePath', 'RootlessKitArchivePath', 'DockerfileText', 'EnvFile', 'Archive', 'BuildRecord', 'Attestation', 'SbomPath', 'Database',
        'CertificateDirectory', 'CaCertificate', 'Certificate', 'Key', 'ImagePath'
    $parameters = foreach ($command in (Get-Module OpenCloud.Build).ExportedCmdlets.Values) {
        foreach ($parameter in $command.Parameters.Values) {
            $type = $parameter.ParameterType.IsArray ? $parameter.ParameterType.GetElementType() : $parameter.ParameterType
            if ($parameter.Name -notin $common + $files -and $type -ne [switch] -and -not $type.IsEnum -and -not $parameter.Attributes.Where({ $_ -is [ValidateSet] })) {
                @{ Cmdlet = $command.Name; Name = $parameter.Name; Parameter = $parameter }
            }
        }
    }
}

BeforeAll {
    . $PSScriptRoot/Common.ps1

    function Get-Completion([string] $Line) {
        (TabExpansion2 $Line $Line.Length).CompletionMatches.CompletionText
    }

    # What one completion takes, with PowerShell's own part warm.
    function Measure-Completion([string] $Line) {
        $clock = [Diagnostics.Stopwatch]::StartNew()
        $null = TabExpansion2 $Line $Line.Length
        $clock.ElapsedMilliseconds
    }
}

Describe 'Completion' {
    It 'offers no files for <Cmdlet> -<Name>' -ForEach $parameters {
        $Parameter.Attributes.Where({ $_ -is [ArgumentCompleter] }) | Should -HaveCount 1
    }

    It 'knows what a Dockerfile asks for: <parameter>' -ForEach @(
        @{ parameter = 'BuildArg'; expected = 'VERSION=', 'LATER=' }
        @{ parameter = 'Secret'; expected = "'id=token,src='", "'id=token,env='", "'id=npmrc,src='" }
        @{ parameter = 'Ssh'; expected = 'default', 'deploy' }
        @{ parameter = 'BuildContext'; expected = 'base:1=', 'tools=', 'build=' }
        @{ parameter = 'Target'; expected = 'build' }
        @{ parameter = 'NoCacheFilter'; expected = 'build' }
    ) {
        $folder = New-Item -ItemType Directory "$TestDrive/asks" -Force
        Set-Content "$folder/Dockerfile" @'
ARG VERSION=1
FROM base:1 AS build
ARG LATER
COPY --from=tools /a /b
RUN --mount=type=secret,id=token --mount=type=ssh true
RUN --mount=type=secret,target=/run/secrets/npmrc --mount=type=ssh,id=deploy true
'@
        $offered = Get-Completion "Invoke-ImageBuild $folder -$parameter "
        foreach ($text in $expected) {
            $offered | Should -Contain $text
        }
    }

    It 'knows groups' {
        Get-Completion 'Grant-BuildKitAccess -Group ' | Should -Contain 'buildkit'
    }

    It 'is not kept waiting by an engine that never answers: <line>' -ForEach @(
        @{ line = 'Get-BuildHistory -Address unix://{0} -Ref ' }, @{ line = 'Get-ContainerImage -Address unix://{0} -Name ' }
        @{ line = 'Get-BuildCache -Address unix://{0} -Id ' }, @{ line = 'Get-BuildKitWorker -Address unix://{0} -Id ' }
    ) {
        $path = "$TestDrive/s$([guid]::NewGuid().ToString('n').Substring(0, 8))"
        $socket = [Net.Sockets.Socket]::new('Unix', 'Stream', 'Unspecified')
        try {
            $socket.Bind([Net.Sockets.UnixDomainSocketEndPoint]::new($path))
            $socket.Listen()
            $null = Measure-Completion 'Get-BuildHistory -Address unix:///nowhere.sock -Ref '
            # Each address is asked for the first time; the machine may be busy with something else once.
            $times = foreach ($try in 1..3) {
                Measure-Completion ($line -f ($path + '/' * $try))
            }
            ($times | Measure-Object -Minimum).Minimum | Should -BeLessThan 200
        }
        finally {
            $socket.Dispose()
        }
    }
}

Describe 'Completion with an engine' -Skip:(-not $fixture.CanRun) {
    BeforeAll {
        $docker = Start-TestEngine docker-28
        $context = New-BuildDirectory "$TestDrive/context" $docker "FROM scratch`nCOPY busybox /busybox"
        $built = Invoke-ImageBuild $context -Tag demo/completed:1 -Address $docker.address
    }

    AfterAll {
        if ($docker) {
            Stop-TestEngine $docker
        }
    }

    It 'has what the engine has, and answers in time: <line>' -ForEach @(
        @{ line = 'Get-ContainerImage -Address {0} -Name demo/'; expected = 'demo/completed:1' }
        @{ line = 'Invoke-ImageBuild -Address {0} -Tag demo/'; expected = 'demo/completed:1' }
        @{ line = 'Add-ContainerImageTag demo/completed:1 -Address {0} -Tag '; expected = '1' }
        @{ line = 'Get-BuildLog -Address {0} -Ref '; expected = '{1}' }
    ) {
        $text = $line -f $docker.address
        # What does not come in time comes with the next completion.
        $limit = [Diagnostics.Stopwatch]::StartNew()
        while (($offered = Get-Completion $text) -notcontains ($expected -f '', $built.Ref) -and $limit.Elapsed.TotalSeconds -lt 10) {
            [Threading.Thread]::Sleep(50)
        }
        $offered | Should -Contain ($expected -f '', $built.Ref)
        $times = foreach ($try in 1..3) {
            Measure-Completion $text
        }
        ($times | Measure-Object -Minimum).Minimum | Should -BeLessThan 200
    }
}
