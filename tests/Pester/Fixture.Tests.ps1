# A skip is a claim that this machine cannot: a fixture that is broken fails the tests that need it.
BeforeAll {
    . $PSScriptRoot/Common.ps1
    function Set-Fixture([string] $Script) {
        $path = [IO.Path]::Join($TestDrive, 'fixture')
        Set-Content $path "#!/bin/sh`n$Script"
        chmod 755 $path
        # From tests/fixture, where fixtures are, up to the root and down again.
        [IO.Path]::GetRelativePath([IO.Path]::Join($root, 'tests', 'fixture'), $path)
    }
}

Describe 'A fixture' {
    It 'that can is used' {
        (Test-Fixture (Set-Fixture 'exit 0') check).CanRun | Should -BeTrue
    }

    It 'that says that this machine cannot has its tests skipped, with the reason' {
        $answer = Test-Fixture (Set-Fixture 'echo "no such thing here: $1 $2" >&2; exit 3') tree trixie
        $answer.CanRun | Should -BeFalse
        $answer.Reason | Should -Be 'no such thing here: tree trixie'
    }

    It 'that fails with <_> is an error, not a reason to skip' -ForEach 1, 2, 127 {
        $code = $_
        { Test-Fixture (Set-Fixture "echo broken >&2; exit $code") check } | Should -Throw "*failed with exit code ${code}: broken*"
    }
}
