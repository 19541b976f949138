BeforeDiscovery {
    $root = [IO.Path]::GetFullPath([IO.Path]::Join($PSScriptRoot, '..', '..'))
    $analyzer = [bool] (Get-Module PSScriptAnalyzer -ListAvailable)
    $files = Get-ChildItem $root -File | Where-Object Extension -In '.ps1', '.psm1', '.psd1' | ForEach-Object { @{ File = $_ } }
    $files += Get-ChildItem "$root/tests" -Recurse -File -Include *.ps1, *.psm1, *.psd1 |
        Where-Object FullName -NotMatch '/(bin|obj)/' | ForEach-Object { @{ File = $_ } }
}

Describe 'PSScriptAnalyzer' {
    It 'finds nothing in <File.Name>' -ForEach $files -Skip:(-not $analyzer) {
        # Tests set variables in one block and use them in another, build scripts speak to a person, and
        # parameters of a script are used in its functions.
        $exclude = 'PSUseShouldProcessForStateChangingFunctions', 'PSAvoidUsingWriteHost', 'PSUseSingularNouns', 'PSReviewUnusedParameter'
        if ($File.FullName -match '/tests/') {
            $exclude += 'PSUseDeclaredVarsMoreThanAssignments', 'PSAvoidUsingPositionalParameters', 'PSUseOutputTypeCorrectly'
        }
        Invoke-ScriptAnalyzer -Path $File.FullName -ExcludeRule $exclude | ForEach-Object { "$($_.Line): $($_.RuleName): $($_.Message)" } | Should -BeNullOrEmpty
    }
}

Describe 'Formats' {
    It 'are well-formed and complete' {
        $xml = [xml] (Get-Content -Raw "$([IO.Path]::GetFullPath([IO.Path]::Join($PSScriptRoot, '..', '..')))/OpenCloud.Build.Format.ps1xml")
        foreach ($table in $xml.SelectNodes('//TableControl')) {
            $table.SelectNodes('TableHeaders/TableColumnHeader').Count | Should -Be $table.SelectNodes('TableRowEntries/TableRowEntry/TableColumnItems/TableColumnItem').Count
        }
    }
}
