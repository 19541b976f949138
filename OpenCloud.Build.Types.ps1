# Runs before the manifest's types are loaded. Another copy of the module in this session has defined their members, and PowerShell takes no
# second definition.
if ('OpenCloud.Build.Loader.ModuleLoadContext' -as [type]) {
    ([xml] (Get-Content -LiteralPath ([IO.Path]::Join($PSScriptRoot, 'OpenCloud.Build.Types.ps1xml')) -Raw)).Types.Type.Name |
        ForEach-Object { Remove-TypeData -TypeName $_ -ErrorAction Ignore }
}
