BeforeAll {
    . $PSScriptRoot/Common.ps1
    Import-TestCmdlet
    $catalog = Get-TestErrorCatalog
    $documented = Get-Content "$root/docs/errors.md" | Select-String '^\| `(\w+)` \| (\w+) \|' | ForEach-Object {
        [pscustomobject]@{ Id = $_.Matches[0].Groups[1].Value; Category = $_.Matches[0].Groups[2].Value }
    }
}

Describe 'The error catalogue' {
    It 'has unique ids' {
        $catalog.Id | Group-Object | Where-Object Count -GT 1 | Should -BeNullOrEmpty
    }

    It 'is the list in docs/errors.md, in its order' {
        $documented.Id | Should -Be ($catalog.Id | Sort-Object -CaseSensitive -Culture '')
        foreach ($entry in $catalog) {
            ($documented | Where-Object Id -EQ $entry.Id).Category | Should -Be $entry.Category
        }
    }

    It 'gives every error an id, a category, a sentence and an action' {
        foreach ($entry in $catalog) {
            $entry.Id | Should -MatchExactly '^[A-Z][A-Za-z0-9]+$'
            if ($entry.Id -ne 'UnexpectedFailure') {
                $entry.Category | Should -Not -Be 'NotSpecified'
                $entry.Message | Should -Match '[.}]$'
            }
            $entry.Action | Should -Match '\.$'
        }
    }

    It 'makes records that carry all of it' {
        foreach ($entry in $catalog) {
            $record = $entry.Record
            $record.FullyQualifiedErrorId | Should -Be $entry.Id
            $record.CategoryInfo.Category | Should -Be $entry.Category
            $record.TargetObject | Should -Be 'target'
            $record.ErrorDetails.Message | Should -Be $record.Exception.Message
            $record.ErrorDetails.RecommendedAction | Should -Not -Match '\{\d'
            $record.Exception.InnerException | Should -BeOfType IO.IOException
        }
    }
}

Describe 'An error in the pipeline' {
    BeforeAll {
        $app = New-Item -ItemType Directory "$TestDrive/app"
        Set-Content "$app/Dockerfile" 'FROM scratch'
        Use-RecordingBuilder
    }
    AfterAll {
        Use-RecordingBuilder -Restore
    }

    It 'does not stop it' {
        $built = '/nowhere', "$app", "$app/Dockerfile", "$app" | Invoke-ImageBuild -Tag a -ErrorVariable errors -ErrorAction SilentlyContinue
        @($built | Where-Object { $_.PSTypeNames -contains 'OpenCloud.Build.Client.Builds.ImageBuildResult' }) | Should -HaveCount 2
        $errors.FullyQualifiedErrorId | Should -Be 'PathNotFound,OpenCloud.Build.Commands.InvokeImageBuildCommand', 'NotDirectory,OpenCloud.Build.Commands.InvokeImageBuildCommand'
        $errors[0].TargetObject | Should -Be '/nowhere'
    }

    It 'shows what to do' {
        $text = { Invoke-ImageBuild $app -Tag BAD } | ForEach-Object { try { & $_ -ErrorAction Stop 2>&1 } catch { $_ } } | Out-String
        $text | Should -BeLike '*upper-case*'
        $text | Should -BeLike '*Recommendation:*lower case*'
    }

    It 'is what -ErrorAction Stop throws, with its id' {
        { Invoke-ImageBuild $app -Tag BAD -ErrorAction Stop } | Should -Throw -ErrorId 'InvalidImageReference,*' -ExceptionType ([Exception])
    }

    It 'says that a piped build has put no image into a store: <cmdlet>' -ForEach @(
        @{ cmdlet = 'Get-ContainerImage'; arguments = @{} }
        @{ cmdlet = 'Remove-ContainerImage'; arguments = @{ Confirm = $false } }
        @{ cmdlet = 'Export-ContainerImage'; arguments = @{ Destination = 'image.tar' } }
        @{ cmdlet = 'Copy-ContainerImage'; arguments = @{ Destination = 'demo/other:1' } }
    ) {
        $built = Invoke-ImageBuild $app -Tag demo/a:1 | Where-Object { $_.PSTypeNames -contains 'OpenCloud.Build.Client.Builds.ImageBuildResult' }
        $built.Store | Should -BeNullOrEmpty
        { $built | & $cmdlet @arguments -ErrorAction Stop } | Should -Throw -ErrorId "BuildWithoutImage,*"
    }

    It 'can be looked into to its end' {
        # Not in here, where the script's stack is Pester's, as long as the path to it.
        $shell = [powershell]::Create()
        try {
            $script = 'Import-Module $args[0]; Invoke-ImageBuild $args[1] -Tag BAD -ErrorVariable errors -ErrorAction SilentlyContinue; $errors[0] | Get-Error | Out-String'
            $text = $shell.AddScript($script).AddArgument($manifestPath).AddArgument("$app").Invoke()
            $text[0].Length | Should -BeGreaterThan 500
            $text[0].Length | Should -BeLessThan 6000
        }
        finally {
            $shell.Dispose()
        }
    }
}
