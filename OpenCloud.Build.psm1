# Imports the cmdlets into a load context of the module's own: the loader is all that the default context ever sees of it. One line on
# purpose: PowerShell compiles what it runs, and everything else is in the loader, which is compiled already.
Get-OpenCloudBuildAssembly | Import-Module
