# Where Invoke-ImageBuild reports its progress, on a real engine.
BeforeDiscovery {
    . $PSScriptRoot/Common.ps1
    $fixture = Test-EngineFixture
    if (-not $fixture.CanRun) {
        Write-Warning "Skipped, no engine: $($fixture.Reason)"
    }
}

Describe 'The progress of Invoke-ImageBuild' -Skip:(-not $fixture.CanRun) {
    BeforeAll {
        . $PSScriptRoot/Common.ps1
        Import-TestCmdlet
        $engine = Start-TestEngine
        $address = $engine.address
        $app = New-BuildDirectory $TestDrive/app $engine @'
FROM scratch
COPY busybox /bin/busybox
RUN ["/bin/busybox", "sh", "-c", "echo said; echo '##vso[task.setvariable variable=x]y'; /bin/busybox sleep 1"]
'@
        $broken = New-BuildDirectory $TestDrive/broken $engine @'
FROM scratch
COPY busybox /bin/busybox
RUN ["/bin/busybox", "sh", "-c", "echo '::set-output name=a::b'; exit 9"]
'@
        $slow = New-BuildDirectory $TestDrive/slow $engine @'
FROM scratch
COPY busybox /bin/busybox
RUN ["/bin/busybox", "sh", "-c", "echo begun; /bin/busybox sleep 30; echo not reached"]
'@
        $import = "Import-Module '$manifestPath'"
        # This may be a CI host itself.
        $nowhere = @{ GITHUB_ACTIONS = ''; TF_BUILD = ''; CI = ''; BUILDKIT_PROGRESS = ''; GITHUB_STEP_SUMMARY = ''; GITHUB_WORKSPACE = '' }

        # A terminal of a width: what a PowerShell in it writes, sequences and all.
        function Invoke-Terminal([string] $Script, [int] $Columns, [hashtable] $Environment = @{}) {
            Set-Content "$TestDrive/terminal.ps1" $Script
            $words = (@(Get-PwshCommand) + '-NoProfile', '-File', "$TestDrive/terminal.ps1").ForEach({ "'$_'" }) -join ' '
            $all = $nowhere + @{ TERM = 'xterm-256color' }
            foreach ($name in $Environment.Keys) {
                $all[$name] = $Environment[$name]
            }
            $settings = $all.GetEnumerator().ForEach({ "$($_.Key)=$($_.Value)" })
            (env --unset=NO_COLOR @settings script --quiet --return --command "stty rows 30 cols $Columns; $words" /dev/null) -join "`n"
        }
    }

    AfterAll {
        if ($engine) {
            Stop-TestEngine $engine
        }
    }

    It 'is a display on a terminal, of which one line remains; a log where the rendering is plain text' {
        $text = Invoke-Terminal "$import
            'before'
            `$null = Invoke-ImageBuild '$app' -NoCache -Tag demo/app:1 -Address '$address'
            'between'
            `$PSStyle.OutputRendering = 'PlainText'
            `$null = Invoke-ImageBuild '$app' -Address '$address'" 60
        $text, $plain = $text -split 'between', 2
        $text | Should -Match '\x1b\[1mBuilding demo/app:1\x1b\[0m'
        $text | Should -Match '#\d+ \[2/2\] RUN'
        $text | Should -Match '│ said'
        # The display is removed before the summary is written, and the cursor is shown.
        $text | Should -Match '\x1b\[J\x1b\[\?25h\S*✓\S* demo/app:1 built in \d'
        $text.LastIndexOf("`e[?25h") | Should -BeGreaterThan $text.LastIndexOf("`e[?25l")
        ($text -split "`e\[J")[-1] | Should -Not -Match '\[2/2\]'
        foreach ($line in $text -split '[\r\n]+' -notmatch ' built in ' -replace '\x1b\[[?0-9;]*[a-zA-Z]') {
            $line.Length | Should -BeLessOrEqual 60
        }
        $plain | Should -Match '#1 \[internal\]'
        $plain | Should -Not -Match '\x1b\[\d*[AJKm]'
    }

    It 'has no colors with NO_COLOR' {
        $text = Invoke-Terminal "$import`n`$null = Invoke-ImageBuild '$app' -NoCache -Address '$address'" 120 @{ NO_COLOR = '1' }
        $text | Should -Match '(?s)\x1b\[\?25l.*Building '
        $text | Should -Not -Match '\x1b\[[0-9;]*m'
    }

    It 'is a log in the information stream elsewhere, and never in the output' {
        $all = Invoke-ImageBuild $app -Address $address -InformationVariable log -WarningAction Ignore
        $all | Should -HaveCount 1
        if (-not ($env:GITHUB_ACTIONS -or $env:TF_BUILD)) {
            "$($log[0])" | Should -Match '^#1 \[internal\]'
            "$($log[-1])" | Should -Match '^✓ .* built in '
        }
    }

    It 'follows BUILDKIT_PROGRESS, and the parameter before it' {
        $environment = $nowhere.Clone()
        $environment.BUILDKIT_PROGRESS = 'plain'
        $output = (Invoke-FreshPwsh "$import
            `$null = Invoke-ImageBuild '$app' -Address '$address'
            'next'
            (Invoke-ImageBuild '$app' -Address '$address' -Progress Quiet).StepCount
            Remove-Item Env:BUILDKIT_PROGRESS
            (Invoke-ImageBuild '$app' -Address '$address').StepCount
            `$null = Invoke-ImageBuild '$app' -Address '$address' -Progress Plain" $environment).Output
        $shown, $rest = $output -split '(?m)^next\r?\n', 2
        $shown | Should -Match '(?m)^#1 \[internal\]'
        $rest | Should -Match '^\d+\r?\n\d+\r?\n#1 \[internal\]'
    }

    It 'is nothing in a job' {
        $job = Start-ThreadJob { Import-Module $using:manifestPath; Invoke-ImageBuild $using:app -Address $using:address }
        $null = $job | Wait-Job
        $job.Information | Should -BeNullOrEmpty
        $job.Progress | Where-Object Activity -Like 'Building*' | Should -BeNullOrEmpty
        $job | Receive-Job -AutoRemoveJob -Wait | Should -HaveCount 1
    }

    It 'speaks to GitHub Actions' {
        Set-Content "$TestDrive/summary.md" 'before'
        $environment = $nowhere.Clone()
        $environment.GITHUB_ACTIONS = 'true'
        $environment.GITHUB_WORKSPACE = "$TestDrive"
        $environment.GITHUB_STEP_SUMMARY = "$TestDrive/summary.md"
        $result = Invoke-FreshPwsh "$import; '$app', '$broken' | Invoke-ImageBuild -NoCache -Address '$address' | Out-Null" $environment
        $lines = $result.Output -split '\r?\n'
        $lines -match '^::group::#1 \[internal\]' | Should -HaveCount 2
        $lines -match '^::group::' | Should -HaveCount ($lines -match '^::endgroup::$').Count
        $lines -match '^::error file=broken/Dockerfile,line=3::.*exit code: 9' | Should -HaveCount 1
        foreach ($line in $lines + ($result.Errors -split '\r?\n')) {
            $line | Should -Not -Match '##vso\[|^\s*::(?!group::|endgroup::|error |warning )'
        }
        $summary = Get-Content "$TestDrive/summary.md" -Raw
        $summary | Should -Match '^before\s+### ✅ .*app'
        $summary | Should -Match '### ❌ .*broken\s+Failed after'
    }

    It 'speaks to Azure Pipelines' {
        $environment = $nowhere.Clone()
        $environment.TF_BUILD = 'True'
        $environment.AGENT_TEMPDIRECTORY = (New-Item -ItemType Directory "$TestDrive/agent").FullName
        $environment.BUILD_SOURCESDIRECTORY = "$TestDrive"
        $result = Invoke-FreshPwsh "$import; '$app', '$broken' | Invoke-ImageBuild -NoCache -Address '$address' | Out-Null" $environment
        $lines = $result.Output -split '\r?\n'
        $lines -match '^##\[group\]#1 \[internal\]' | Should -HaveCount 2
        $lines -match '^##vso\[task\.logissue type=error;sourcepath=broken/Dockerfile;linenumber=3;\].*exit code: 9' | Should -HaveCount 1
        $uploads = $lines -match '^##vso\[task\.uploadsummary\]'
        $uploads | Should -HaveCount 2
        Get-Content ($uploads[0] -replace '^##vso\[.*?\]') -Raw | Should -Match '^### ✅'
        foreach ($line in $lines + ($result.Errors -split '\r?\n')) {
            $line | Should -Not -Match '.##vso\[|##vso\[task\.set'
        }
    }

    It 'leaves the screen clean when the build is stopped' {
        # SIGINT is what Ctrl+C sends; it comes when the step has written and the screen has had time to show it.
        $script = "$import
            `$null = Start-ThreadJob -ArgumentList `$PID {
                $import
                while (-not ((Get-BuildHistory -Address '$address' -Status Running | Get-BuildLog) -match ' begun`$')) { Start-Sleep -Milliseconds 100 }
                Start-Sleep -Milliseconds 1500
                kill -INT `$args[0]
            }
            try { Invoke-ImageBuild '$slow' -NoCache -Address '$address' } finally { 'ended' }"
        $text = Invoke-Terminal $script 80
        $text | Should -Match '│ begun'
        $text.LastIndexOf("`e[J`e[?25h") | Should -BeGreaterThan $text.LastIndexOf('│ begun')
        $text.LastIndexOf("`e[?25h") | Should -BeGreaterThan $text.LastIndexOf("`e[?25l")
        $text | Should -Not -Match 'not reached'
    }
}
