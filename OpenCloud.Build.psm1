# Imports the cmdlets into a load context of the module's own: the loader is all that the default context ever sees of it. Two lines on
# purpose: PowerShell compiles what it runs, and everything else is in the loader, which is compiled already. The manifest does not nest
# the loader, since PowerShell refuses nested modules where a folder's name has wildcards.
Import-Module ("$PSScriptRoot/bin/OpenCloud.Build/OpenCloud.Build.Loader.dll" -replace '[][*?`]', '`$0') -ErrorAction Stop
Get-OpenCloudBuildAssembly | Import-Module
