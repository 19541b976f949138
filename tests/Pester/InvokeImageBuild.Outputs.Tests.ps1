# Invoke-ImageBuild's outputs, caches, secrets and registries on a real engine, in PowerShell's own forms.
BeforeDiscovery {
    . $PSScriptRoot/Common.ps1
    $fixture = Test-EngineFixture
    if (-not $fixture.CanRun) {
        Write-Warning "Skipped, no engine: $($fixture.Reason)"
    }
}

Describe 'What a build gives and takes' -Skip:(-not $fixture.CanRun) {
    BeforeAll {
        . $PSScriptRoot/Common.ps1
        Import-TestCmdlet
        $engine = Start-TestEngine
        $address = $engine.address
        $app = New-BuildDirectory $TestDrive/app $engine @'
FROM scratch AS make
COPY busybox /bin/busybox
RUN --mount=type=secret,id=one --mount=type=secret,id=two --mount=type=secret,id=three ["/bin/busybox", "sh", "-c", "cd /run/secrets && /bin/busybox cat one two three > /seen"]
FROM scratch
COPY --from=make /seen /
'@
        Set-Content $app/secret 'from a file' -NoNewline
        $secure = [Net.NetworkCredential]::new('', ' from a string').SecurePassword
        $credential = [pscredential]::new('user', [Net.NetworkCredential]::new('', ' from a credential').SecurePassword)
    }

    AfterAll {
        if ($engine) {
            Stop-TestEngine $engine
        }
    }

    It 'names what could not be reached: <id>' -ForEach @(
        @{ id = 'PushFailed'; text = "FROM scratch`nCOPY a /"; options = @{ Tag = '127.0.0.1:1/app:1'; Push = $true } }
        @{ id = 'CacheNotExported'; text = "FROM scratch`nCOPY a /"; options = @{ CacheTo = 'type=registry,ref=127.0.0.1:1/cache' } }
        @{ id = 'FrontendUnavailable'; text = "# syntax=127.0.0.1:1/frontend`nFROM scratch"; options = @{} }
        @{ id = 'BaseImageUnavailable'; text = 'FROM 127.0.0.1:1/base'; options = @{} }
        @{ id = 'ScannerUnavailable'; text = "FROM scratch`nCOPY a /"; options = @{ Sbom = 'generator=127.0.0.1:1/scanner' } }
    ) {
        $place = (New-Item -ItemType Directory -Force "$TestDrive/closed").FullName
        Set-Content "$place/a" a
        Set-Content "$place/Dockerfile" $text
        $failure = { Invoke-ImageBuild $place @options -Address $address -ErrorAction Stop } | Should -Throw -PassThru
        $failure.FullyQualifiedErrorId | Should -Be "$id,OpenCloud.Build.Commands.InvokeImageBuildCommand"
        $failure.ErrorDetails.RecommendedAction | Should -Not -BeNullOrEmpty
    }

    It 'takes secrets of every kind and writes files where the session is' {
        Push-Location $TestDrive
        try {
            $result = Invoke-ImageBuild $app -Output @{ type = 'local'; dest = 'out' } -Secret @{ one = 'file:app/secret'; two = $secure; three = $credential } -Address $address
        }
        finally {
            Pop-Location
        }
        $result.StepCount | Should -BeGreaterThan 2
        Get-Content $TestDrive/out/seen -Raw | Should -BeExactly 'from a file from a string from a credential'
    }

    It 'takes docker''s strings, several at once' {
        $null = Invoke-ImageBuild $app -Tag demo/several:1 -Output 'type=image', "type=oci,dest=$TestDrive/app.tar", "$TestDrive/plain" -Secret @{ one = 'env:HOME'; two = $secure; three = $secure } -Address $address
        "$TestDrive/app.tar" | Should -Exist
        "$TestDrive/plain/seen" | Should -Exist
    }

    It "takes docker's form without quotes, which PowerShell takes apart" {
        $null = Invoke-ImageBuild $app -Tag demo/unquoted:1 -Output type=oci,dest=$TestDrive/unquoted.tar,dest=$TestDrive/twice.tar -Secret @{ one = 'env:HOME'; two = $secure; three = $secure } -Address $address -ErrorVariable failures -ErrorAction SilentlyContinue
        $failures.FullyQualifiedErrorId | Should -Be 'InvalidBuildOption,OpenCloud.Build.Commands.InvokeImageBuildCommand'
        $null = Invoke-ImageBuild $app -Tag demo/unquoted:1 -Output type=oci,dest=$TestDrive/unquoted.tar,"annotation.it=one, two",type=local,dest=$TestDrive/unquoted -Secret @{ one = 'env:HOME'; two = $secure; three = $secure } -Address $address
        "$TestDrive/unquoted.tar" | Should -Exist
        tar -xOf "$TestDrive/unquoted.tar" --wildcards 'blobs/sha256/*' | Out-String | Should -Match '"it": ?"one, two"'
        (Get-ChildItem "$TestDrive/unquoted").Count | Should -BeGreaterThan 0
    }

    It 'keeps a cache in a directory' {
        $cached = New-BuildDirectory $TestDrive/cached $engine "FROM scratch`nCOPY busybox /bin/busybox`nRUN [`"/bin/busybox`", `"true`"]`n"
        $null = Invoke-ImageBuild $cached -CacheTo @{ type = 'local'; dest = "$TestDrive/cache"; mode = 'max' } -Address $address
        "$TestDrive/cache/index.json" | Should -Exist
        $result = Invoke-ImageBuild $cached -CacheFrom "type=local,src=$TestDrive/cache" -Address $address
        $result.Warnings | Should -BeNullOrEmpty
    }

    It 'says that an engine cannot delete, and writes nothing' {
        $null = New-Item -ItemType Directory $TestDrive/mirror
        Set-Content $TestDrive/mirror/old 'old'
        $failure = { Invoke-ImageBuild $app -Output "type=local,mode=delete,dest=$TestDrive/mirror" -Secret @{ one = $secure; two = $secure; three = $secure } -Address $address -ErrorAction Stop } | Should -Throw -PassThru
        $failure.FullyQualifiedErrorId | Should -Be 'OutputNotWritten,OpenCloud.Build.Commands.InvokeImageBuildCommand'
        $failure.Exception.Message | Should -BeLike '*mode=delete*'
        (Get-ChildItem $TestDrive/mirror).Name | Should -Be 'old'
    }

    It 'writes an archive to a descriptor of the caller''s, apart from its own text' {
        $plain = New-BuildDirectory $TestDrive/plainapp $engine "FROM scratch`nCOPY busybox /bin/busybox`n"
        $script = "Import-Module '$manifestPath'; Invoke-ImageBuild '$plain' -Tag demo/piped:1 -Output 'type=oci,dest=/dev/fd/3' -Address '$address' -Verbose"
        [string[]] $words = Get-PwshCommand
        $names = sh -c 'text=$1 script=$2; shift 2; "$@" -NoProfile -NonInteractive -Command "$script" 3>&1 >"$text" | tar -t' sh "$TestDrive/text" $script @words
        $names | Should -Contain 'index.json'
        Get-Content "$TestDrive/text" -Raw | Should -Match 'sha256:|demo/piped:1'
    }

    It 'refuses <Name> before anything is sent' -TestCases @(
        @{ Name = 'a secret as plain text'; Id = 'InvalidBuildOption'; Parameters = @{ Secret = @{ token = 'plain-secret-text' } } }
        @{ Name = 'a secret file that is not there'; Id = 'BuildRefused'; Parameters = @{ Secret = @{ token = 'file:/no/such/file' } } }
        @{ Name = 'a variable that is not set'; Id = 'BuildRefused'; Parameters = @{ Secret = @{ token = 'env:OCB_NO_SUCH_VARIABLE' } } }
        @{ Name = 'an output without a type'; Id = 'InvalidBuildOption'; Parameters = @{ Output = @{ dest = 'x' } } }
        @{ Name = 'an archive among its text'; Id = 'InvalidBuildOption'; Parameters = @{ Output = 'type=oci,dest=-' } }
        @{ Name = 'an archive among its text, briefly'; Id = 'InvalidBuildOption'; Parameters = @{ Output = '-' } }
        @{ Name = 'an archive without a place'; Id = 'BuildRefused'; Parameters = @{ Output = 'type=oci' } }
        @{ Name = 'a push without a name'; Id = 'BuildRefused'; Parameters = @{ Push = $true } }
        @{ Name = 'a password that is no credential'; Id = 'InvalidBuildOption'; Parameters = @{ RegistryCredential = @{ 'registry.test' = 'plain-secret-text' } } }
        @{ Name = 'a key that is not there'; Id = 'BuildRefused'; Parameters = @{ Ssh = 'default=/no/such/key' } }
    ) {
        $failure = { Invoke-ImageBuild $app @Parameters -Address $address -ErrorAction Stop } | Should -Throw -PassThru
        $failure.FullyQualifiedErrorId | Should -Be "$Id,OpenCloud.Build.Commands.InvokeImageBuildCommand"
        "$failure $($failure.Exception)" | Should -Not -BeLike '*plain-secret-text*'
    }
}

# buildkitd with a worker of its own, given by its address.
Describe 'An engine that keeps no images' -Skip:(-not $env:OPENCLOUD_BUILD_TEST_ENGINE -or -not $fixture.CanRun) {
    It 'warns of an image that will be found nowhere, and only of that' {
        $app = New-Item -ItemType Directory "$TestDrive/nowhere"
        Set-Content "$app/Dockerfile" "FROM scratch`nCOPY Dockerfile /"
        if ((Get-BuildKitInfo -Address $env:OPENCLOUD_BUILD_TEST_ENGINE).Executor -ne 'oci') {
            Set-ItResult -Skipped -Because 'this engine keeps images'
            return
        }
        function Get-BuildWarning($parameters) {
            $null = Invoke-ImageBuild $app -Address $env:OPENCLOUD_BUILD_TEST_ENGINE @parameters -WarningVariable warnings -WarningAction SilentlyContinue -ErrorAction SilentlyContinue
            @($warnings -match 'has no image store')
        }
        Get-BuildWarning @{ Tag = 'registry.invalid/a:1' } | Should -HaveCount 1
        Get-BuildWarning @{ Tag = 'registry.invalid/a:1'; Output = 'type=image' } | Should -HaveCount 1
        Get-BuildWarning @{} | Should -BeNullOrEmpty
        Get-BuildWarning @{ Tag = 'registry.invalid/a:1'; Output = "type=oci,dest=$TestDrive/somewhere.tar" } | Should -BeNullOrEmpty
        Get-BuildWarning @{ Tag = 'registry.invalid/a:1'; Output = 'type=image', "$TestDrive/somewhere" } | Should -BeNullOrEmpty
        Get-BuildWarning @{ Tag = '127.0.0.1:9/a:1'; Push = $true } | Should -BeNullOrEmpty
        Get-BuildWarning @{ Tag = '127.0.0.1:9/a:1'; Output = 'type=image,push=true' } | Should -BeNullOrEmpty
    }
}

# A daemon that knows mode=delete, such as BuildKit 0.32, is given by its address.
Describe 'mode=delete' -Skip:(-not $env:OPENCLOUD_BUILD_TEST_ENGINE -or -not $fixture.CanRun) {
    It 'asks on the pipeline, and does what it is told' {
        . $PSScriptRoot/Common.ps1
        Import-TestCmdlet
        $app = New-Item -ItemType Directory "$TestDrive/delete"
        Set-Content "$app/Dockerfile" "FROM scratch`nCOPY Dockerfile /new"
        $mirror = New-Item -ItemType Directory "$TestDrive/deleted"
        function Invoke-Deletion($answer) {
            $new = New-RecordedShell
            $new.Recorder.Answer = $answer
            $null = $new.Shell.AddScript('$ConfirmPreference = "Medium"; Invoke-ImageBuild $args[0] -Output "type=local,mode=delete,dest=$($args[1])" -Address $env:OPENCLOUD_BUILD_TEST_ENGINE').AddArgument("$app").AddArgument("$mirror").Invoke()
            $new.Shell.Streams.Error | ForEach-Object { $_.Exception.Message } | Where-Object { $_ -notlike '*mode=delete*' } | Should -BeNullOrEmpty
            $refused = $new.Shell.Streams.Error.Count -gt 0
            $new.Shell.Dispose()
            [pscustomobject]@{ Refused = $refused; Questions = @($new.Recorder.Questions) }
        }

        # Choices: 0 is yes, 2 is no.
        Set-Content "$mirror/old" 'old'
        $first = Invoke-Deletion 0
        if ($first.Refused) {
            Set-ItResult -Skipped -Because 'this engine does not know mode=delete'
            return
        }
        $first.Questions -match 'Delete 1 entries.*\(old\).*deleted' | Should -HaveCount 1
        (Get-ChildItem $mirror).Name | Should -Be 'new'

        Set-Content "$mirror/old" 'old'
        $second = Invoke-Deletion 2
        $second.Questions | Should -Not -BeNullOrEmpty
        "$mirror/old" | Should -Exist
    }
}

Describe 'Completion' {
    It 'knows the types of outputs and caches' {
        (TabExpansion2 'Invoke-ImageBuild . -Output type=o' 34).CompletionMatches.ListItemText | Should -Contain 'type=oci,dest='
        (TabExpansion2 'Invoke-ImageBuild . -CacheTo ' 29).CompletionMatches.ListItemText | Should -Contain 'type=inline'
    }
}
