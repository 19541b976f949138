#Requires -Version 7.6

# Imports the cmdlets into a load context of the module's own: the loader is all that the default context ever sees of it.

if (-not $IsLinux) {
    throw [System.PlatformNotSupportedException]::new(
        "OpenCloud.Build works on Linux only; this is $([System.Runtime.InteropServices.RuntimeInformation]::OSDescription). " +
        'On Windows, use it inside WSL 2.')
}

$binaries = [System.IO.Path]::Join($PSScriptRoot, 'bin', 'OpenCloud.Build')
foreach ($name in 'OpenCloud.Build.Loader.dll', 'OpenCloud.Build.dll') {
    $file = [System.IO.Path]::Join($binaries, $name)
    if (-not [System.IO.File]::Exists($file)) {
        throw [System.IO.FileNotFoundException]::new(
            "OpenCloud.Build is not built: '$file' is missing. Run './build.sh build' in '$PSScriptRoot', then import it again.", $file)
    }
}

# A loader that the session already has serves every copy of the module, whatever its version.
$loader = 'OpenCloud.Build.Loader.ModuleLoadContext' -as [type]
if (-not $loader) {
    $loader = [System.Reflection.Assembly]::LoadFrom([System.IO.Path]::Join($binaries, 'OpenCloud.Build.Loader.dll')).GetType(
        'OpenCloud.Build.Loader.ModuleLoadContext', $true)
}

# A release build makes the assemblies a second time, with code ahead of time for its processor.
$ahead = [System.IO.Path]::Join(
    $binaries, [System.Runtime.InteropServices.RuntimeInformation]::ProcessArchitecture.ToString().ToLowerInvariant())
if ([System.IO.File]::Exists([System.IO.Path]::Join($ahead, 'OpenCloud.Build.dll'))) {
    $binaries = $ahead
}

$outdated = $false
$assembly = $loader::Load($binaries, [ref] $outdated)
if ($outdated) {
    Write-Warning "OpenCloud.Build was built anew after this session had loaded it. Start a new session to use the new build."
}

$inner = Import-Module -Assembly $assembly -PassThru -ErrorAction Stop

# The second import of an assembly in one session takes a module that PowerShell has cached and forgets to give its cmdlets to
# the module that asked (PowerShell/PowerShell#20710); this gives them. There is no public way to do so.
$register = [System.Management.Automation.PSModuleInfo].GetMethod(
    'AddExportedCmdlet', [System.Reflection.BindingFlags] 'Instance, NonPublic')
if ($register) {
    foreach ($cmdlet in $inner.ExportedCmdlets.Values) {
        $null = $register.Invoke($ExecutionContext.SessionState.Module, @($cmdlet))
    }
}

Set-Alias -Name 'Build-ContainerImage' -Value 'Invoke-ImageBuild'

# As an array: a collection of keys would be taken for one string.
Export-ModuleMember -Cmdlet @($inner.ExportedCmdlets.Keys) -Alias 'Build-ContainerImage'
