BeforeDiscovery {
    . $PSScriptRoot/Common.ps1
    $common = [Management.Automation.Cmdlet]::CommonParameters + [Management.Automation.Cmdlet]::OptionalCommonParameters
    $cmdlets = (Get-Module OpenCloud.Build).ExportedCmdlets.Values | ForEach-Object {
        @{
            Name       = $_.Name
            Command    = $_
        }
    }
    # Of their own: a cmdlet may have no parameters.
    $parameters = foreach ($cmdlet in $cmdlets) {
        foreach ($parameter in $cmdlet.Command.Parameters.Values | Where-Object { $_.Name -notin $common -and $true -notin $_.Attributes.DontShow }) {
            @{ Cmdlet = $cmdlet.Name; Name = $parameter.Name; Parameter = $parameter }
        }
    }
}

BeforeAll {
    . $PSScriptRoot/Common.ps1
}

Describe 'Help of <Name>' -ForEach $cmdlets {
    BeforeAll {
        $help = Get-Help $Name -Full
    }

    It 'is written, not made up by PowerShell' {
        $help.PSTypeNames | Should -Contain 'MamlCommandHelpInfo'
        $help.Synopsis.Trim() | Should -Not -BeLike "$Name*"
    }

    It 'has a synopsis, a description, outputs and links' {
        $help.Synopsis.Trim() | Should -Match '\.$'
        ($help.description.Text -join '').Length | Should -BeGreaterThan 80
        $help.returnValues.returnValue.type.name | Should -Not -BeNullOrEmpty
        $help.relatedLinks.navigationLink | Should -Not -BeNullOrEmpty
    }

    It 'has the syntax of the cmdlet' {
        $help.syntax.syntaxItem.Count | Should -Be $Command.ParameterSets.Count
    }

    It 'has examples that parse and use the cmdlet or its alias' {
        $examples = @($help.examples.example)
        $examples.Count | Should -BeGreaterThan 0
        foreach ($example in $examples) {
            $parseErrors = $null
            $ast = [Management.Automation.Language.Parser]::ParseInput($example.code, [ref] $null, [ref] $parseErrors)
            $parseErrors | Should -BeNullOrEmpty
            $commands = @($ast.FindAll({ $args[0] -is [Management.Automation.Language.CommandAst] }, $true))
            $commands | ForEach-Object { $_.GetCommandName() } | Should -Contain $Name
            # Parameters that the examples use exist.
            foreach ($used in $commands.Where({ $_.GetCommandName() -eq $Name })) {
                foreach ($parameter in $used.CommandElements.Where({ $_ -is [Management.Automation.Language.CommandParameterAst] })) {
                    $Command.Parameters.Keys | Should -Contain $parameter.ParameterName
                }
            }
        }
    }

    It 'describes no parameter that does not exist' {
        foreach ($documented in $help.parameters.parameter) {
            $Command.Parameters.Keys | Should -Contain $documented.name
        }
    }
}

Describe 'Help of the parameters' {
    It 'tells the truth about <Cmdlet> -<Name>' -ForEach $parameters {
        $help = Get-Help $Cmdlet -Full
        $documented = @($help.parameters.parameter | Where-Object name -EQ $Name)
        $documented | Should -HaveCount 1
        ($documented[0].description.Text -join '').Trim() | Should -Not -BeNullOrEmpty

        $type = [Nullable]::GetUnderlyingType($Parameter.ParameterType) ?? $Parameter.ParameterType
        $documented[0].type.name | Should -Be $type.Name
        $attributes = $Parameter.Attributes.Where({ $_ -is [Parameter] })
        $byValue = [bool] $attributes.Where({ $_.ValueFromPipeline })
        $byName = [bool] $attributes.Where({ $_.ValueFromPipelineByPropertyName })
        $documented[0].pipelineInput | Should -Be $(if ($byValue -and $byName) { 'True (ByPropertyName, ByValue)' }
            elseif ($byValue) { 'True (ByValue)' } elseif ($byName) { 'True (ByPropertyName)' } else { 'False' })
        $documented[0].position | Should -Be $(if ($attributes[0].Position -ge 0) { "$($attributes[0].Position)" } else { 'named' })
        $documented[0].required | Should -Be "$($attributes[0].Mandatory)".ToLowerInvariant()
        $aliases = if ($Parameter.Aliases) { $Parameter.Aliases -join ', ' } else { 'none' }
        $documented[0].aliases | Should -Be $aliases
        $documented[0].globbing | Should -Be "$([bool] $Parameter.Attributes.Where({ $_ -is [Management.Automation.SupportsWildcardsAttribute] }))".ToLowerInvariant()
    }
}

Describe 'about_OpenCloud.Build' {
    It 'is found and names the cmdlets' {
        $text = Get-Help about_OpenCloud.Build | Out-String
        foreach ($name in (Get-Module OpenCloud.Build).ExportedCmdlets.Keys) {
            $text | Should -BeLike "*$name*"
        }
    }

    It 'fits 80 columns' {
        Get-Content "$root/en-US/about_OpenCloud.Build.help.txt" | Where-Object Length -GT 80 | Should -BeNullOrEmpty
    }
}
