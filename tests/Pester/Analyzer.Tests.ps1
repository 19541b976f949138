BeforeDiscovery {
    $root = [IO.Path]::GetFullPath([IO.Path]::Join($PSScriptRoot, '..', '..'))
    $files = @(Get-ChildItem $root -File) + @(Get-ChildItem "$root/tests", "$root/bench", "$root/samples" -Recurse -File) |
        Where-Object { $_.Extension -in '.ps1', '.psm1', '.psd1' -and $_.FullName -notmatch '/(bin|obj)/' } |
        ForEach-Object { @{ Name = [IO.Path]::GetRelativePath($root, $_.FullName); File = $_.FullName } }
}

# The rules of PSScriptAnalyzer that need no more than PowerShell's own parser; the module itself is on no package source.
Describe 'The script <Name>' -ForEach $files {
    BeforeAll {
        $tokens = $mistakes = $null
        $ast = [Management.Automation.Language.Parser]::ParseFile($File, [ref] $tokens, [ref] $mistakes)
        $commands = $ast.FindAll({ $args[0] -is [Management.Automation.Language.CommandAst] }, $true)
    }

    It 'has no mistakes of syntax' {
        $mistakes | ForEach-Object { "$($_.Extent.StartLineNumber): $($_.Message)" } | Should -BeNullOrEmpty
    }

    It 'calls cmdlets by their names' {
        $commands | ForEach-Object {
            $name = $_.GetCommandName()
            if ($name -and (Get-Alias -Name $name.Replace('[', '`[') -ErrorAction Ignore)) {
                "$($_.Extent.StartLineNumber): $name"
            }
        } | Should -BeNullOrEmpty
    }

    It 'runs no text as code' {
        $commands | Where-Object { $_.GetCommandName() -eq 'Invoke-Expression' } | ForEach-Object { $_.Extent.StartLineNumber } | Should -BeNullOrEmpty
    }

    It 'names functions with approved verbs' {
        $approved = (Get-Verb).Verb
        $ast.FindAll({ $args[0] -is [Management.Automation.Language.FunctionDefinitionAst] }, $true).Name |
            Where-Object { $_ -like '*-*' -and $_.Split('-')[0] -notin $approved } | Should -BeNullOrEmpty
    }

    It 'compares with $null on the left' {
        # On the right of a list it filters the list instead.
        $ast.FindAll({
                $args[0] -is [Management.Automation.Language.BinaryExpressionAst] -and
                $args[0].Operator -in 'Ieq', 'Ine', 'Ceq', 'Cne' -and "$($args[0].Right)" -eq '$null'
            }, $true) | ForEach-Object { "$($_.Extent.StartLineNumber): $_" } | Should -BeNullOrEmpty
    }
}

Describe 'Formats' {
    It 'are well-formed and complete' {
        $files = Get-Item ([IO.Path]::Join($PSScriptRoot, '..', '..', '*.Format.ps1xml'))
        $files | Should -HaveCount 3
        foreach ($table in $files.ForEach({ ([xml] (Get-Content -Raw $_)).SelectNodes('//TableControl') })) {
            $table.SelectNodes('TableHeaders/TableColumnHeader').Count | Should -Be $table.SelectNodes('TableRowEntries/TableRowEntry/TableColumnItems/TableColumnItem').Count
        }
    }
}
