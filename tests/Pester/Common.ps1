# What the test files share: dot-source it in BeforeAll (and in BeforeDiscovery where cases are made from the module).
$root = [IO.Path]::GetFullPath([IO.Path]::Join($PSScriptRoot, '..', '..'))
$manifestPath = [IO.Path]::Join($root, 'OpenCloud.Build.psd1')

Import-Module $manifestPath -ErrorAction Stop

# The load context the module lives in.
function Get-ModuleContext {
    [Runtime.Loader.AssemblyLoadContext]::GetLoadContext((Get-Command Invoke-ImageBuild).ImplementingType.Assembly)
}

# Cmdlets that show the module's inner workings, loaded beside it.
function Import-TestCmdlet {
    $dll = Get-Item ([IO.Path]::Join($root, 'tests', 'OpenCloud.Build.TestCmdlets', 'bin', '*', 'net10.0', 'OpenCloud.Build.TestCmdlets.dll')) |
        Sort-Object LastWriteTime | Select-Object -Last 1
    if (-not $dll) {
        throw "tests/OpenCloud.Build.TestCmdlets is not built: run './build.sh build'"
    }
    Import-Module -Assembly (Get-ModuleContext).LoadFromAssemblyPath($dll.FullName) -Scope Global
}

# Runs a script in a PowerShell of its own, so that nothing of this session is in the way; gives its output.
function Invoke-FreshPwsh {
    param([Parameter(Mandatory)] [string] $Script, [hashtable] $Environment = @{})
    $start = [Diagnostics.ProcessStartInfo]::new([Environment]::ProcessPath)
    foreach ($argument in '-NoProfile', '-NonInteractive', '-OutputFormat', 'Text', '-Command', $Script) {
        $start.ArgumentList.Add($argument)
    }
    foreach ($name in $Environment.Keys) {
        $start.Environment[$name] = $Environment[$name]
    }
    $start.Environment['NO_COLOR'] = '1'
    $start.WorkingDirectory = $root
    $start.RedirectStandardOutput = $true
    $start.RedirectStandardError = $true
    $process = [Diagnostics.Process]::Start($start)
    $errors = $process.StandardError.ReadToEndAsync()
    $output = $process.StandardOutput.ReadToEnd()
    $process.WaitForExit()
    [pscustomobject]@{ Output = $output.Trim(); Errors = $errors.Result.Trim(); ExitCode = $process.ExitCode }
}

# A copy of the module that can be imported beside the one under test.
function Copy-Module {
    param([Parameter(Mandatory)] [string] $Destination)
    $folder = New-Item -ItemType Directory ([IO.Path]::Join($Destination, 'OpenCloud.Build'))
    foreach ($item in 'OpenCloud.Build.psd1', 'OpenCloud.Build.psm1', 'OpenCloud.Build.Format.ps1xml', 'bin', 'en-US') {
        Copy-Item ([IO.Path]::Join($root, $item)) $folder -Recurse
    }
    $folder.FullName
}
