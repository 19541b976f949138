# Imports the cmdlets into the module's own load context: of the module's assemblies, the default context has only the loader, which the
# manifest nests. One pipeline on purpose: PowerShell compiles each script that it runs, and the loader is compiled already.
Get-OpenCloudBuildAssembly | Import-Module
