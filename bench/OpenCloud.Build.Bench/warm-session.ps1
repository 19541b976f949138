# One pwsh that builds what it is told to on standard input, a context a line, and answers each with a line of JSON. Without a tag it
# lists images instead, and a line is a namespace. A line may also be a bake file, whose targets are built together.
# An empty line asks what the session holds in memory when it does nothing.
param(
    [Parameter(Mandatory)] [string] $Manifest,
    [Parameter(Mandatory)] [string] $Address,
    [string] $Tag,
    [string] $Certificates
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

function Test-Child {
    foreach ($task in [System.IO.Directory]::GetDirectories('/proc/self/task')) {
        try {
            if ([System.IO.File]::ReadAllText("$task/children").Trim()) {
                return $true
            }
        }
        catch [System.IO.IOException] {
            # The thread has ended.
            continue
        }
    }
    $false
}

# What the programs cost that carried connections, in seconds. The kernel charges them when they are waited for, which is soon after the build.
function Get-ProgramSeconds {
    $limit = [DateTime]::UtcNow.AddSeconds(10)
    while ([DateTime]::UtcNow -lt $limit -and (Test-Child)) {
        Start-Sleep -Milliseconds 20
    }
    # The fields 16 and 17 of proc_pid_stat(5), in hundredths; the name in brackets may hold spaces.
    $fields = ([System.IO.File]::ReadAllText('/proc/self/stat') -replace '^.*\) ') -split ' '
    ([double] $fields[13] + [double] $fields[14]) / 100
}

$secure = $Certificates ? @{ CertificateDirectory = $Certificates } : @{}
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
        $programs = Get-ProgramSeconds
        $process.Refresh()
        $cpu = $process.TotalProcessorTime
        $watch = [System.Diagnostics.Stopwatch]::StartNew()
        try {
            if ($context.EndsWith('docker-bake.json')) {
                $null = Get-BuildDefinition -Path $context -Force | Invoke-ImageBuild -Address $Address -ThrottleLimit 21
            }
            elseif ($Tag) {
                $null = Invoke-ImageBuild -LiteralPath $context -Tag $Tag -Address $Address @secure
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
        $answer.cpu += 1000 * ((Get-ProgramSeconds) - $programs)
        $answer.peak = Get-StatusBytes 'VmHWM:'
    }
    [Console]::Out.WriteLine((ConvertTo-Json $answer -Compress))
}
