BeforeAll {
    . $PSScriptRoot/Common.ps1
    Import-TestCmdlet

    # A runspace of its own, with a host that keeps progress; it shares the assemblies of this session.
    function New-Shell {
        $recorder = [Activator]::CreateInstance((Get-Command Test-Operation).ImplementingType.Assembly.GetType('OpenCloud.Build.TestCmdlets.RecordingHost'))
        $runspace = [runspacefactory]::CreateRunspace($recorder)
        $runspace.Open()
        $shell = [powershell]::Create($runspace)
        $null = $shell.AddScript('Import-Module -Assembly $args[0]').AddArgument((Get-Command Test-Operation).ImplementingType.Assembly).Invoke()
        $shell.Commands.Clear()
        [pscustomobject]@{ Shell = $shell; Recorder = $recorder }
    }
    function Wait-Output($output) {
        $limit = [Diagnostics.Stopwatch]::StartNew()
        while ($output.Count -eq 0 -and $limit.Elapsed.TotalSeconds -lt 20) {
            [Threading.Thread]::Sleep(5)
        }
    }
    # Every bar that was shown was completed, and nothing came after that.
    function Assert-Completed($records) {
        $records.Count | Should -BeGreaterThan 0
        foreach ($bar in $records | Group-Object ActivityId) {
            $bar.Group[-1].RecordType | Should -Be 'Completed'
            @($bar.Group | Where-Object RecordType -EQ 'Completed') | Should -HaveCount 1
        }
    }
}

Describe 'What an operation posts' {
    It 'reaches its streams' {
        $all = Test-Operation Post -Verbose 3>&1 4>&1 2>&1
        $all.ForEach({ $_.GetType().Name }) | Should -Be 'VerboseRecord', 'WarningRecord', 'ErrorRecord', 'String'
    }

    It 'keeps its order, whatever its amount' {
        $numbers = Test-Operation Flood -Count 30000
        $numbers.Count | Should -Be 30000
        ($numbers | Measure-Object -Sum).Sum | Should -Be 449985000
        $numbers[0, 12345, -1] | Should -Be 0, 12345, 29999
    }

    It 'is verbose when asked to be, in each way of asking' {
        (Test-Operation Flood -Count 3 4>&1).Count | Should -Be 3
        (Test-Operation Flood -Count 3 -Verbose 4>&1).Count | Should -Be 6
        (& { $VerbosePreference = 'Continue'; Test-Operation Flood -Count 3 4>&1 }).Count | Should -Be 6
        (& { $VerbosePreference = 'Continue'; Test-Operation Flood -Count 3 -Verbose:$false 4>&1 }).Count | Should -Be 3
    }

    It 'waits for its reader where its lines are long' {
        $before = [GC]::GetTotalMemory($true)
        $most = 0
        # 400 MiB of lines; the reader looks at what the process holds while the operation has had all the time to run ahead.
        $lines = Test-Operation LongLines -Count 200 -Verbose 4>&1 | ForEach-Object {
            if ($most -eq 0) {
                Start-Sleep -Seconds 1
                $most = [GC]::GetTotalMemory($true) - $before
            }
            $_.Message.Length
        }
        $lines | Should -HaveCount 200
        $most / 1MB | Should -BeLessThan 80
    }

    It 'may be a question' {
        Test-Operation Ask | Should -BeTrue
        Test-Operation Ask -WhatIf 6>$null | Should -BeFalse
    }
}

Describe 'An operation that throws' {
    It 'throws in the pipeline, as it did' {
        { Test-Operation Throw } | Should -Throw 'thrown by the operation' -ExceptionType ([IO.FileNotFoundException])
    }

    It 'has its bars completed' {
        $new = New-Shell
        $null = $new.Shell.AddScript('Test-Operation ThrowAfterProgress').Invoke()
        $new.Shell.Streams.Error.Exception | Should -BeOfType IO.FileNotFoundException
        Assert-Completed $new.Recorder.Progress
        $new.Shell.Dispose()
    }
}

Describe 'Progress' {
    It 'is repainted at most every 200 ms, says only what changed and ends' {
        $new = New-Shell
        $clock = [Diagnostics.Stopwatch]::StartNew()
        $null = $new.Shell.AddScript('Test-Operation Progress -Count 1000').Invoke()
        $elapsed = $clock.Elapsed.TotalMilliseconds
        $records = @($new.Recorder.Progress)
        $new.Shell.Dispose()

        Assert-Completed $records
        $shown = @($records | Where-Object RecordType -EQ 'Processing')
        $parent = @($shown | Where-Object ParentActivityId -LT 0)
        @($parent.ActivityId | Select-Object -Unique) | Should -HaveCount 1
        $parent.Count | Should -BeGreaterThan 2
        $parent.Count | Should -BeLessOrEqual ([Math]::Ceiling($elapsed / 200) + 1)
        $steps = @($shown | Where-Object ParentActivityId -GE 0)
        $steps.ParentActivityId | Select-Object -Unique | Should -Be $parent[0].ActivityId
        # It never changes, so it is written once.
        @($steps | Where-Object Activity -EQ 'step') | Should -HaveCount 1
        # Output of a build must not steer the terminal.
        $records.Activity -match '\x1b' | Should -BeNullOrEmpty
    }

    It 'says nothing when there is none' {
        $new = New-Shell
        $null = $new.Shell.AddScript('Test-Operation Quiet').Invoke()
        $new.Recorder.Progress.Count | Should -Be 0
        $new.Shell.Dispose()
    }
}

Describe 'Stopping' {
    It 'ends a <Kind> operation within <Limit> ms' -ForEach @(
        @{ Kind = 'Hang'; Limit = 700 }
        # Left to itself after a second.
        @{ Kind = 'Stubborn'; Limit = 1700 }
        @{ Kind = 'Flood -Count 100000000'; Limit = 700 }
    ) {
        $new = New-Shell
        $output = [Management.Automation.PSDataCollection[psobject]]::new()
        $running = $new.Shell.AddScript("Test-Operation $Kind").BeginInvoke([Management.Automation.PSDataCollection[psobject]]::new(), $output)
        Wait-Output $output
        $clock = [Diagnostics.Stopwatch]::StartNew()
        $new.Shell.Stop()
        $clock.ElapsedMilliseconds | Should -BeLessThan $Limit
        $new.Shell.InvocationStateInfo.State | Should -Be 'Stopped'
        $running.IsCompleted | Should -BeTrue
        if ($Kind -eq 'Hang') {
            Assert-Completed $new.Recorder.Progress
        }
        $new.Shell.Dispose()
    }

    It 'ends an operation whose reader wants no more' {
        $clock = [Diagnostics.Stopwatch]::StartNew()
        Test-Operation Hang | Select-Object -First 1 | Should -Be 'started'
        $clock.ElapsedMilliseconds | Should -BeLessThan 2000
        Test-Operation Flood -Count 100000000 | Select-Object -First 3 | Should -Be 0, 1, 2
    }

    It 'ends an operation whose warning is an error' {
        { Test-Operation Post -WarningAction Stop } | Should -Throw -ErrorId 'ActionPreferenceStop,*'
    }
}
