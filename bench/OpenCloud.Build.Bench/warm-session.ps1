# One pwsh that builds what it is told to on standard input, a context a line, and answers each with a line of JSON. Without a tag it
# lists images instead, and a line is a namespace. A line may also be a bake file, whose targets are built together.
# An empty line asks what the session holds in memory when it does nothing.
param(
    [Parameter(Mandatory)] [string] $Manifest,
    [Parameter(Mandatory)] [string] $Address,
    [string] $Tag
)

$ErrorActionPreference = 'Stop'
Import-Module $Manifest
$process = [System.Diagnostics.Process]::GetCurrentProcess()

function Get-StatusBytes([string] $Name) {
    foreach ($line in [System.IO.File]::ReadLines('/proc/self/status')) {
        if ($line.StartsWith($Name)) {
            return 1024 * [long] ($line -replace '\D+')
        }
    }
}

while ($null -ne ($context = [Console]::In.ReadLine())) {
    $answer = [ordered] @{ bench = 1 }
    if (-not $context) {
        [GC]::Collect(2, 'Aggressive', $true, $true)
        [GC]::WaitForPendingFinalizers()
        [GC]::Collect(2, 'Aggressive', $true, $true)
        $answer.wall = 0
        $answer.cpu = 0
        $answer.peak = Get-StatusBytes 'VmRSS:'
    }
    else {
        # 5 makes VmHWM start from what is resident now (proc_pid_clear_refs(5)).
        [System.IO.File]::WriteAllText('/proc/self/clear_refs', '5')
        $process.Refresh()
        $cpu = $process.TotalProcessorTime
        $watch = [System.Diagnostics.Stopwatch]::StartNew()
        try {
            if ($context.EndsWith('docker-bake.json')) {
                $null = Get-BuildDefinition -Path $context -Force | Invoke-ImageBuild -Address $Address -ThrottleLimit 21
            }
            elseif ($Tag) {
                $null = Invoke-ImageBuild -LiteralPath $context -Tag $Tag -Address $Address
            }
            else {
                Get-ContainerImage -Namespace $context -Address $Address | Out-Null
            }
        }
        catch {
            $answer.error = "$_"
        }
        $answer.wall = $watch.Elapsed.TotalMilliseconds
        $process.Refresh()
        $answer.cpu = ($process.TotalProcessorTime - $cpu).TotalMilliseconds
        $answer.peak = Get-StatusBytes 'VmHWM:'
    }
    [Console]::Out.WriteLine((ConvertTo-Json $answer -Compress))
}
