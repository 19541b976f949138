# What Invoke-ImageBuild makes of its input, and what it refuses, before an engine is needed.
BeforeAll {
    . $PSScriptRoot/Common.ps1
    Import-TestCmdlet
    Use-RecordingBuilder

    $app = (New-Item -ItemType Directory "$TestDrive/app").FullName
    Set-Content "$app/Dockerfile" "ARG V=1`nFROM scratch AS build`nFROM scratch`n"
    $other = (New-Item -ItemType Directory "$TestDrive/other").FullName
    Set-Content "$other/Dockerfile" 'FROM scratch'
    Set-Content "$other/Dockerfile.prod" 'FROM scratch AS prod'
    $odd = (New-Item -ItemType Directory "$TestDrive/odd [1]").FullName
    Set-Content -LiteralPath "$odd/Dockerfile" 'FROM scratch'

    # What would have been sent.
    filter Select-Request { if ($_.PSObject.Properties['Context']) { $_ } }
    function Get-Refusal([scriptblock] $script) {
        $output = & { $ErrorActionPreference = 'Continue'; . $script } 2>&1
        $output | Where-Object { $_ -isnot [Management.Automation.ErrorRecord] } | Should -BeNullOrEmpty
        $errors = @($output | Where-Object { $_ -is [Management.Automation.ErrorRecord] })
        $errors | Should -HaveCount 1
        $errors[0]
    }
}

AfterAll {
    Use-RecordingBuilder -Restore
}

Describe 'The directory' {
    It 'is the current location when none is given' {
        Push-Location $app
        try { (Invoke-ImageBuild | Select-Request).Context | Should -Be $app } finally { Pop-Location }
    }

    It 'may be relative, on a drive of PowerShell''s, or provider-qualified' {
        $null = New-PSDrive -Name Builds -PSProvider FileSystem -Root $TestDrive -Scope Global
        Push-Location $TestDrive
        try {
            foreach ($path in './app', 'app/', 'other/../app', 'Builds:/app', "FileSystem::$app", 'TestDrive:/app') {
                (Invoke-ImageBuild $path | Select-Request).Context | Should -Be $app -Because $path
            }
        }
        finally {
            Pop-Location
            Remove-PSDrive Builds
        }
    }

    It 'may be several, by wildcards' {
        (Invoke-ImageBuild "$TestDrive/[ao]*[pr]" | Select-Request).Context | Should -Be $app, $other
    }

    It 'takes wildcards literally when told so' {
        (Invoke-ImageBuild -LiteralPath $odd | Select-Request).Context | Should -Be $odd
        (Get-Refusal { Invoke-ImageBuild $odd }).FullyQualifiedErrorId | Should -BeLike 'PathNotFound,*'
    }

    It 'comes through the pipeline as <What>' -ForEach @(
        @{ What = 'a string'; Make = { "$TestDrive/app" } }
        @{ What = 'an item'; Make = { Get-Item "$TestDrive/app" } }
        @{ What = 'a bare DirectoryInfo'; Make = { [IO.DirectoryInfo]::new("$TestDrive/app") } }
        @{ What = 'a Dockerfile'; Make = { Get-Item "$TestDrive/app/Dockerfile" } }
        @{ What = 'a property'; Make = { [pscustomobject]@{ Path = "$TestDrive/app" } } }
        @{ What = 'a literal path'; Make = { [pscustomobject]@{ LiteralPath = "$TestDrive/app" } } }
        @{ What = 'a resolved path'; Make = { Resolve-Path "$TestDrive/app" } }
    ) {
        $request = & $Make | Invoke-ImageBuild -Tag a | Select-Request
        $request.Context | Should -Be $app
        $request.DockerfilePath | Should -Be "$app/Dockerfile"
    }

    It 'may be an item whose name has wildcards' {
        (Get-Item -LiteralPath $odd | Invoke-ImageBuild | Select-Request).Context | Should -Be $odd
    }

    It 'may be a link, whose own property Target names no stage' {
        $link = New-Item -ItemType SymbolicLink "$TestDrive/link" -Target $app
        $request = $link | Invoke-ImageBuild | Select-Request
        $request.Context | Should -Be "$TestDrive/link"
        $request.Target | Should -BeNullOrEmpty
        (Get-Item "$TestDrive/link" | Invoke-ImageBuild -Target build | Select-Request).Target | Should -Be 'build'
    }

    It 'is refused when it is <What>' -ForEach @(
        @{ What = 'absent'; Path = '/nowhere/at/all'; Id = 'PathNotFound' }
        @{ What = 'a file'; Path = '/etc/hostname'; Id = 'NotDirectory' }
        @{ What = 'of another provider'; Path = 'env:/PATH'; Id = 'NotFileSystemPath' }
        @{ What = 'of another provider, with wildcards'; Path = 'env:/PAT*'; Id = 'NotFileSystemPath' }
        @{ What = 'on no drive'; Path = 'nodrive:/x'; Id = 'PathNotFound' }
        @{ What = 'a wildcard that matches nothing'; Path = '/nowhere/*'; Id = 'PathNotFound' }
    ) {
        (Get-Refusal { Invoke-ImageBuild $Path }).FullyQualifiedErrorId | Should -BeLike "$Id,*"
    }

    It 'warns when it is <Path>' -ForEach @(@{ Path = '/' }, @{ Path = $HOME }) {
        Invoke-ImageBuild $Path -DockerfileText 'FROM scratch' -WhatIf -WarningVariable warnings -WarningAction SilentlyContinue 6>$null
        $warnings | Should -HaveCount 1
        $warnings[0] | Should -BeLike "*'$Path'*"
    }
}

Describe 'The Dockerfile' {
    It 'is looked up from the location, then from the directory' {
        Push-Location $TestDrive
        try {
            (Invoke-ImageBuild other -Dockerfile Dockerfile.prod | Select-Request).DockerfilePath | Should -Be "$other/Dockerfile.prod"
            (Invoke-ImageBuild other -Dockerfile app/Dockerfile | Select-Request).DockerfilePath | Should -Be "$app/Dockerfile"
            (Invoke-ImageBuild other -Dockerfile $app/Dockerfile | Select-Request).DockerfilePath | Should -Be "$app/Dockerfile"
        }
        finally { Pop-Location }
    }

    It 'may be text, in one string or in lines' {
        foreach ($text in "FROM scratch`nCOPY . /", @('FROM scratch', 'COPY . /')) {
            $request = Invoke-ImageBuild $app -DockerfileText $text | Select-Request
            $request.DockerfilePath | Should -BeNullOrEmpty
            $request.DockerfileContent | Should -Be "FROM scratch`nCOPY . /"
        }
    }

    It 'is refused: <What>' -ForEach @(
        @{ What = 'no FROM'; Text = "ARG A`n# FROM x"; Id = 'InvalidDockerfile'; Message = '*DockerfileText:1:*no FROM*' }
        @{ What = 'RUN before FROM'; Text = "`n`nRUN x`nFROM y"; Id = 'InvalidDockerfile'; Message = '*:3:*before the first FROM*' }
        @{ What = 'empty'; Text = "`n"; Id = 'InvalidDockerfile'; Message = '*no instructions*' }
    ) {
        $refusal = Get-Refusal { Invoke-ImageBuild $app -DockerfileText $Text }
        $refusal.FullyQualifiedErrorId | Should -BeLike "$Id,*"
        $refusal.Exception.Message | Should -BeLike $Message
    }

    It 'does not reach the terminal with what would steer it' {
        $refusal = Get-Refusal { Invoke-ImageBuild $app -DockerfileText "`e]0;title`a`e[31mRUN`e[0m`a x`nFROM y" }
        $refusal.FullyQualifiedErrorId | Should -BeLike 'InvalidDockerfile,*'
        foreach ($text in $refusal.Exception.Message, "$refusal", $refusal.ErrorDetails.RecommendedAction, ($refusal | Out-String)) {
            $text -replace '\e\[[0-9;]*m' | Should -Not -Match "[`e`a]"
        }
        $refusal.Exception.Message | Should -Not -Match "[`e`a]"
    }

    It 'is refused as a file: <What>' -ForEach @(
        @{ What = 'none'; Id = 'DockerfileNotFound'; Message = '*has no Dockerfile*'; Make = { } }
        @{ What = 'only a Containerfile'; Id = 'DockerfileNotFound'; Message = '*Containerfile*'; Make = { Set-Content "$args/Containerfile" 'FROM scratch' } }
        @{ What = 'UTF-16'; Id = 'InvalidDockerfile'; Message = '*UTF-16*'; Make = { Set-Content "$args/Dockerfile" 'FROM scratch' -Encoding unicode } }
        @{ What = 'a directory'; Id = 'DockerfileNotReadable'; Message = '*it is a directory, not a regular file*'; Make = { New-Item -ItemType Directory "$args/Dockerfile" } }
        @{ What = 'a pipe'; Id = 'DockerfileNotReadable'; Message = '*it is a named pipe, not a regular file*'; Make = { mkfifo "$args/Dockerfile" } }
        @{ What = 'a link that leads out'; Id = 'DockerfileOutsideContext'; Message = '*/Dockerfile*''/etc/passwd''*'; Make = { ln -s /etc/passwd "$args/Dockerfile" } }
        @{ What = 'a link that leads up'; Id = 'DockerfileOutsideContext'; Message = "*'../app/Dockerfile'*"; Make = { ln -s ../app/Dockerfile "$args/Dockerfile" } }
        @{ What = 'an ignore file that leads out'; Id = 'DockerfileOutsideContext'; Message = '*/Dockerfile.dockerignore*''/etc/passwd''*'; Make = { Set-Content "$args/Dockerfile" 'FROM scratch'; ln -s /etc/passwd "$args/Dockerfile.dockerignore" } }
        @{ What = 'endless'; Id = 'DockerfileNotReadable'; Message = '*larger than the limit of 16777216 bytes*'; Make = { $file = [IO.File]::Create("$args/Dockerfile"); $file.SetLength(1L -shl 40); $file.Dispose() } }
    ) {
        $folder = New-Item -ItemType Directory "$TestDrive/$([guid]::NewGuid())"
        $null = & $Make $folder
        $refusal = Get-Refusal { Invoke-ImageBuild $folder }
        $refusal.FullyQualifiedErrorId | Should -BeLike "$Id,*"
        $refusal.Exception.Message | Should -BeLike $Message
    }

    It 'is read through a link that stays in the directory' {
        $folder = New-Item -ItemType Directory "$TestDrive/$([guid]::NewGuid())"
        $null = New-Item -ItemType Directory "$folder/docker"
        Set-Content "$folder/docker/app" 'FROM scratch AS linked'
        ln -s /docker/app "$folder/Dockerfile"
        (Invoke-ImageBuild $folder | Select-Request).Stages | Should -Be 'linked'
    }

    It 'is read through any link when it is named' {
        $folder = New-Item -ItemType Directory "$TestDrive/$([guid]::NewGuid())"
        ln -s $app/Dockerfile "$folder/Dockerfile"
        (Invoke-ImageBuild $folder -Dockerfile $folder/Dockerfile | Select-Request).Stages | Should -Contain 'build'
    }

    It 'is read once from <What>' -ForEach @(
        @{ What = 'a named pipe'; Shell = 'mkfifo pipe; (printf "$TEXT" > pipe) > /dev/null 2>&1 & exec $PWSH -NoProfile -File ask.ps1 "$PWD/pipe"' }
        @{ What = 'a descriptor that is a pipe'; Shell = 'exec $PWSH -NoProfile -File ask.ps1 /dev/fd/3 3< <(printf "$TEXT")' }
        @{ What = 'a descriptor that is a file'; Shell = 'printf "$TEXT" > file; exec $PWSH -NoProfile -File ask.ps1 /dev/fd/3 3< file' }
        @{ What = 'standard input that is a file'; Shell = 'printf "$TEXT" > file; exec $PWSH -NoProfile -File ask.ps1 /dev/stdin < file' }
    ) {
        $folder = New-Item -ItemType Directory "$TestDrive/$([guid]::NewGuid())"
        Set-Content "$folder/ask.ps1" @"
param(`$dockerfile)
. '$PSScriptRoot/Common.ps1'
Import-TestCmdlet
Use-RecordingBuilder
@(Invoke-ImageBuild '$app' -Dockerfile `$dockerfile)[0].Stages
"@
        # A PowerShell that is a tool of .NET's is run by dotnet.
        $program = [Environment]::ProcessPath
        $pwsh = [IO.Path]::GetFileNameWithoutExtension($program) -eq 'dotnet' ? "$program $PSHOME/pwsh.dll" : $program
        $output = env "PWSH=$pwsh" 'TEXT=FROM scratch AS piped\n' timeout 120 bash -c "cd '$folder'; $Shell" 2>&1
        $output -join "`n" | Should -Be 'piped'
    }

    It 'from a pipe without a writer is given up with the pipeline' {
        mkfifo "$TestDrive/silent"
        $shell = [powershell]::Create([Management.Automation.RunspaceMode]::NewRunspace)
        try {
            $null = $shell.AddScript('param($m, $d, $f) Import-Module $m; Invoke-ImageBuild $d -Dockerfile $f -WhatIf').AddArgument($manifestPath).AddArgument($app).AddArgument("$TestDrive/silent")
            $run = $shell.BeginInvoke()
            Start-Sleep -Milliseconds 1500
            $clock = [Diagnostics.Stopwatch]::StartNew()
            $shell.Stop()
            $clock.Elapsed | Should -BeLessThan ([timespan]::FromSeconds(2))
            $run.IsCompleted | Should -BeTrue
        }
        finally { $shell.Dispose() }
    }

    It 'must exist when it is named' {
        (Get-Refusal { Invoke-ImageBuild $app -Dockerfile nothing }).FullyQualifiedErrorId | Should -BeLike 'NamedDockerfileNotFound,*'
        (Get-Refusal { Invoke-ImageBuild $app -Dockerfile Dockerfile -DockerfileText 'FROM scratch' }).FullyQualifiedErrorId | Should -BeLike 'ParameterConflict,*'
    }

    It 'must have the target' {
        (Invoke-ImageBuild $app -Target BUILD | Select-Request).Target | Should -Be 'BUILD'
        (Invoke-ImageBuild $app -Target 1 | Select-Request).Target | Should -Be '1'
        $refusal = Get-Refusal { Invoke-ImageBuild $app -Target nothing }
        $refusal.FullyQualifiedErrorId | Should -BeLike 'TargetNotFound,*'
        $refusal.Exception.Message | Should -BeLike '*Available stages: build.*'
    }

    It 'of another language is its frontend''s matter' {
        Invoke-ImageBuild $app -DockerfileText "# syntax=r.io/other`nanything" -Target any | Select-Request | Should -Not -BeNullOrEmpty
        Invoke-ImageBuild $app -DockerfileText 'anything' -BuildArg BUILDKIT_SYNTAX=r.io/other | Select-Request | Should -Not -BeNullOrEmpty
    }
}

Describe 'Values' {
    It 'completes tags and drops the same ones' {
        (Invoke-ImageBuild $app -Tag a, docker.io/library/a:latest, r.io:5000/b:1 | Select-Request).Tags |
            Should -Be 'docker.io/library/a:latest', 'r.io:5000/b:1'
    }

    It 'refuses <Parameter> <Value>' -ForEach @(
        @{ Parameter = 'Tag'; Value = 'App:1'; Id = 'InvalidImageReference' }
        @{ Parameter = 'Tag'; Value = 'a..b'; Id = 'InvalidImageReference' }
        @{ Parameter = 'Tag'; Value = 'a//b'; Id = 'InvalidImageReference' }
        @{ Parameter = 'Tag'; Value = 'a\b'; Id = 'InvalidImageReference' }
        @{ Parameter = 'Tag'; Value = '/a'; Id = 'InvalidImageReference' }
        @{ Parameter = 'Tag'; Value = 'a b'; Id = 'InvalidImageReference' }
        @{ Parameter = 'Tag'; Value = ''; Id = 'InvalidImageReference' }
        @{ Parameter = 'Tag'; Value = "a@sha256:$('0' * 64)"; Id = 'TagWithDigest' }
        @{ Parameter = 'Platform'; Value = 'linux/'; Id = 'InvalidPlatform' }
        @{ Parameter = 'Platform'; Value = 'toaster'; Id = 'InvalidPlatform' }
        @{ Parameter = 'Address'; Value = 'gopher://x'; Id = 'InvalidAddress' }
        @{ Parameter = 'ConnectTimeout'; Value = 0; Id = 'InvalidDuration' }
        @{ Parameter = 'Timeout'; Value = 0; Id = 'InvalidDuration' }
        @{ Parameter = 'Timeout'; Value = '-5m'; Id = 'InvalidDuration' }
        @{ Parameter = 'BuildArg'; Value = '=x'; Id = 'InvalidKeyValue' }
        @{ Parameter = 'BuildArg'; Value = @{ 'A=B' = 1 }; Id = 'InvalidKeyValue' }
        @{ Parameter = 'Label'; Value = @{ a = @(1, 2) }; Id = 'InvalidKeyValue' }
        @{ Parameter = 'LogPath'; Value = '/nowhere/log'; Id = 'LogNotWritable' }
        @{ Parameter = 'LogPath'; Value = '/tmp'; Id = 'LogNotWritable' }
    ) {
        $arguments = @{ $Parameter = $Value }
        $refusal = Get-Refusal { Invoke-ImageBuild $app @arguments }
        $refusal.FullyQualifiedErrorId | Should -BeLike "$Id,*"
        $refusal.ErrorDetails.RecommendedAction | Should -Not -BeNullOrEmpty
    }

    It 'never shows a secret given as a build argument' {
        $secret = [securestring]::new()
        'hunter2'.ToCharArray().ForEach({ $secret.AppendChar($_) })
        $refusal = Get-Refusal { Invoke-ImageBuild $app -BuildArg @{ PASSWORD = $secret } }
        $refusal.FullyQualifiedErrorId | Should -BeLike 'InvalidKeyValue,*'
        ($refusal | Get-Error | Out-String) | Should -Not -BeLike '*hunter2*'
    }

    It 'never shows the password of an address: <_>' -ForEach 'ssh://me:hunter2@box', ' tcp://me:hunter2@box:1', 'docker+ssh://me:/hunter2@x@box', 'me:hunter2@box' {
        $address = $_
        $ended = try { Test-BuildKitSocket $address } catch { $_ }
        foreach ($refusal in (Get-Refusal { Invoke-ImageBuild $app -Address $address }), $ended) {
            $refusal.FullyQualifiedErrorId | Should -BeLike 'InvalidAddress,*'
            $refusal, $refusal.Exception, $refusal.ErrorDetails, $refusal.TargetObject | Out-String | Should -Not -BeLike '*hunter2*'
        }
    }

    It 'takes build arguments as a hashtable or as strings, and from the environment' {
        $env:OCB_TEST_ARG = 'from outside'
        $request = Invoke-ImageBuild $app -BuildArg @{ N = 1; F = 1.5; B = $true; OCB_TEST_ARG = $null; OCB_TEST_NONE = $null } -Label a=b=c, d | Select-Request
        $request.BuildArguments['N'], $request.BuildArguments['F'], $request.BuildArguments['B'] | Should -Be '1', '1.5', 'True'
        $request.BuildArguments['OCB_TEST_ARG'] | Should -Be 'from outside'
        $request.BuildArguments.ContainsKey('OCB_TEST_NONE') | Should -BeFalse
        $request.Labels['a'], $request.Labels['d'] | Should -Be 'b=c', ''
        (Invoke-ImageBuild $app -BuildArg 'A=1', OCB_TEST_ARG | Select-Request).BuildArguments['A', 'OCB_TEST_ARG'] | Should -Be '1', 'from outside'
        Remove-Item env:OCB_TEST_ARG
    }

    It 'takes <Value> for a timeout of <Seconds> s' -ForEach @(
        @{ Value = 5; Seconds = 5 }
        @{ Value = 0.5; Seconds = 0.5 }
        @{ Value = '7'; Seconds = 7 }
        @{ Value = '500ms'; Seconds = 0.5 }
        @{ Value = '2m'; Seconds = 120 }
        @{ Value = '00:00:03'; Seconds = 3 }
        @{ Value = [timespan]::FromSeconds(9); Seconds = 9 }
    ) {
        (Invoke-ImageBuild $app -ConnectTimeout $Value | Select-Request).ConnectTimeout.TotalSeconds | Should -Be $Seconds
    }

    It 'passes everything on' {
        $request = Invoke-ImageBuild $app -Tag a -Platform aarch64, linux/amd64 -Target build -NoCache -Pull -Address docker -AllowPlainTcp -LogPath "$TestDrive/log" | Select-Request
        $request.Platforms | Should -Be 'linux/arm64', 'linux/amd64'
        $request.NoCache, $request.Pull, $request.AllowPlainTcp | Should -Be $true, $true, $true
        $request.Address | Should -Be 'docker://'
        $request.LogPath | Should -Be "$TestDrive/log"
    }
}

Describe 'Attestations' {
    It 'may have commas in their values, as outputs may: <Value>' -ForEach @(
        @{ Value = 'type=sbom,"generator=registry.test/scan:1,a=b",x=1' }
        @{ Value = 'x=1,"generator=registry.test/scan:1,a=b",type=sbom' }
    ) {
        $attestation = (Invoke-ImageBuild $app -Attest $Value | Select-Request).Attestations
        $attestation.Type | Should -Be 'sbom'
        $attestation.Attributes['generator'] | Should -Be 'registry.test/scan:1,a=b'
        $attestation.Attributes['x'] | Should -Be '1'
    }
}

Describe 'The pipeline' {
    It 'takes rows of a CSV file, whose empty cells mean nothing' {
        Set-Content "$TestDrive/builds.csv" @"
Path,Tag,Target,Dockerfile,BuildArg,Platform
$app,a:1;a:2,build,,V=2,
$other,b,,Dockerfile.prod,,linux/arm64;linux/amd64
"@
        $requests = @(Import-Csv "$TestDrive/builds.csv" | Invoke-ImageBuild | Select-Request)
        $requests.Context | Should -Be $app, $other
        $requests[0].Tags | Should -Be 'docker.io/library/a:1', 'docker.io/library/a:2'
        $requests[0].Target | Should -Be 'build'
        $requests[0].BuildArguments['V'] | Should -Be '2'
        $requests[0].Platforms | Should -BeNullOrEmpty
        $requests[1].DockerfilePath | Should -Be "$other/Dockerfile.prod"
        $requests[1].Target | Should -BeNullOrEmpty
        $requests[1].BuildArguments.Count | Should -Be 0
        $requests[1].Platforms | Should -Be 'linux/arm64', 'linux/amd64'
    }

    It 'takes every Dockerfile that is found' {
        (Get-ChildItem $TestDrive -Recurse -Filter Dockerfile -Depth 1 | Where-Object { $_.Directory.Name -in 'app', 'other' } | Invoke-ImageBuild | Select-Request).Context |
            Should -Be $app, $other
    }

    It 'builds nothing with -WhatIf, and checks all the same' {
        Invoke-ImageBuild $app -Tag a -WhatIf 6>$null | Should -BeNullOrEmpty
        (Get-Refusal { Invoke-ImageBuild $app -Tag A -WhatIf }).FullyQualifiedErrorId | Should -BeLike 'InvalidImageReference,*'
    }

    It 'has an alias' {
        (Build-ContainerImage $app | Select-Request).Context | Should -Be $app
    }
}

Describe 'The table of results' {
    It 'reads well at 80 columns' {
        $type = (Get-Command Invoke-ImageBuild).OutputType[0].Type
        $result = $type::new()
        foreach ($pair in @{
                References = [string[]] ('docker.io/demo/app:1', 'docker.io/demo/app:latest'); Digest = "sha256:$('0123456789abcdef' * 4)"; Duration = [timespan]::FromSeconds(3.14)
            }.GetEnumerator()) {
            $type.GetProperty($pair.Key).SetValue($result, $pair.Value)
        }
        $lines = ($result | Format-Table | Out-String -Width 80) -split '\r?\n' -replace '\x1b\[[0-9;]*m' | Where-Object { $_ }
        $lines | Where-Object Length -GT 80 | Should -BeNullOrEmpty
        $lines[0] | Should -Match '^Digest\s+StepCount\s+CachedCount\s+Duration\s+Names'
        $lines[2] | Should -Match '^0123456789ab\s+0\s+0\s+3.1s demo/app:1$'
        $lines[3] | Should -Match '^\s+demo/app:latest$'
    }
}

Describe 'A source policy in a file' {
    It 'is read within a bound: <_> is refused at once' -ForEach '/dev/zero', 'sparse', 'a folder' {
        $path = "$TestDrive/policy"
        switch ($_) {
            'sparse' { $file = [IO.File]::Create($path); $file.SetLength(1TB); $file.Dispose() }
            'a folder' { $path = $app }
            default { $path = $_ }
        }
        $clock = [Diagnostics.Stopwatch]::StartNew()
        $before = [GC]::GetTotalAllocatedBytes()
        (Get-Refusal { Invoke-ImageBuild $app -SourcePolicy $path }).FullyQualifiedErrorId | Should -BeLike 'PathNotReadable,*'
        $clock.Elapsed.TotalSeconds | Should -BeLessThan 20
        [GC]::GetTotalAllocatedBytes() - $before | Should -BeLessThan 256MB
    }

    It 'may be a pipe' {
        $pipe = "$TestDrive/policy-pipe"
        mkfifo $pipe
        $writer = Start-ThreadJob { param($pipe) [IO.File]::WriteAllText($pipe, 'no JSON') } -ArgumentList $pipe
        (Get-Refusal { Invoke-ImageBuild $app -SourcePolicy $pipe }).Exception.Message | Should -BeLike '*not JSON*'
        $null = $writer | Wait-Job -Timeout 30 | Remove-Job
    }
}
