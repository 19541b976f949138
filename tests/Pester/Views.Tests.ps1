BeforeDiscovery {
    . $PSScriptRoot/Common.ps1
    $views = Get-Item "$root/*.Format.ps1xml" | ForEach-Object { [xml] (Get-Content -Raw $_) }
    # What these hold is checked names of users, groups and files of this host, and versions, and what the user's own build definitions say.
    $ofThisSide = 'OpenCloud.Build.Host.Access.AccessReport', 'OpenCloud.Build.Host.Install.InstallResult', 'OpenCloud.Build.Host.Changes.HostStepOutcome', 'OpenCloud.Build.Host.Installations.BuildKitInstallation', 'OpenCloud.Build.Definitions.Model.BuildDefinition'
    # Not a type: the name that an error record with an excerpt has for its view.
    $ofThisSide += 'OpenCloud.Build.ErrorWithExcerpt'
    $types = $views.SelectNodes('//ViewSelectedBy/TypeName').InnerText | Where-Object { $_ -notin $ofThisSide } | Sort-Object -Unique
}

Describe 'The view of <_>' -ForEach $types {
    BeforeAll {
        . $PSScriptRoot/Common.ps1
        # Each of these is taken for an order by a terminal, or turns text around. Colours of PowerShell's own are others than 31.
        $hostile = "a`e[31mb`e]0;t`ac`u{202e}d`u{9b}2Je`rf"
        # Addresses, folders, and the reference that a build was given here.
        $ofTheUser = 'Address', 'Source', 'Path', 'Store', 'Ref'
        $name = $_
        $context = Get-ModuleContext
        $assembly = @('OpenCloud.Build.Client', 'OpenCloud.Build.Host', 'OpenCloud.Build').ForEach({ $context.LoadFromAssemblyName($_) }) | Where-Object { $_.GetType($name) } | Select-Object -First 1
        $type = $assembly.GetType($name)

        # An object with hostile words in all that can hold words.
        function New-Hostile([type] $Type, [int] $Depth) {
            $made = [Runtime.CompilerServices.RuntimeHelpers]::GetUninitializedObject($Type)
            foreach ($property in $Type.GetProperties('Public, NonPublic, Instance') | Where-Object { $_.SetMethod -and $_.Name -notin $ofTheUser -and -not $_.GetIndexParameters() }) {
                $value = Get-HostileValue $property.PropertyType $Depth
                if ($null -ne $value) {
                    $property.SetValue($made, $value)
                }
            }
            $made
        }

        function Get-HostileValue([type] $Of, [int] $Depth) {
            if ($Of -eq [string]) {
                return $hostile
            }
            if ($Of -eq [Collections.Generic.IReadOnlyDictionary[string, string]]) {
                $map = [Collections.Generic.Dictionary[string, string]]::new()
                $map[$hostile] = $hostile
                return , $map
            }
            if ($Of.IsGenericType -and $Of.GetGenericTypeDefinition() -eq [Collections.Generic.IReadOnlyList`1]) {
                $element = $Of.GetGenericArguments()[0]
                $list = [Array]::CreateInstance($element, 1)
                $value = $Depth -lt 3 -and -not $element.IsValueType ? (Get-HostileValue $element ($Depth + 1)) : $null
                if ($null -ne $value) {
                    $list[0] = $value
                }
                return , $list
            }
            if ($Of.Assembly.GetName().Name -like 'OpenCloud.Build*' -and $Of.IsClass -and -not $Of.IsAbstract -and $Depth -lt 3) {
                return New-Hostile $Of ($Depth + 1)
            }
        }
    }

    It 'steers no terminal, nor does a list of all properties' {
        $type | Should -Not -BeNullOrEmpty
        $before = $PSStyle.OutputRendering
        try {
            $PSStyle.OutputRendering = 'Ansi'
            $object = New-Hostile $type 0
            # What is no view of this module's is PowerShell's own: a list of everything.
            $shown = ($object | Out-String -Width 400), ($object | Format-List * | Out-String -Width 400), ($object | Format-Table | Out-String -Width 400) -join "`n"
        }
        finally {
            $PSStyle.OutputRendering = $before
        }
        $shown | Should -Not -BeNullOrEmpty
        $shown -split "`n" -match "`e\[31m|`e\]|`a|[`u{202a}-`u{202e}]|`u{9b}|`r" | Should -BeNullOrEmpty
    }
}
