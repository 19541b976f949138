# Every object that the cmdlets give, piped to every cmdlet that takes objects: it is taken, or refused in words. The samples name an engine and a
# store that are not there, so what is taken ends with the error that says so.
BeforeDiscovery {
    . $PSScriptRoot/Common.ps1
    Import-TestCmdlet
    $types = 'ImageBuildResult', 'BuildStep', 'BuildWarning', 'BuildRecord', 'BuildLogLine', 'BuildDefinition', 'BuildCacheRecord', 'ContainerImage', 'ContainerImagePlatform',
        'ContainerImageImport', 'ContainerImageTransfer', 'ContainerImageAttestation', 'ContainerImageVulnerability', 'ContainerRegistryLogin', 'BuildKitCertificate', 'BuildKitContainer', 'BuildKitDeployment', 'BuildKitEngine', 'BuildKitInfo', 'BuildKitWorker', 'BuildCachePolicy', 'AccessReport',
        'DiagnosisCheck', 'SocketDiagnosis', 'InstallResult', 'HostStepOutcome', 'BuildKitInstallation', 'DockerfileCheck', 'DockerfileTarget', 'DockerfileOutline'
    $others = 'Sent', 'Written', 'InRegistry', 'Hashtable', 'Program', 'Number'
    # The objects that each cmdlet takes; it refuses all others.
    $images = 'ImageBuildResult', 'ContainerImage', 'BuildRecord', 'ContainerImageImport', 'ContainerImageTransfer'
    $everywhere = $images + 'Sent', 'Written', 'InRegistry'
    $builds = 'ImageBuildResult', 'BuildRecord', 'BuildLogLine', 'Number'
    $addresses = 'ImageBuildResult', 'BuildRecord', 'BuildCacheRecord', 'BuildKitInfo', 'BuildKitWorker', 'SocketDiagnosis', 'InstallResult', 'AccessReport', 'BuildKitInstallation', 'BuildKitContainer', 'BuildKitDeployment', 'BuildKitEngine'
    $registries = 'ContainerImage', 'InRegistry', 'ContainerRegistryLogin'
    $consumers = @(
        @{ Cmdlet = 'Get-ContainerImage'; Takes = $images + 'InRegistry'; Arguments = @{} }
        @{ Cmdlet = 'Remove-ContainerImage'; Takes = $images; Arguments = @{ WhatIf = $true } }
        @{ Cmdlet = 'Copy-ContainerImage'; Takes = $images + 'InRegistry'; Arguments = @{ Destination = 'other:1'; WhatIf = $true } }
        @{ Cmdlet = 'Copy-ContainerImage'; Takes = $images + 'InRegistry'; Arguments = @{ Destination = 'registry.local/other:1'; ToRegistry = $true; WhatIf = $true } }
        @{ Cmdlet = 'Add-ContainerImageTag'; Takes = $images; Arguments = @{ Tag = 'other'; WhatIf = $true } }
        @{ Cmdlet = 'Export-ContainerImage'; Takes = $images; Arguments = @{ Destination = '/tmp/never.tar'; WhatIf = $true } }
        @{ Cmdlet = 'Import-ContainerImage'; Takes = @(); Arguments = @{ WhatIf = $true } }
        @{ Cmdlet = 'Send-ContainerImage'; Takes = $images; Arguments = @{ WhatIf = $true } }
        @{ Cmdlet = 'Receive-ContainerImage'; Takes = $everywhere; Arguments = @{ WhatIf = $true } }
        @{ Cmdlet = 'New-ContainerImageIndex'; Takes = $everywhere; Arguments = @{ Destination = 'registry.local/joined:1'; WhatIf = $true } }
        @{ Cmdlet = 'Get-ContainerImageAttestation'; Takes = $images; Arguments = @{} }
        # The attestation is the provenance of an image without an SBOM.
        @{ Cmdlet = 'Get-ContainerImageVulnerability'; Takes = $images; Arguments = @{ Database = $manifestPath } }
        @{ Cmdlet = 'Connect-ContainerRegistry'; Takes = $registries; Arguments = @{ Credential = [pscredential]::new('u', (ConvertTo-SecureString p -AsPlainText)); WhatIf = $true } }
        @{ Cmdlet = 'Connect-ContainerRegistry'; Takes = 'Number'; Arguments = @{ Registry = 'registry.local'; UserName = 'u'; PasswordStdin = $true; WhatIf = $true } }
        @{ Cmdlet = 'Disconnect-ContainerRegistry'; Takes = $registries + 'Number'; Arguments = @{ WhatIf = $true } }
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
        # A build's directory is a path, though this one does not exist.
        @{ Cmdlet = 'Invoke-ImageBuild'; Takes = @(); Arguments = @{ WhatIf = $true } }
        @{ Cmdlet = 'Test-Dockerfile'; Takes = @(); Arguments = @{} }
        @{ Cmdlet = 'Get-DockerfileTarget'; Takes = @(); Arguments = @{} }
        @{ Cmdlet = 'Get-DockerfileOutline'; Takes = @(); Arguments = @{} }
        @{ Cmdlet = 'Get-BuildDefinition'; Takes = @(); Arguments = @{} }
        @{ Cmdlet = 'Register-BuildKitEngine'; Takes = 'BuildKitContainer', 'BuildKitDeployment'; Arguments = @{ WhatIf = $true } }
        @{ Cmdlet = 'Get-BuildKitEngine'; Takes = 'BuildKitEngine'; Arguments = @{} }
        @{ Cmdlet = 'Set-BuildKitEngine'; Takes = 'BuildKitEngine'; Arguments = @{ WhatIf = $true } }
        @{ Cmdlet = 'Unregister-BuildKitEngine'; Takes = 'BuildKitEngine'; Arguments = @{ WhatIf = $true } }
        @{ Cmdlet = 'New-BuildKitCertificate'; Takes = @(); Arguments = @{ Path = '/tmp/never-pki'; WhatIf = $true } }
        @{ Cmdlet = 'New-BuildKitDeployment'; Takes = @(); Arguments = @{ Name = 'builders'; WhatIf = $true } }
        @{ Cmdlet = 'Get-BuildKitDeployment'; Takes = 'BuildKitDeployment'; Arguments = @{} }
        @{ Cmdlet = 'Set-BuildKitDeployment'; Takes = 'BuildKitDeployment'; Arguments = @{ Replicas = 1; WhatIf = $true } }
        @{ Cmdlet = 'Remove-BuildKitDeployment'; Takes = 'BuildKitDeployment'; Arguments = @{ WhatIf = $true } }
        @{ Cmdlet = 'New-BuildKitContainer'; Takes = @(); Arguments = @{ Address = 'docker:///nowhere/docker.sock'; WhatIf = $true } }
        @{ Cmdlet = 'Get-BuildKitContainer'; Takes = @(); Arguments = @{ Address = 'docker:///nowhere/docker.sock' } }
        @{ Cmdlet = 'Update-BuildKitContainer'; Takes = 'BuildKitContainer'; Arguments = @{ WhatIf = $true } }
        @{ Cmdlet = 'Remove-BuildKitContainer'; Takes = 'BuildKitContainer'; Arguments = @{ WhatIf = $true } }
        @{ Cmdlet = 'Grant-BuildKitAccess'; Takes = @(); Arguments = @{ WhatIf = $true } }
        @{ Cmdlet = 'Revoke-BuildKitAccess'; Takes = @(); Arguments = @{ WhatIf = $true } }
        @{ Cmdlet = 'Get-BuildKitInstallation'; Takes = @(); Arguments = @{} }
        @{ Cmdlet = 'Uninstall-BuildKit'; Takes = @(); Arguments = @{ WhatIf = $true } }
    )
    $consumers.ForEach({ $_.Options = @($_.Arguments.Keys | Where-Object { $_ -in 'ToRegistry', 'PasswordStdin' } | ForEach-Object { "-$_" }) -join ' ' })
    # Of the cmdlets that take no objects, one that inspects and one that changes the machine are in the table.
    $left = 'Install-BuildKit', 'Update-BuildKit'
}

BeforeAll {
    . $PSScriptRoot/Common.ps1
    Import-TestCmdlet
    $program = "$TestDrive/program"
    [IO.File]::WriteAllBytes($program, [byte[]] (0x7F, 0x45, 0x4C, 0x46, 2, 1, 1, 0, 0, 0x1B, 0x5B))
    $catalog = (Get-TestErrorCatalog).Id
    $known = $catalog + 'InputObjectNotBound', 'ParameterArgumentTransformationError', 'ParameterArgumentValidationErrorEmptyArrayNotAllowed'
    $unreachable = 'EngineNotFound', 'ImageStoreRefused', 'EngineUnreachable', 'EngineTimedOut', 'BuildKitContainerUnreachable', 'KubectlNotFound', 'KubernetesTimedOut', 'ConnectionProgramNotFound'
    $oldConfig = $env:DOCKER_CONFIG
    $env:DOCKER_CONFIG = "$TestDrive/docker"
    # The sample of a named engine is registered, with a node that is not there.
    $oldEngines = $env:XDG_CONFIG_HOME
    $env:XDG_CONFIG_HOME = "$TestDrive/engines"
    $null = Register-BuildKitEngine fleet unix:///nowhere.sock

    function Get-Producer([string] $Name) {
        switch ($Name) {
            Hashtable { @{ Address = 'unix:///run/buildkit/buildkitd.sock' } }
            Program { Get-Item $program }
            Number { 42 }
            Sent { New-Transfer @{ Store = ''; Namespace = '' } }
            Written { New-Transfer @{ Store = ''; Namespace = ''; Path = "$TestDrive/none.tar" } }
            InRegistry { New-Copy (Get-SampleObject ContainerImage)[0] @{ Store = 'registry://docker.io'; Namespace = '' } }
            default { (Get-SampleObject $Name)[0] }
        }
    }

    function New-Transfer([hashtable] $Changes) { New-Copy (Get-SampleObject ContainerImageTransfer)[0] $Changes }

    # A record with other values.
    function New-Copy($Record, [hashtable] $Changes) {
        $copy = $Record.GetType().GetMethod('<Clone>$').Invoke($Record, $null)
        foreach ($change in $Changes.GetEnumerator()) {
            $Record.GetType().GetProperty($change.Key).SetValue($copy, $change.Value)
        }
        $copy
    }

    function Get-Id($Record) { ($Record.FullyQualifiedErrorId -split ',')[0] }
}

AfterAll {
    $env:DOCKER_CONFIG = $oldConfig
    $env:XDG_CONFIG_HOME = $oldEngines
}

Describe 'The table' {
    It 'has every cmdlet and every type of their objects' {
        $cmdlets = Get-Command -Module OpenCloud.Build -CommandType Cmdlet
        $cmdlets.Name | Where-Object { $_ -notin $consumers.Cmdlet + $left } | Should -BeNullOrEmpty
        $given = $cmdlets.OutputType.Type | Where-Object Namespace -Like 'OpenCloud.Build*' | ForEach-Object Name | Sort-Object -Unique
        $given | Where-Object { $_ -notin $types } | Should -BeNullOrEmpty
    } -TestCases @{ consumers = $consumers; left = $left; types = $types }
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
            Get-Id $errors[0] | Should -BeIn $unreachable -Because "$($object.GetType()): $($errors[0])"
        }
    }
}

Describe 'An image in a registry' {
    It 'is refused by <Cmdlet>' -ForEach @(
        @{ Cmdlet = 'Remove-ContainerImage'; Arguments = @{} }
        @{ Cmdlet = 'Export-ContainerImage'; Arguments = @{ Destination = '/tmp/never.tar' } }
        @{ Cmdlet = 'Send-ContainerImage'; Arguments = @{} }
        @{ Cmdlet = 'Add-ContainerImageTag'; Arguments = @{ Tag = 'other' } }
    ) {
        foreach ($name in 'InRegistry', 'Sent', 'Written') {
            if ($name -eq 'Written' -and $Cmdlet -eq 'Send-ContainerImage') {
                continue
            }
            $errors = @()
            Get-Producer $name | & $Cmdlet @Arguments -ErrorAction SilentlyContinue -ErrorVariable errors | Should -BeNullOrEmpty
            Get-Id $errors[0] | Should -Be ($name -eq 'Written' ? 'ImageInFile' : 'ImageInRegistry')
            $errors[0].ErrorDetails.RecommendedAction | Should -Match '-ContainerImage'
        }
    }

    It 'that was written to an archive is imported and sent from there' {
        $written = Get-Producer Written
        foreach ($cmdlet in 'Import-ContainerImage', 'Send-ContainerImage') {
            $written | & $cmdlet -ErrorAction SilentlyContinue -ErrorVariable errors
            "$errors" | Should -BeLike '*none.tar*'
        }
    }
}

Describe 'A report of access' {
    It 'names the user or the service whose access is revoked' {
        $report = (Get-SampleObject AccessReport)[0]
        $user = New-Copy $report @{ Principal = 'nobody' }
        $service = New-Copy $report @{ Principal = 'no-such-unit'; Kind = [Enum]::Parse($report.Kind.GetType(), 'Service') }
        ($user | Revoke-BuildKitAccess -Group users -WhatIf).Principal | Should -Be 'nobody'
        # A host without systemd has no services.
        $failure = { $service | Revoke-BuildKitAccess -Group users -WhatIf } | Should -Throw -PassThru
        "$failure" | Should -Match 'no-such-unit|systemd'
    }
}

Describe '<Cmdlet> <Options>' -ForEach $consumers {
    # One test for all objects: a thousand of them cost more than what they test.
    It 'takes an object or refuses it in words' -TestCases @{ names = $types + $others } {
        $parameters = (Get-Command $Cmdlet).Parameters
        if ($parameters.ContainsKey('ConnectTimeout')) {
            $Arguments.ConnectTimeout = '1ms'
        }
        elseif ($parameters.ContainsKey('Timeout')) {
            $Arguments.Timeout = '1ms'
        }
        $problems = foreach ($name in $names) {
            $errors = @()
            $output = try {
                Get-Producer $name | & $Cmdlet @Arguments -ErrorAction SilentlyContinue -ErrorVariable errors -WarningAction SilentlyContinue 6>$null
            }
            catch {
                $errors += $_
            }
            $found = @($errors | Where-Object { $_ -is [Management.Automation.ErrorRecord] })
            foreach ($record in $found) {
                # Its own error, or PowerShell's that the object fits no parameter.
                $id = Get-Id $record
                if ($id -notin $known) {
                    "${name}: the error $id is not in the catalog: $record"
                }
                if ("$record" -match '[\x00-\x08\x0e-\x1f]|System\.Collections|\w+ \{ \w+ = ') {
                    "${name}: the object itself is in the message: $record"
                }
                if ($name -in $Takes -and $id -notin $unreachable) {
                    "${name}: it is refused: $record"
                }
                if ($name -notin $Takes -and $null -eq $output -and $id -in $unreachable) {
                    "${name}: an engine was asked about an object that is nothing to it: $record"
                }
            }
            if ($name -notin $Takes -and $null -eq $output -and $found.Count -eq 0) {
                "${name}: neither an output nor an error"
            }
        }
        $problems | Should -BeNullOrEmpty
    }
}
