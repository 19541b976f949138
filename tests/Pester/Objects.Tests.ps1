# What the cmdlets' objects are on a screen, in files and in other sessions. The objects are samples, the same each time.
BeforeDiscovery {
    $types = 'ImageBuildResult', 'BuildStep', 'BuildWarning', 'BuildRecord', 'BuildCacheRecord', 'ContainerImage', 'ContainerImagePlatform', 'ContainerImageImport', 'ContainerImageTransfer', 'ContainerImageVulnerability', 'ContainerRegistryLogin', 'BuildKitCertificate', 'BuildKitContainer',
        'BuildKitDeployment', 'BuildKitEngine', 'BuildKitInfo', 'BuildKitWorker', 'BuildCachePolicy', 'AccessReport', 'DiagnosisCheck', 'SocketDiagnosis', 'InstallResult', 'HostStepOutcome',
        'BuildKitInstallation', 'DockerfileCheck', 'DockerfileTarget', 'DockerfileOutline'
}

BeforeAll {
    . $PSScriptRoot/Common.ps1
    Import-TestCmdlet
    $approved = [IO.Path]::Join($PSScriptRoot, 'Approved')
}

Describe 'A <_> in a file' -ForEach $types {
    BeforeAll {
        $objects = @(Get-SampleObject $_)
    }

    It 'has text in each cell of a CSV file' {
        $rows = $objects | ConvertTo-Csv | ConvertFrom-Csv
        $rows.ForEach({ $_.PSObject.Properties.Value }) -match '^(System|OpenCloud)\.|\w+ \{ ' | Should -BeNullOrEmpty
    }

    It 'has all that matters in JSON at the default depth' {
        $json = $objects[0] | ConvertTo-Json -WarningAction SilentlyContinue
        $json | Should -Not -Match '"(System|OpenCloud)\.'
        # What the depth cuts is a time span, which becomes text.
        $deep = $objects[0] | ConvertTo-Json -Depth 6 | ConvertFrom-Json -AsHashtable
        $flat = $json | ConvertFrom-Json -AsHashtable
        function Compare-Value($Deep, $Flat, [string] $Path) {
            if ($Deep -is [Collections.IDictionary]) {
                if ($Deep.Contains('TotalSeconds') -and $Flat -is [string]) {
                    [timespan]::Parse($Flat).Ticks | Should -Be $Deep.Ticks -Because $Path
                    return
                }
                foreach ($key in $Deep.Keys) {
                    Compare-Value $Deep[$key] $Flat[$key] "$Path.$key"
                }
            }
            elseif ($Deep -is [array]) {
                $Flat -is [array] | Should -BeTrue -Because "$Path is a list"
                for ($i = 0; $i -lt $Deep.Count; $i++) {
                    Compare-Value $Deep[$i] $Flat[$i] "$Path[$i]"
                }
            }
            else {
                $Flat | Should -Be $Deep -Because $Path
            }
        }
        Compare-Value $deep $flat $_
    }

    It 'keeps its properties and its view in Clixml' {
        $path = "$TestDrive/$_.xml"
        $objects | Export-Clixml $path
        $back = @(Import-Clixml $path)
        $back | Should -HaveCount $objects.Count
        $names = $objects[0].PSObject.Properties.Name
        $back[0].PSObject.Properties.Name | Sort-Object | Should -Be ($names | Sort-Object)
        if ($_ -ne 'BuildCacheRecord') {
            # The sums below a list of the cache are no part of its records.
            $back | Out-String -Width 160 | Should -Be ($objects | Out-String -Width 160)
        }
        $back | Format-List | Out-String -Width 160 | Should -Be ($objects | Format-List | Out-String -Width 160)
    }

    It 'has properties for headings' {
        $names = $objects[0].PSObject.Properties.Name
        foreach ($file in Get-Item "$root/*.Format.ps1xml") {
            [xml] $views = Get-Content -Raw $file
            $type = $objects[0].PSObject.TypeNames[0]
            foreach ($label in $views.SelectNodes("//View[ViewSelectedBy/TypeName='$type']//Label[parent::TableColumnHeader or parent::ListItem]").InnerText) {
                $names | Should -Contain $label
            }
        }
    }
}

Describe 'A build' {
    It 'keeps its steps in <way>' -ForEach @(
        @{ way = 'Clixml'; run = { Get-SampleObject ImageBuildResult | Export-Clixml "$TestDrive/build.xml"; Import-Clixml "$TestDrive/build.xml" } }
        @{ way = 'a remote session'; run = {
                # What travels is the same over SSH: PowerShell's remoting protocol, here over the streams of a process.
                $there = [runspacefactory]::CreateOutOfProcessRunspace($null)
                try {
                    $there.Open()
                    $shell = [powershell]::Create()
                    $shell.Runspace = $there
                    $shell.AddScript('. $args[0]; Import-TestCmdlet; Get-SampleObject ImageBuildResult').AddArgument([IO.Path]::Join($root, 'tests', 'Pester', 'Common.ps1')).Invoke()
                    $shell.Dispose()
                }
                finally {
                    $there.Dispose()
                }
            }
        }
        @{ way = 'a job'; run = {
                $there = "$([IO.Path]::Join($root, 'tests', 'Pester', 'Common.ps1'))"
                Start-Job { . $using:there; Import-TestCmdlet; Get-SampleObject ImageBuildResult } | Receive-Job -Wait -AutoRemoveJob
            }
        }
    ) {
        $live = @(Get-SampleObject ImageBuildResult)
        $back = @(& $run)
        $back[0].Steps.Name | Should -Be $live[0].Steps.Name
        $back[0].Steps[2].Duration | Should -BeOfType TimeSpan
        $back[0].Steps[2].Duration | Should -Be $live[0].Steps[2].Duration
        $back[0].Steps[2].Status | Should -Be 'done'
        $back[0].Steps[2].LogTail | Should -Be "go: downloading one`ngo: downloading two"
        $back[0].Steps[1].Started.UtcDateTime | Should -Be $live[0].Steps[1].Started.UtcDateTime
        $back[0].Duration | Should -Be $live[0].Duration
        $back[0].References | Should -Be $live[0].References
        $back[0].Warnings[0].Message | Should -Be $live[0].Warnings[0].Message
    }

    It 'has its script properties where it came from another runspace and no cmdlet has run' {
        $common = [IO.Path]::Join($root, 'tests', 'Pester', 'Common.ps1')
        $ran = Invoke-FreshPwsh "Import-Module '$manifestPath'; `$built = 1 | ForEach-Object -Parallel { . '$common'; Import-TestCmdlet; Get-SampleObject ImageBuildResult }; `$built[0].DurationSeconds; `$built[0].Steps[2].Status"
        $ran.Errors | Should -BeNullOrEmpty
        $ran.Output -split '\s+' | Should -Be '9.5', 'done'
    }

    It 'has .NET types, and text and numbers beside them' {
        $build = (Get-SampleObject ImageBuildResult)[0]
        $build.Duration | Should -BeOfType TimeSpan
        $build.Started | Should -BeOfType DateTimeOffset
        $build.DurationSeconds | Should -Be 9.5
        $record = (Get-SampleObject BuildRecord)[1]
        $record.StatusText | Should -BeOfType string
        $record.StatusText | Should -Be 'Failed'
        $record.DurationSeconds | Should -Be 720
    }
}

Describe 'Times' {
    It 'are those of this machine''s time zone' {
        $record = (Get-SampleObject BuildRecord)[0]
        $record | Out-String | Should -BeLike "*$($record.Started.LocalDateTime.ToString('yyyy-MM-dd HH:mm'))*"
        $record | Format-List | Out-String | Should -BeLike "*$($record.Completed.LocalDateTime.ToString('yyyy-MM-dd HH:mm:ss'))*"
    }
}

# CONTRIBUTING.md says how to take a new one.
Describe 'The screen' {
    BeforeAll {
        $types = 'ImageBuildResult', 'BuildStep', 'BuildWarning', 'BuildRecord', 'BuildCacheRecord', 'ContainerImage', 'ContainerImagePlatform', 'ContainerImageImport', 'ContainerImageTransfer', 'ContainerImageVulnerability', 'ContainerRegistryLogin', 'BuildKitCertificate', 'BuildKitContainer',
            'BuildKitDeployment', 'BuildKitEngine', 'BuildKitInfo', 'BuildKitWorker', 'BuildCachePolicy', 'AccessReport', 'DiagnosisCheck', 'SocketDiagnosis', 'InstallResult', 'HostStepOutcome',
            'BuildKitInstallation', 'DockerfileCheck', 'DockerfileTarget', 'DockerfileOutline'
        $shown = Invoke-FreshPwsh @'
            . $env:OCB_COMMON
            Import-TestCmdlet
            $PSStyle.OutputRendering = 'PlainText'
            foreach ($width in 80, 120, 200) {
                "=== $width"
                foreach ($type in $env:OCB_TYPES -split ' ') {
                    foreach ($form in 'Format-Table', 'Format-List') {
                        "PS> $type | $form"
                        ((Get-SampleObject $type | & $form | Out-String -Width $width) -split '\r?\n').ForEach({ $_.TrimEnd() })
                    }
                }
            }
'@ @{ OCB_COMMON = [IO.Path]::Join($PSScriptRoot, 'Common.ps1'); OCB_TYPES = $types -join ' '; TZ = 'UTC' }
        $screens = @{}
        foreach ($part in $shown.Output -split '(?m)^=== ' | Select-Object -Skip 1) {
            $width, $lines = $part.TrimEnd() -split '\r?\n'
            $screens[[int] $width] = $lines
        }
    }

    It 'is as approved at <_> columns' -ForEach 80, 120, 200 {
        $shown.Errors | Should -BeNullOrEmpty
        $lines = $screens[$_]
        $lines | Where-Object Length -GT $_ | Should -BeNullOrEmpty
        # Nothing is cut.
        $lines -match '…' | Should -BeNullOrEmpty
        $file = [IO.Path]::Join($approved, "views-$_.txt")
        if ($env:OPENCLOUD_BUILD_APPROVE -eq 'true') {
            $null = New-Item -ItemType Directory -Force $approved
            Set-Content $file $lines
        }
        $lines -join "`n" | Should -BeExactly ((Get-Content $file) -join "`n")
    }
}
