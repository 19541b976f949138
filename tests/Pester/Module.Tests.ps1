BeforeAll {
    . $PSScriptRoot/Common.ps1
    $manifest = Import-PowerShellDataFile $manifestPath
    $module = Get-Module OpenCloud.Build
}

Describe 'The manifest' {
    It 'is valid' {
        Test-ModuleManifest $manifestPath | Should -Not -BeNullOrEmpty
    }

    It 'names every cmdlet that the module has, and no other' {
        $module.ExportedCmdlets.Keys | Sort-Object | Should -Be ($manifest.CmdletsToExport | Sort-Object)
        $types = (Get-Command Invoke-ImageBuild).ImplementingType.Assembly.GetExportedTypes() |
            Where-Object { -not $_.IsAbstract -and $_.GetCustomAttributes([Management.Automation.CmdletAttribute], $false) }
        $types | ForEach-Object {
            $attribute = $_.GetCustomAttributes([Management.Automation.CmdletAttribute], $false)[0]
            "$($attribute.VerbName)-$($attribute.NounName)"
        } | Sort-Object | Should -Be ($manifest.CmdletsToExport | Sort-Object)
    }

    It 'names every alias, each of a cmdlet of the module' {
        $module.ExportedAliases.Keys | Sort-Object | Should -Be ($manifest.AliasesToExport | Sort-Object)
        foreach ($alias in $module.ExportedAliases.Values) {
            $manifest.CmdletsToExport | Should -Contain $alias.Definition
        }
    }

    It 'exports nothing else' {
        $module.ExportedFunctions.Count | Should -Be 0
        $module.ExportedVariables.Count | Should -Be 0
    }

    It 'uses approved verbs' {
        $approved = (Get-Verb).Verb
        foreach ($name in $manifest.CmdletsToExport) {
            $approved | Should -Contain $name.Split('-')[0]
        }
    }

    It 'has the version of the assemblies' {
        $version = (Get-Command Invoke-ImageBuild).ImplementingType.Assembly.GetName().Version
        $version.ToString(3) | Should -Be $manifest.ModuleVersion
    }
}

Describe 'The load context' {
    It 'has every assembly of the module but the loader' {
        $context = Get-ModuleContext
        $context | Should -Not -Be ([Runtime.Loader.AssemblyLoadContext]::Default)
        $all = Get-ChildItem ([IO.Path]::Join($root, 'bin', 'OpenCloud.Build', '*.dll')) | Where-Object BaseName -NE 'OpenCloud.Build.Loader'
        $files = Get-ChildItem ([IO.Path]::Join((Get-ModuleFolder $root), '*.dll')) | Where-Object BaseName -NE 'OpenCloud.Build.Loader'
        $files.BaseName | Should -Be $all.BaseName
        $files.BaseName | Should -Contain 'Google.Protobuf'
        foreach ($file in $files) {
            # Loaded now, if nothing has needed it yet.
            $assembly = $context.LoadFromAssemblyName($file.BaseName)
            $assembly.Location | Should -Be $file.FullName
            [Runtime.Loader.AssemblyLoadContext]::GetLoadContext($assembly) | Should -Be $context
        }
    }

    It 'goes without code ahead of time where there is none for the processor' {
        $copy = Copy-Module (New-Item -ItemType Directory "$TestDrive/foreign")
        Get-ChildItem ([IO.Path]::Join($copy, 'bin', 'OpenCloud.Build')) -Directory |
            Rename-Item -NewName { $_.Name -eq 'x64' ? 'arm64' : 'x64' }
        $result = Invoke-FreshPwsh "Import-Module '$copy/OpenCloud.Build.psd1'
            (Get-Command Invoke-ImageBuild).ImplementingType.Assembly.Location"
        $result.Output | Should -Be ([IO.Path]::Join($copy, 'bin', 'OpenCloud.Build', 'OpenCloud.Build.dll'))
    }

    It 'leaves the loader alone in the default context' {
        $result = Invoke-FreshPwsh "Import-Module '$manifestPath'; `$null = Invoke-ImageBuild /nowhere -ErrorAction Ignore
            [Runtime.Loader.AssemblyLoadContext]::Default.Assemblies.GetName().Name -match 'OpenCloud|Protobuf|Grpc'"
        $result.Output | Should -Be 'OpenCloud.Build.Loader'
    }

    It 'loads what runs programs with the first program' {
        $loaded = "'[' + [bool]([AppDomain]::CurrentDomain.GetAssemblies().GetName().Name -eq 'CliWrap') + ']'"
        $result = Invoke-FreshPwsh "Import-Module '$manifestPath'; `$null = Invoke-ImageBuild /nowhere -ErrorAction Ignore; $loaded
            `$null = Test-BuildKitSocket unix:///nowhere.sock -As nobody -ErrorAction Ignore; $loaded"
        $result.Output -replace '\s' | Should -Be '[False][True]'
    }

    It 'does not meet another version of a dependency' {
        $result = Invoke-FreshPwsh "`$null = [Reflection.Assembly]::LoadFrom('$root/bin/OpenCloud.Build/Google.Protobuf.dll')
            Import-Module '$manifestPath'
            `$context = [Runtime.Loader.AssemblyLoadContext]::GetLoadContext((Get-Command Invoke-ImageBuild).ImplementingType.Assembly)
            `$ours = `$context.LoadFromAssemblyName('Google.Protobuf')
            `$ours -eq [Google.Protobuf.ByteString].Assembly"
        $result.Output | Should -Be 'False'
    }
}

Describe 'Importing' {
    It 'works again with -Force, and leaves the cmdlets exported' {
        $result = Invoke-FreshPwsh "Import-Module '$manifestPath'
            Import-Module '$manifestPath' -Force
            Import-Module '$manifestPath' -Force
            (Get-Module OpenCloud.Build).ExportedCmdlets.Count
            (Get-Command Build-ContainerImage).ResolvedCommand.Name
            Invoke-ImageBuild /nowhere -ErrorAction SilentlyContinue
            `$Error[0].FullyQualifiedErrorId"
        $result.Errors | Should -BeNullOrEmpty
        $result.Output -split '\r?\n' | Should -Be $manifest.CmdletsToExport.Count, 'Invoke-ImageBuild', 'PathNotFound,OpenCloud.Build.Commands.InvokeImageBuildCommand'
    }

    It 'works again after Remove-Module' {
        $result = Invoke-FreshPwsh "Import-Module '$manifestPath'
            Remove-Module OpenCloud.Build
            [bool] (Get-Command Invoke-ImageBuild -ErrorAction Ignore)
            Import-Module '$manifestPath'
            (Get-Module OpenCloud.Build).ExportedCmdlets.Count"
        $result.Errors | Should -BeNullOrEmpty
        $result.Output -split '\r?\n' | Should -Be 'False', $manifest.CmdletsToExport.Count
    }

    It 'works for two copies side by side, each in a context of its own' {
        $copy = Copy-Module $TestDrive
        $result = Invoke-FreshPwsh "`$one = Import-Module '$manifestPath' -PassThru
            `$two = Import-Module '$copy/OpenCloud.Build.psd1' -PassThru -Prefix Copy
            `$types = (Get-Command Invoke-ImageBuild).ImplementingType, (Get-Command Invoke-CopyImageBuild).ImplementingType
            `$types[0].Assembly.Location
            `$types[1].Assembly.Location
            `$types[0] -eq `$types[1]"
        $result.Errors | Should -BeNullOrEmpty
        $result.Output -split '\r?\n' | Should -Be (
            "$(Get-ModuleFolder $root)/OpenCloud.Build.dll", "$(Get-ModuleFolder $copy)/OpenCloud.Build.dll", 'False')
    }

    It 'works in a folder whose name has wildcards' {
        $copy = Copy-Module (New-Item -ItemType Directory "$TestDrive/module `[1`]*?")
        $result = Invoke-FreshPwsh "Import-Module '$([WildcardPattern]::Escape("$copy/OpenCloud.Build.psd1"))'
            (Get-Command Invoke-ImageBuild).ImplementingType.Assembly.Location"
        $result.Errors | Should -BeNullOrEmpty
        $result.Output | Should -Be "$copy/$([IO.Path]::GetRelativePath($root, (Get-ModuleFolder $root)))/OpenCloud.Build.dll"
    }

    It 'is safe in many runspaces at once' {
        $path = $manifestPath
        $names = 1..8 | ForEach-Object -ThrottleLimit 8 -Parallel {
            Import-Module $using:path
            (Get-Command Invoke-ImageBuild).ImplementingType.Assembly.Location
        }
        $names | Should -HaveCount 8
        $names | Select-Object -Unique | Should -HaveCount 1
    }

    It 'says what to do when the module is not built' {
        $copy = Copy-Module (New-Item -ItemType Directory "$TestDrive/unbuilt")
        Get-ChildItem "$copy/bin" -Recurse -Filter OpenCloud.Build.dll | Remove-Item
        { Import-Module "$copy/OpenCloud.Build.psd1" } | Should -Throw '*./build.sh build*'
        Remove-Item "$copy/OpenCloud.Build.Loader.dll"
        (Invoke-FreshPwsh "Import-Module '$copy/OpenCloud.Build.psd1'").Errors -replace '\s' | Should -BeLike '*OpenCloud.Build.Loader.dll*'
    }

    It 'finds a build made after a failed import' {
        $copy = Copy-Module (New-Item -ItemType Directory "$TestDrive/late")
        $result = Invoke-FreshPwsh "Move-Item '$copy/bin/OpenCloud.Build/OpenCloud.Build.dll' '$copy/kept.dll'
            try { Import-Module '$copy/OpenCloud.Build.psd1' } catch { 'failed' }
            Move-Item '$copy/kept.dll' '$copy/bin/OpenCloud.Build/OpenCloud.Build.dll'
            (Import-Module '$copy/OpenCloud.Build.psd1' -PassThru).ExportedCmdlets.Count"
        $result.Output -split '\r?\n' | Should -Be 'failed', $manifest.CmdletsToExport.Count
    }

    It 'warns when the files were built anew since the session loaded them' {
        $copy = Copy-Module (New-Item -ItemType Directory "$TestDrive/anew")
        $result = Invoke-FreshPwsh "Import-Module '$copy/OpenCloud.Build.psd1'
            (Get-Item '$(Get-ModuleFolder $copy)/OpenCloud.Build.dll').LastWriteTime = Get-Date
            Import-Module '$copy/OpenCloud.Build.psd1' -Force -WarningVariable warning -WarningAction SilentlyContinue
            `$warning"
        $result.Output | Should -BeLike '*built again*new session*'
    }
}

Describe 'The definitions of types and views' {
    BeforeAll {
        # What a runspace has of the module's types and views, as text.
        $list = {
            Get-TypeData OpenCloud.Build* | Sort-Object TypeName | ForEach-Object {
                $_.TypeName, $_.SerializationDepth, ($_.DefaultDisplayPropertySet.ReferencedProperties -join ',')
                $_.Members.Values | Sort-Object Name | ForEach-Object { "$($_.Name) $($_.GetScriptBlock) $($_.ReferencedMemberName)" }
            }
            $file = [IO.Path]::GetTempFileName()
            Get-FormatData OpenCloud.Build* | Export-FormatData -Path $file -Force -IncludeScriptBlock
            Get-Content -Raw $file
            Remove-Item $file
        }
        $files = "Update-TypeData '$root/OpenCloud.Build.Types.ps1xml'; Update-FormatData (Get-Item '$root/*.Format.ps1xml').FullName"
        $wanted = Invoke-FreshPwsh "$files; & { $list }"
        $public = "[AppContext]::SetSwitch('OpenCloud.Build.PublicApiOnly', `$true)"
    }

    It 'are what PowerShell reads from the files' {
        $wanted.Errors | Should -BeNullOrEmpty
        $wanted.Output | Should -BeLike '*OpenCloud.Build.Client.Progress.BuildStep*<TableControl>*'
        $result = Invoke-FreshPwsh "Import-Module '$manifestPath'; & { $list }"
        $result.Errors | Should -BeNullOrEmpty
        $result.Output | Should -Be $wanted.Output
    }

    It 'stay when PowerShell loads all of them again' {
        Set-Content "$TestDrive/Other.Types.ps1xml" '<Types><Type><Name>Other.Type</Name><Members><NoteProperty><Name>Note</Name><Value>1</Value></NoteProperty></Members></Type></Types>'
        Set-Content "$TestDrive/Other.Format.ps1xml" '<Configuration><ViewDefinitions><View><Name>Other</Name><ViewSelectedBy><TypeName>Other.Type</TypeName></ViewSelectedBy><ListControl><ListEntries><ListEntry><ListItems><ListItem><PropertyName>Note</PropertyName></ListItem></ListItems></ListEntry></ListEntries></ListControl></View></ViewDefinitions></Configuration>'
        New-ModuleManifest "$TestDrive/Other.psd1" -TypesToProcess Other.Types.ps1xml -FormatsToProcess Other.Format.ps1xml
        $result = Invoke-FreshPwsh "Import-Module '$manifestPath'; Import-Module '$TestDrive/Other.psd1'; Remove-Module Other; & { $list }"
        $result.Errors | Should -BeNullOrEmpty
        $result.Output | Should -Be $wanted.Output
    }

    It 'are the same where this PowerShell has only its public API' {
        $result = Invoke-FreshPwsh "$public; Import-Module '$manifestPath'; & { $list }"
        $result.Errors | Should -BeNullOrEmpty
        $result.Output | Should -Be $wanted.Output
    }

    It 'come once, however often the module is imported, from two copies, too' {
        $copy = Copy-Module (New-Item -ItemType Directory "$TestDrive/second")
        $result = Invoke-FreshPwsh "Import-Module '$manifestPath'; `$before = (Get-FormatData OpenCloud.Build*).FormatViewDefinition.Count
            Import-Module '$manifestPath' -Force; Remove-Module OpenCloud.Build; Import-Module '$manifestPath'
            (Get-FormatData OpenCloud.Build*).FormatViewDefinition.Count - `$before
            Import-Module '$copy/OpenCloud.Build.psd1' -Prefix Copy
            (Get-TypeData OpenCloud.Build.Client.Progress.BuildStep).Members.Count"
        $result.Errors | Should -BeNullOrEmpty
        $result.Output -split '\r?\n' | Should -Be '0', '2'
    }

    It 'come to every runspace of a pool, which share the state of the session' {
        $result = Invoke-FreshPwsh "
            `$pool = [runspacefactory]::CreateRunspacePool(3, 3)
            `$pool.Open()
            # All three wait for each other, so that each has a runspace of its own.
            `$barrier = [Threading.Barrier]::new(3)
            `$shells = 1..3 | ForEach-Object {
                [powershell]::Create().AddScript({
                    param(`$barrier)
                    `$null = `$barrier.SignalAndWait(60000)
                    Import-Module '$manifestPath'
                    `$null = `$barrier.SignalAndWait(60000)
                    `$views = & { $list }
                    `$state = [runspace]::DefaultRunspace.InitialSessionState
                    `$views -join ''
                    @(`$state.Types | Where-Object { `$_.TypeData.TypeName -eq 'OpenCloud.Build.Client.Progress.BuildStep' }).Count
                    @(`$state.Formats | Where-Object FileName -Like '*OpenCloud.Build.Format.ps1xml').Count
                }.ToString()).AddArgument(`$barrier)
            }
            `$shells | ForEach-Object { `$_.RunspacePool = `$pool }
            `$runs = `$shells | ForEach-Object { `$_.BeginInvoke() }
            `$all = 0..2 | ForEach-Object { , @(`$shells[`$_].EndInvoke(`$runs[`$_])) }
            `$all | ForEach-Object { `$_[0] -eq `$all[0][0]; `$_[0] -like '*<Name>OpenCloud.Build.Client.Builds.ImageBuildResult</Name>*'; `$_[1]; `$_[2] }"
        $result.Errors | Should -BeNullOrEmpty
        $result.Output -split '\r?\n' | Should -Be (@('True', 'True', '1', '1') * 3)
    }

    It 'are those of the copy imported last' {
        $copy = Copy-Module (New-Item -ItemType Directory "$TestDrive/heading")
        $file = "$copy/OpenCloud.Build.Format.ps1xml"
        (Get-Content -Raw $file).Replace('<Label>CachedCount</Label>', '<Label>FromTheCopy</Label>') | Set-Content $file
        $result = Invoke-FreshPwsh "
            foreach (`$path in '$manifestPath', '$copy/OpenCloud.Build.psd1', '$manifestPath') {
                Import-Module `$path
                [pscustomobject] @{ PSTypeName = 'OpenCloud.Build.Client.Builds.ImageBuildResult' } | Format-Table | Out-String -Width 200 |
                    Select-String 'CachedCount|FromTheCopy' | ForEach-Object { `$_.Matches.Value }
                (Get-FormatData OpenCloud.Build*).FormatViewDefinition.Count
                Remove-Module OpenCloud.Build
            }"
        $result.Errors | Should -BeNullOrEmpty
        $first, $count, $second, $countOfCopy, $third, $countAgain = $result.Output -split '\r?\n'
        $first, $second, $third | Should -Be 'CachedCount', 'FromTheCopy', 'CachedCount'
        $countOfCopy, $countAgain | Should -Be $count, $count
    }

    It 'are read without internals of PowerShell where only its public API is allowed' {
        $field = "(Get-Command Invoke-ImageBuild).ImplementingType.Assembly.GetType('OpenCloud.Build.Import.TypeDefinitions').GetField('CreateUnparsed', 'Static, NonPublic')"
        (Invoke-FreshPwsh "Import-Module '$manifestPath'; `$null -eq $field.GetValue(`$null)").Output | Should -Be 'False'
        (Invoke-FreshPwsh "$public; Import-Module '$manifestPath'; `$null -eq $field.GetValue(`$null)").Output | Should -Be 'True'
    }

    It 'do not need the internals of PowerShell, and neither do the cmdlets' {
        $result = Invoke-FreshPwsh "$public; Import-Module '$manifestPath'; Import-Module '$manifestPath' -Force; Remove-Module OpenCloud.Build
            [bool] (Get-Command Invoke-ImageBuild -ErrorAction Ignore)
            Import-Module '$manifestPath'
            (Get-Module OpenCloud.Build).ExportedCmdlets.Count
            1 | ForEach-Object -Parallel { Import-Module '$manifestPath'; (Get-Module OpenCloud.Build).ExportedCmdlets.Count }
            [Runtime.Loader.AssemblyLoadContext]::Default.Assemblies.GetName().Name -match 'OpenCloud'"
        $result.Errors | Should -BeNullOrEmpty
        $result.Output -split '\r?\n' | Should -Be 'False', $manifest.CmdletsToExport.Count, $manifest.CmdletsToExport.Count, 'OpenCloud.Build.Loader'
    }
}

Describe 'Importing, in numbers' {
    # What an import costs is what PowerShell compiles for it: methods, which a busy machine counts like a quiet one.
    It 'leaves the JIT little more than an empty binary module does' {
        $types = foreach ($name in $manifest.CmdletsToExport) {
            $verb, $noun = $name -split '-'
            "[Cmdlet(`"$verb`", `"$noun`")] public sealed class $verb$noun : PSCmdlet { }"
        }
        Add-Type -TypeDefinition "using System.Management.Automation;`n$types" -OutputAssembly "$TestDrive/Empty.dll"
        New-ModuleManifest "$TestDrive/Empty.psd1" -RootModule Empty.dll -CmdletsToExport $manifest.CmdletsToExport
        $empty, $ours = foreach ($path in "$TestDrive/Empty.psd1", $manifestPath) {
            # A start of PowerShell also compiles what the last one did, which its cache says.
            $environment = @{
                DOTNET_TC_CallCounting = '0'
                POWERSHELL_TELEMETRY_OPTOUT = '1'
                POWERSHELL_UPDATECHECK = 'Off'
                XDG_CACHE_HOME = "$TestDrive/cache of $([IO.Path]::GetFileName($path))"
            }
            # The smallest of three: now and then a thread of PowerShell's own compiles something meanwhile.
            $counts = 1..3 | ForEach-Object {
                [int] (Invoke-FreshPwsh "Import-Module '$path'; [Runtime.JitInfo]::GetCompiledMethodCount()" -Environment $environment).Output
            }
            ($counts | Measure-Object -Minimum).Minimum
        }
        # In the form of the archive PowerShell itself is compiled ahead of time, and both counts are smaller.
        $ours - $empty | Should -BeLessThan 150
    }
}

Describe 'Completion' {
    BeforeAll {
        function Complete([string] $line) {
            (TabExpansion2 -inputScript $line -cursorColumn $line.Length).CompletionMatches.CompletionText
        }
        $app = New-Item -ItemType Directory "$TestDrive/app"
        Set-Content "$app/Dockerfile" "FROM scratch AS build`nFROM build AS test`nFROM scratch`n"
    }

    It 'completes stages of the Dockerfile' {
        Complete "Invoke-ImageBuild $app -Target " | Should -Be 'build', 'test'
        Complete "Invoke-ImageBuild -LiteralPath $app -Target t" | Should -Be 'test'
        Complete "Invoke-ImageBuild -DockerfileText 'FROM x AS only' -Target " | Should -Be 'only'
    }

    It 'completes stages from the current location, which is not the process''s' {
        Push-Location $app
        try {
            Complete 'Invoke-ImageBuild . -Target b' | Should -Be 'build'
            Complete 'Invoke-ImageBuild -Dockerfile Dockerfile -Target b' | Should -Be 'build'
        }
        finally {
            Pop-Location
        }
    }

    It 'completes nothing where there is no Dockerfile or a broken one' {
        Complete "Invoke-ImageBuild -DockerfileText 'RUN x' -Target build" | Should -BeNullOrEmpty
    }

    It 'completes platforms' {
        Complete 'Invoke-ImageBuild -Platform linux/arm/' | Should -Be 'linux/arm/v7', 'linux/arm/v6'
        Complete 'Invoke-ImageBuild -Platform linux/arm64,windows' | Should -Be 'windows/amd64'
    }

    It 'completes the schemes that cannot be found by looking' {
        Complete 'Invoke-ImageBuild -Address vsock+' | Should -Be 'vsock+unix://'
        Complete 'Invoke-ImageBuild -Address vsock://l' | Should -Be 'vsock://local:'
        Complete 'Invoke-ImageBuild -Address kube' | Should -Be 'kube-deployment://', 'kube-pod://'
        $config = $env:DOCKER_CONFIG
        try {
            $env:DOCKER_CONFIG = "$TestDrive/docker"
            $null = New-Item -ItemType Directory "$TestDrive/docker/contexts/meta/one" -Force
            Set-Content "$TestDrive/docker/contexts/meta/one/meta.json" '{ "Name": "builder" }'
            Complete 'Invoke-ImageBuild -Address docker-context://' | Should -Contain 'docker-context://builder'
        }
        finally {
            $env:DOCKER_CONFIG = $config
        }
    }

    It 'completes addresses of sockets that are there' {
        $before = $env:BUILDKIT_HOST
        $socket = [Net.Sockets.Socket]::new([Net.Sockets.AddressFamily]::Unix, 'Stream', 'Unspecified')
        try {
            $env:BUILDKIT_HOST = "unix://$TestDrive/engine.sock"
            Complete "Invoke-ImageBuild -Address unix://$TestDrive" | Should -BeNullOrEmpty
            $socket.Bind([Net.Sockets.UnixDomainSocketEndPoint]::new("$TestDrive/engine.sock"))
            Complete "Invoke-ImageBuild -Address unix://$TestDrive" | Should -Be "unix://$TestDrive/engine.sock"
        }
        finally {
            $env:BUILDKIT_HOST = $before
            $socket.Dispose()
        }
    }
}
