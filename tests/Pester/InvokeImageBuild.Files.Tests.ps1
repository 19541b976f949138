# Where Invoke-ImageBuild writes its log and its results: links, devices and named pipes are written through or refused.
BeforeDiscovery {
    . $PSScriptRoot/Common.ps1
    $fixture = Test-EngineFixture
    if (-not $fixture.CanRun) {
        Write-Warning "Skipped, no engine: $($fixture.Reason)"
    }
}

Describe 'Files of a build' -Skip:(-not $fixture.CanRun) {
    BeforeAll {
        . $PSScriptRoot/Common.ps1
        Import-TestCmdlet
        $engine = Start-TestEngine
        $address = $engine.address
        $app = New-BuildDirectory $TestDrive/app $engine @'
FROM scratch
COPY busybox /bin/busybox
RUN ["/bin/busybox", "echo", "words of the step"]
'@
        # A device of the test's own: /dev/full by another name.
        $full = "$TestDrive/full"
        mknod $full c 1 7
        $null = New-Item -ItemType SymbolicLink $TestDrive/device -Target $full
    }

    AfterAll {
        if ($engine) {
            Stop-TestEngine $engine
        }
    }

    It 'writes the log through a link, which stays' {
        Set-Content $TestDrive/target 'old'
        $null = New-Item -ItemType SymbolicLink $TestDrive/link -Target $TestDrive/target
        $null = Invoke-ImageBuild $app -NoCache -Address $address -LogPath $TestDrive/link -ErrorAction Stop
        (Get-Item $TestDrive/link).LinkTarget | Should -Be "$TestDrive/target"
        Get-Content $TestDrive/target -Raw | Should -Match 'words of the step'
        Get-Content $TestDrive/target -Raw | Should -Not -Match '^old'
    }

    It 'writes the log and the digest to named pipes with a reader' {
        mkfifo $TestDrive/log $TestDrive/id
        $log = Start-ThreadJob { cat $args[0] } -ArgumentList "$TestDrive/log"
        $id = Start-ThreadJob { cat $args[0] } -ArgumentList "$TestDrive/id"
        while ($log.State -ne 'Running' -or $id.State -ne 'Running') {
            Start-Sleep -Milliseconds 20
        }

        # A reader that has not come to its opening yet is a reader that is not there.
        do {
            $failures = $null
            $result = Invoke-ImageBuild $app -NoCache -Address $address -LogPath $TestDrive/log -IidFile $TestDrive/id -ErrorVariable failures -ErrorAction SilentlyContinue
        } while ($failures -and "$failures" -match 'Nobody reads')
        $failures | Should -BeNullOrEmpty
        ($log | Receive-Job -Wait -AutoRemoveJob) -match 'words of the step' | Should -Not -BeNullOrEmpty
        $id | Receive-Job -Wait -AutoRemoveJob | Should -BeIn $result.ConfigDigest, $result.Digest
        stat -c %F $TestDrive/log | Should -Be 'fifo'
    }

    It 'refuses a log in a pipe that nobody reads, before it builds' {
        mkfifo $TestDrive/silent
        Invoke-ImageBuild $app -Address unix:///nowhere/sock -LogPath $TestDrive/silent -ErrorVariable failures -ErrorAction SilentlyContinue
        $failures[0].FullyQualifiedErrorId | Should -BeLike 'LogNotWritable,*'
        "$($failures[0])" | Should -Match 'No process reads'
    }

    It 'ends a build whose log the disk does not take, and leaves the device' {
        Invoke-ImageBuild $app -NoCache -Address $address -LogPath $TestDrive/device -ErrorVariable failures -ErrorAction SilentlyContinue
        $failures[0].FullyQualifiedErrorId | Should -BeLike 'LogNotWritable,*'
        "$($failures[0])" | Should -Match 'No space left'
        (Get-Item $TestDrive/device).LinkTarget | Should -Be $full
        stat -c %F $full | Should -Be 'character special file'
    }

    It 'says what the disk did not take of the metadata; the image is there' {
        $result = Invoke-ImageBuild $app -Tag files/full:1 -Address $address -MetadataFile $TestDrive/device -ErrorVariable failures -ErrorAction SilentlyContinue
        $result | Should -BeNullOrEmpty
        $failures[0].FullyQualifiedErrorId | Should -BeLike 'ResultFileNotWritable,*'
        Get-ContainerImage files/full:1 -Address $address | Should -Not -BeNullOrEmpty
    }
}
