# Every object that the cmdlets give, piped to every cmdlet that takes objects: it is taken, or refused in words. The samples name an engine and a
# store that are not there, so what is taken ends with the error that says so.
BeforeDiscovery {
    . $PSScriptRoot/Common.ps1
    Import-TestCmdlet
    $types = 'ImageBuildResult', 'BuildStep', 'BuildWarning', 'BuildRecord', 'BuildCacheRecord', 'ContainerImage', 'ContainerImagePlatform', 'ContainerImageImport',
        'BuildKitInfo', 'BuildKitWorker', 'BuildCachePolicy', 'AccessReport', 'DiagnosisCheck', 'SocketDiagnosis', 'InstallResult', 'HostStepOutcome',
        'BuildKitInstallation', 'DockerfileCheck', 'DockerfileTarget', 'DockerfileOutline'
    $others = 'Hashtable', 'Program', 'Number'
    # The objects that each cmdlet takes; it refuses all others.
    $images = 'ImageBuildResult', 'ContainerImage', 'BuildRecord', 'ContainerImageImport'
    $builds = 'ImageBuildResult', 'BuildRecord'
    $addresses = 'ImageBuildResult', 'BuildRecord', 'BuildCacheRecord', 'BuildKitInfo', 'BuildKitWorker', 'SocketDiagnosis', 'InstallResult'
    $consumers = @(
        @{ Cmdlet = 'Get-ContainerImage'; Takes = $images; Arguments = @{} }
        @{ Cmdlet = 'Remove-ContainerImage'; Takes = $images; Arguments = @{ WhatIf = $true } }
        @{ Cmdlet = 'Copy-ContainerImage'; Takes = $images; Arguments = @{ Destination = 'other:1'; WhatIf = $true } }
        @{ Cmdlet = 'Add-ContainerImageTag'; Takes = $images; Arguments = @{ Tag = 'other'; WhatIf = $true } }
        @{ Cmdlet = 'Export-ContainerImage'; Takes = $images; Arguments = @{ Destination = '/tmp/never.tar'; WhatIf = $true } }
        @{ Cmdlet = 'Import-ContainerImage'; Takes = @(); Arguments = @{ WhatIf = $true } }
        @{ Cmdlet = 'Get-BuildHistory'; Takes = $builds; Arguments = @{} }
        @{ Cmdlet = 'Get-BuildLog'; Takes = $builds; Arguments = @{} }
        @{ Cmdlet = 'Remove-BuildHistory'; Takes = $builds; Arguments = @{ WhatIf = $true } }
        @{ Cmdlet = 'Export-BuildHistory'; Takes = $builds; Arguments = @{ Destination = '/tmp/never.dockerbuild'; WhatIf = $true } }
        @{ Cmdlet = 'Clear-BuildCache'; Takes = 'BuildCacheRecord', 'BuildKitInfo'; Arguments = @{ WhatIf = $true } }
        @{ Cmdlet = 'Get-BuildCache'; Takes = $addresses; Arguments = @{} }
        @{ Cmdlet = 'Get-BuildKitInfo'; Takes = $addresses; Arguments = @{} }
        @{ Cmdlet = 'Get-BuildKitWorker'; Takes = $addresses; Arguments = @{} }
        @{ Cmdlet = 'Wait-BuildKit'; Takes = $addresses; Arguments = @{} }
        @{ Cmdlet = 'Test-BuildKitSocket'; Takes = $addresses; Arguments = @{} }
        @{ Cmdlet = 'Invoke-ImageBuild'; Takes = @(); Arguments = @{ WhatIf = $true } }
        # A build's directory is a path, though this one does not exist.
        @{ Cmdlet = 'Test-Dockerfile'; Takes = @(); Arguments = @{} }
        @{ Cmdlet = 'Get-DockerfileTarget'; Takes = @(); Arguments = @{} }
        @{ Cmdlet = 'Get-DockerfileOutline'; Takes = @(); Arguments = @{} }
    )
}

BeforeAll {
    . $PSScriptRoot/Common.ps1
    Import-TestCmdlet
    $program = "$TestDrive/program"
    [IO.File]::WriteAllBytes($program, [byte[]] (0x7F, 0x45, 0x4C, 0x46, 2, 1, 1, 0, 0, 0x1B, 0x5B))
    $catalog = (Get-TestErrorCatalog).Id
    $unreachable = 'EngineNotFound', 'ImageStoreRefused', 'EngineUnreachable', 'EngineTimedOut'

    function Get-Producer([string] $Name) {
        switch ($Name) {
            Hashtable { @{ Address = 'unix:///run/buildkit/buildkitd.sock' } }
            Program { Get-Item $program }
            Number { 42 }
            default { (Get-SampleObject $Name)[0] }
        }
    }
}

Describe 'A file or a directory, and what has a property for it' {
    It 'is taken by <_>' -ForEach 'Test-Dockerfile', 'Get-DockerfileTarget', 'Get-DockerfileOutline', 'Invoke-ImageBuild' {
        $folder = (New-Item -ItemType Directory "$TestDrive/app" -Force).FullName
        Set-Content "$folder/Dockerfile" 'FROM scratch'
        $target = (Get-SampleObject DockerfileTarget)[0] | Add-Member LiteralPath $folder -PassThru
        $row = [pscustomobject] @{ Path = $folder }
        foreach ($object in (Get-Item $folder), (Get-Item "$folder/Dockerfile"), $folder, $row, $target) {
            $errors = @()
            $null = $object | & $_ -Address unix:///nowhere.sock -ConnectTimeout 1ms -ErrorAction SilentlyContinue -ErrorVariable errors
            ($errors[0].FullyQualifiedErrorId -split ',')[0] | Should -BeIn $unreachable -Because "$($object.GetType()): $($errors[0])"
        }
    }
}

Describe '<Cmdlet>' -ForEach $consumers {
    It 'takes <_> or refuses it in words' -ForEach ($types + $others) {
        $arguments = $Arguments.Clone()
        $parameters = (Get-Command $Cmdlet).Parameters
        if ($parameters.ContainsKey('ConnectTimeout')) {
            $arguments.ConnectTimeout = '1ms'
        }
        elseif ($parameters.ContainsKey('Timeout')) {
            $arguments.Timeout = '1ms'
        }
        $errors = @()
        $output = try {
            Get-Producer $_ | & $Cmdlet @arguments -ErrorAction SilentlyContinue -ErrorVariable errors -WarningAction SilentlyContinue 6>$null
        }
        catch {
            $errors += $_
        }
        $found = @($errors | Where-Object { $_ -is [Management.Automation.ErrorRecord] })
        foreach ($record in $found) {
            # Its own error, or PowerShell's that the object fits no parameter.
            ($record.FullyQualifiedErrorId -split ',')[0] | Should -BeIn ($catalog + 'InputObjectNotBound', 'ParameterArgumentTransformationError', 'ParameterArgumentValidationErrorEmptyArrayNotAllowed')
            "$record" | Should -Not -Match '[\x00-\x08\x0e-\x1f]|System\.Collections'
        }
        if ($_ -in $Takes) {
            $found.ForEach({ ($_.FullyQualifiedErrorId -split ',')[0] }) | Where-Object { $_ -notin $unreachable } | Should -BeNullOrEmpty
        }
        elseif ($null -eq $output) {
            $found | Should -Not -BeNullOrEmpty
        }
    }
}
