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

Describe 'Help on the web' {
    BeforeAll {
        $project = "$root/src/OpenCloud.Build/OpenCloud.Build.csproj"
        $names = (Get-Module OpenCloud.Build).ExportedCmdlets.Keys
    }

    It 'has no address until the project has a home' {
        $names | Where-Object { (Get-Help $_).relatedLinks.navigationLink.uri -ne '' } | Should -BeNullOrEmpty
        { Get-Help Invoke-ImageBuild -Online -ErrorAction Stop } | Should -Throw -ErrorId 'InvalidOperation,Microsoft.PowerShell.Commands.GetHelpCommand'
    }

    It 'is a page of docs/help for each cmdlet, by one property' {
        $address = dotnet msbuild $project -getProperty:HelpAddress -p:ProjectUri=https://git.example/team/build
        $address | Should -Be 'https://git.example/team/build/blob/main/docs/help/'
        dotnet msbuild $project -getProperty:HelpAddress | Should -BeNullOrEmpty

        $copy = Copy-Module (New-Item -ItemType Directory "$TestDrive/online")
        $tool = Get-Item "$root/tools/OpenCloud.Build.Help/bin/*/net10.0/OpenCloud.Build.Help.dll" | Sort-Object LastWriteTime | Select-Object -Last 1
        dotnet $tool.FullName (Get-Item "$root/src/OpenCloud.Build/bin/*/net10.0/OpenCloud.Build.dll" | Sort-Object LastWriteTime | Select-Object -Last 1).FullName "$root/docs/help" "$copy/en-US/OpenCloud.Build.dll-Help.xml" $address
        $LASTEXITCODE | Should -Be 0
        $run = Invoke-FreshPwsh "Import-Module '$copy/OpenCloud.Build.psd1'; (Get-Command -Module OpenCloud.Build -CommandType Cmdlet).ForEach{ `$_.Name + ' ' + `$_.HelpUri }"
        $run.Errors | Should -BeNullOrEmpty
        $uris = $run.Output -split '\r?\n'
        $uris | Should -HaveCount $names.Count
        foreach ($name in $names) {
            $uris | Should -Contain "$name $address$name.md"
            "$root/docs/help/$name.md" | Should -Exist
        }
    }
}

Describe 'Help that texts point to' {
    BeforeDiscovery {
        $topics = (Get-Item "$root/en-US/about_*.help.txt").Name -replace '\.help\.txt$' | ForEach-Object { @{ Topic = $_ } }
    }

    It '<Topic> is found, fits 80 columns and begins with its name' -ForEach $topics {
        $text = Get-Help $Topic | Out-String
        $text | Should -BeLike "TOPIC*$Topic*SHORT DESCRIPTION*LONG DESCRIPTION*SEE ALSO*"
        Get-Content "$root/en-US/$Topic.help.txt" | Where-Object Length -GT 80 | Should -BeNullOrEmpty
        # Its commands exist, and so do their parameters.
        foreach ($match in [regex]::Matches($text, '(?m)^ {4,}.*?\b((?:Invoke|Get|Test|Install|Update|Uninstall|Grant|Revoke|Remove|Copy|Export|Import|Wait|Clear)-(?:Image|Build|Container|Dockerfile)\w*)([^|\r\n]*)')) {
            $command = Get-Command $match.Groups[1].Value -ErrorAction Ignore
            $command | Should -Not -BeNullOrEmpty -Because $match.Value
        }
    }

    It 'exists, wherever a message, a help page or a document names it' {
        $files = Get-Item "$root/docs/*.md", "$root/docs/help/*.md", "$root/en-US/*.txt", "$root/*.md"
        $files += Get-ChildItem "$root/src" -Recurse -Include *.cs, *.psm1 | Where-Object FullName -NotMatch '/(bin|obj)/'
        $names = $files | Select-String -Pattern 'Get-Help ([A-Za-z]+-[A-Za-z]+)(?: -Parameter (\w+))?|\b(about_OpenCloud\.Build(?:_\w+)?)' -AllMatches | ForEach-Object Matches
        $names.Count | Should -BeGreaterThan 20
        foreach ($name in $names | ForEach-Object { $_.Groups[1].Value + $_.Groups[3].Value } | Sort-Object -Unique) {
            if ($name.StartsWith("about_")) {
                "$root/en-US/$name.help.txt" | Should -Exist
            }
            else {
                Get-Command $name -ErrorAction Ignore | Should -Not -BeNullOrEmpty -Because "texts name 'Get-Help $name'"
            }
        }
        foreach ($match in $names | Where-Object { $_.Groups[2].Success }) {
            (Get-Command $match.Groups[1].Value).Parameters.Keys | Should -Contain $match.Groups[2].Value
        }
    }

    It 'names only commands and parameters that exist' {
        $files = Get-ChildItem "$root/src/OpenCloud.Build/Errors" -Filter ErrorCatalog*.cs
        $files += Get-Item "$root/en-US/about_*.txt"
        $verbs = (Get-Module OpenCloud.Build).ExportedCmdlets.Values.Verb | Sort-Object -Unique
        $uses = $files | Select-String -Pattern "(?<!Get-Help )\b((?:$($verbs -join '|'))-(?:Image|Build|Container|Docker)\w+)((?: -[A-Z]\w+(?:[ :][^\s;,.)'`"-][^\s;,)'`"]*)?)*)" -AllMatches | ForEach-Object Matches
        $uses.Count | Should -BeGreaterThan 40
        foreach ($use in $uses) {
            $command = Get-Command $use.Groups[1].Value -Module OpenCloud.Build -ErrorAction Ignore
            $command | Should -Not -BeNullOrEmpty -Because "'$($use.Value)' is named"
            foreach ($name in [regex]::Matches($use.Groups[2].Value, ' -([A-Z]\w+)').ForEach{ $_.Groups[1].Value }) {
                $command.Parameters.Keys | Should -Contain $name -Because "'$($use.Value)' is named"
            }
        }
    }
}
