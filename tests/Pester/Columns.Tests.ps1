# What Invoke-ImageBuild takes of the properties of a piped object, before an engine is needed.
BeforeAll {
    . $PSScriptRoot/Common.ps1
    Import-TestCmdlet
    Use-RecordingBuilder

    $app = (New-Item -ItemType Directory "$TestDrive/app").FullName
    Set-Content "$app/Dockerfile" "FROM scratch AS first`nFROM scratch"
    Set-Content "$TestDrive/token" 'a secret'

    # The requests that a table of builds makes, with a warning for each line of them.
    function Get-Request([string[]] $csv) {
        $csv | ConvertFrom-Csv | Invoke-ImageBuild -WarningVariable script:warnings -WarningAction SilentlyContinue |
            Where-Object { $_.PSObject.Properties['Request'] } | ForEach-Object Request
    }
}

AfterAll {
    Use-RecordingBuilder -Restore
}

Describe 'A table of builds' {
    It 'has columns for switches: <cell>' -ForEach @(
        @{ cell = 'true'; on = $true }, @{ cell = 'YES'; on = $true }, @{ cell = 'on'; on = $true }, @{ cell = '1'; on = $true }
        @{ cell = 'false'; on = $false }, @{ cell = 'no'; on = $false }, @{ cell = 'off'; on = $false }, @{ cell = '0'; on = $false }
        @{ cell = ''; on = $false }
    ) {
        $request = Get-Request 'Path,Tag,Push,NoCache,Pull,RewriteTimestamp,StrictContext,SourceDateEpoch', "$app,localhost:1/x:1,$cell,$cell,$cell,$cell,$cell,1"
        $request.Push | Should -Be $on
        $request.NoCache | Should -Be $on
        $request.Pull | Should -Be $on
        $request.StrictContext | Should -Be $on
        $request.SourceDate.RewriteTimestamps | Should -Be $on
        $warnings | Should -BeNullOrEmpty
    }

    It 'refuses a cell that is no value of its parameter: <name>' -ForEach @(
        @{ name = 'Push' }, @{ name = 'Network' }, @{ name = 'ShmSize' }, @{ name = 'Timeout' }, @{ name = 'SourceDateEpoch' }, @{ name = 'RegistryCredential' }
    ) {
        $failure = { "Path,$name", "$app,perhaps" | ConvertFrom-Csv | Invoke-ImageBuild -ErrorAction Stop } | Should -Throw -PassThru
        $failure.FullyQualifiedErrorId | Should -BeLike 'InvalidColumn,*'
        "$failure" | Should -BeLike "*'$name'*"
    }

    It 'has columns for everything that describes a build' {
        $row = [pscustomobject] @{
            Path = $app; Tag = 'a:1'; NoCacheFilter = 'first;second'; Network = 'none'; AddHost = 'one:10.0.0.1;two:10.0.0.2'; ShmSize = '64m'
            Ulimit = 'nofile=1024:2048'; CgroupParent = 'system.slice'; Allow = 'network.host'; Attest = 'type=sbom'; Timeout = '90s'
            SourceDateEpoch = '1700000000'; Label = 'a=1'; Target = 'first'
        }
        $request = Get-Request ($row | ConvertTo-Csv)
        $request.Execution.NoCacheStages | Should -Be 'first', 'second'
        $request.Execution.Network | Should -Be 'None'
        "$($request.Execution.ExtraHosts)" | Should -BeLike '*10.0.0.1*10.0.0.2*'
        $request.Execution.SharedMemorySize | Should -Be 64MB
        $request.Execution.ControlGroupParent | Should -Be 'system.slice'
        $request.Attestations | Should -HaveCount 1
        $request.SourceDate.Epoch | Should -Be 1700000000
        $request.Target | Should -Be 'first'
        $warnings | Should -BeNullOrEmpty
    }

    It 'takes an empty cell for a value that is not given' {
        $row = [ordered] @{ Path = $app }
        foreach ($name in 'Tag', 'Dockerfile', 'Target', 'Platform', 'BuildArg', 'Label', 'BuildContext', 'Annotation', 'Attest', 'Sbom', 'Provenance',
            'SourceDateEpoch', 'MetadataFile', 'IidFile', 'NoCacheFilter', 'Network', 'AddHost', 'ShmSize', 'Ulimit', 'CgroupParent', 'Allow', 'SourcePolicy',
            'Output', 'CacheFrom', 'CacheTo', 'Secret', 'Ssh', 'RegistryCredential', 'RegistryHost', 'Address', 'LogPath', 'Timeout') {
            $row[$name] = ''
        }
        $empty = Get-Request ([pscustomobject] $row | ConvertTo-Csv)
        $plain = Get-Request 'Path', $app
        # The function that asks before files are deleted is another object each time.
        $empty | Select-Object * -ExcludeProperty ConfirmDelete | ConvertTo-Json -Depth 4 |
            Should -Be ($plain | Select-Object * -ExcludeProperty ConfirmDelete | ConvertTo-Json -Depth 4)
        $warnings | Should -BeNullOrEmpty
    }

    It 'has no value of the line before in an empty last cell: <name>' -ForEach @(
        @{ name = 'Push'; cell = 'true'; take = { $_.Push }; off = $false }
        @{ name = 'Network'; cell = 'none'; take = { $_.Execution.Network }; off = 'Default' }
        @{ name = 'Target'; cell = 'first'; take = { $_.Target }; off = $null }
        @{ name = 'Timeout'; cell = '90s'; take = { $_.Timeout }; off = $null }
        @{ name = 'ShmSize'; cell = '64m'; take = { $_.Execution.SharedMemorySize }; off = $null }
    ) {
        $requests = @(Get-Request "Path,Tag,$name", "$app,localhost:1/x:1,$cell", "$app,localhost:1/x:2,", "$app,localhost:1/x:3,$cell")
        $requests | Should -HaveCount 3
        $requests[1] | ForEach-Object $take | Should -Be $off
    }

    It 'warns of a column in another spelling, once' {
        $null = Get-Request 'Path,Tags,build-arg,no_cache,Owner', "$app,a:1,V=1,true,me", "$app,a:2,V=2,true,me"
        $warnings | Should -HaveCount 3
        $warnings[0] | Should -BeExactly "The property 'Tags' of the input is ignored: the parameter is named 'Tag'."
        $warnings[1] | Should -BeLike "*'build-arg'*'BuildArg'."
    }

    It 'warns of a column that only the command line has' {
        $null = Get-Request 'Path,ThrottleLimit', "$app,4"
        $warnings | Should -BeExactly "The property 'ThrottleLimit' of the input is ignored: use -ThrottleLimit on the command line."
    }

    It 'refuses a file that is no text, and shows nothing of it' {
        [IO.File]::WriteAllBytes("$TestDrive/program", [byte[]] (0x7F, 0x45, 0x4C, 0x46, 2, 1, 1, 0, 0, 0x1B, 0x5B))
        $failure = { Get-Item "$TestDrive/program" | Invoke-ImageBuild -ErrorAction Stop } | Should -Throw -PassThru
        $failure.FullyQualifiedErrorId | Should -BeLike 'InvalidDockerfile,*'
        "$failure" | Should -BeLike '*/program:1: The file is a binary file, not a Dockerfile.'
    }

    It 'has a column for a path without wildcards, or none: <row>' -ForEach @(
        @{ row = 'LiteralPath,Tag'; path = 'odd [1]' }, @{ row = 'PSPath,Tag'; path = 'odd [1]' }, @{ row = 'Path,Tag'; path = 'o*[[]1]' }, @{ row = 'Tag,Target'; path = 'a:1' }
    ) {
        $odd = (New-Item -ItemType Directory "$TestDrive/odd [1]" -Force).FullName
        Set-Content -LiteralPath "$odd/Dockerfile" 'FROM scratch'
        Push-Location -LiteralPath ($row -like '*Path*' ? $TestDrive : $odd)
        try {
            (Get-Request $row, "$path,").ContextPath | Should -Be $odd
        }
        finally {
            Pop-Location
        }
    }

    It 'refuses an object that names no path' {
        $failure = { Get-Date | ForEach-Object { [Version]'1.2' } | Invoke-ImageBuild -ErrorAction Stop } | Should -Throw -PassThru
        $failure.FullyQualifiedErrorId | Should -BeLike 'NotABuild,*'
    }

    It 'refuses a hashtable, and says what to give' {
        $failure = { @{ Path = $app } | Invoke-ImageBuild -ErrorAction Stop } | Should -Throw -PassThru
        $failure.FullyQualifiedErrorId | Should -BeLike 'NotABuild,*'
        $failure.ErrorDetails.RecommendedAction | Should -BeLike '*pscustomobject*'
    }
}

Describe 'A secret in docker''s spelling' {
    It 'names a file or a variable: <text>' -ForEach @(
        @{ text = "id=token,src=$TestDrive/token" }, @{ text = "type=file,id=token,source=$TestDrive/token" }
        @{ text = 'id=token,env=COLUMNS_TEST_TOKEN' }, @{ text = 'type=env,id=token,src=COLUMNS_TEST_TOKEN' }, @{ text = 'id=COLUMNS_TEST_TOKEN' }
    ) {
        $env:COLUMNS_TEST_TOKEN = 'a secret'
        try {
            $text = $text.Replace('$TestDrive', $TestDrive)
            (Get-Request ([pscustomobject] @{ Path = $app; Secret = $text } | ConvertTo-Csv)).Secrets.Count | Should -Be 1
            $seen = Invoke-ImageBuild $app -Secret $text | Where-Object { $_.PSObject.Properties['Request'] }
            $seen.Request.Secrets.Keys | Should -BeIn 'token', 'COLUMNS_TEST_TOKEN'
        }
        finally {
            Remove-Item Env:COLUMNS_TEST_TOKEN
        }
    }

    It 'may be several, with and without quotes' {
        $file = "$TestDrive/token"
        $seen = Invoke-ImageBuild $app -Secret id=a, src=$file, id=b, src=$file | Where-Object { $_.PSObject.Properties['Request'] }
        $seen.Request.Secrets.Keys | Sort-Object | Should -Be 'a', 'b'
    }

    It 'is refused without a word of it where it fits neither' {
        $failure = { Invoke-ImageBuild $app -Secret 'token=hunter2' -ErrorAction Stop } | Should -Throw -PassThru
        "$failure $($failure.Exception)" | Should -Not -BeLike '*hunter2*'
    }
}
