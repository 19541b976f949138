<#
.SYNOPSIS
Measures a push and a pull of an image of 2 GiB in 8 layers, beside docker and ctr, on one Docker Engine and one registry.
.DESCRIPTION
The image is in the containerd of a Docker Engine of the fixture. The layers are random bytes, uncompressed, so that nobody compresses. The registry
is Debian's docker-registry on the engine's loopback; its storage is emptied before each push, and the store before each pull.

Measured: the wall time of the command, its own CPU, and the CPU of dockerd and containerd meanwhile, because docker's client only asks dockerd.
docker pull also unpacks the layers; ctr content fetch and Receive-ContainerImage do not. This module's commands are a pwsh each, its start included.
.EXAMPLE
./build.ps1 Bench -Options 'registry -Out bench/REGISTRY.md'
#>
[CmdletBinding()]
param(
    # How often each command is measured.
    [int] $Rounds = 3,

    # The size of each of the eight layers in MiB.
    [int] $LayerSize = 256,

    # The file for the results; without it they are only shown.
    [string] $Out
)

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
. ([IO.Path]::Join($PSScriptRoot, 'common.ps1'))

function Get-Program([string] $Set, [string] $Package, [string] $Path) {
    $line = & $fixture get $Set | Where-Object { $_ -match "/$Package " }
    Join-Path ($line -replace '^.* ') $Path
}

# The CPU that the engine's own processes have used, in seconds.
function Get-EngineCpu {
    $ticks = 0
    foreach ($folder in [IO.Directory]::GetDirectories('/proc')) {
        try {
            if ([IO.File]::ResolveLinkTarget("$folder/ns/pid", $false).Name -eq $space -and [IO.File]::ReadAllText("$folder/comm").Trim() -in 'dockerd', 'containerd') {
                $fields = [IO.File]::ReadAllText("$folder/stat") -replace '^.*\) ' -split ' '
                $ticks += [long] $fields[11] + [long] $fields[12]
            }
        }
        catch [IO.IOException], [UnauthorizedAccessException] {
            Write-Debug "$folder ended."
        }
    }
    $ticks / 100
}

# Runs a command in the engine's namespaces.
function Measure-Words([string[]] $Words) {
    $before = Get-EngineCpu
    $own = Measure-Program (@($fixture, 'exec', $engine.folder) + $Words)
    [pscustomobject] @{ Wall = $own.Wall; Client = $own.Cpu; Engine = (Get-EngineCpu) - $before }
}

# An image of one platform as an OCI layout in an archive.
function New-LargeImage([string] $Folder, [string] $Name) {
    $blobs = (New-Item -ItemType Directory "$Folder/blobs/sha256").FullName
    function Add-Json($Value, [string] $Type) {
        $bytes = [Text.Encoding]::UTF8.GetBytes((ConvertTo-Json $Value -Depth 9 -Compress))
        $hex = [Convert]::ToHexStringLower([Security.Cryptography.SHA256]::HashData($bytes))
        [IO.File]::WriteAllBytes("$blobs/$hex", $bytes)
        [ordered] @{ mediaType = $Type; digest = "sha256:$hex"; size = $bytes.Length }
    }
    $layers = foreach ($number in 1..8) {
        bash -c 'head -c "$1"M /dev/urandom >"$2/file$3" && tar -C "$2" -cf "$2/layer" "file$3" && rm "$2/file$3"' bash $LayerSize $Folder $number
        $hex = (Get-FileHash "$Folder/layer").Hash.ToLowerInvariant()
        Move-Item "$Folder/layer" "$blobs/$hex"
        [ordered] @{ mediaType = 'application/vnd.oci.image.layer.v1.tar'; digest = "sha256:$hex"; size = (Get-Item "$blobs/$hex").Length }
    }
    $architecture = [Runtime.InteropServices.RuntimeInformation]::OSArchitecture -eq 'Arm64' ? 'arm64' : 'amd64'
    $config = Add-Json ([ordered] @{ architecture = $architecture; os = 'linux'; config = @{}; rootfs = [ordered] @{ type = 'layers'; diff_ids = @($layers.digest) } }) 'application/vnd.oci.image.config.v1+json'
    $manifest = Add-Json ([ordered] @{ schemaVersion = 2; mediaType = 'application/vnd.oci.image.manifest.v1+json'; config = $config; layers = @($layers) }) 'application/vnd.oci.image.manifest.v1+json'
    $manifest.annotations = @{ 'io.containerd.image.name' = $Name }
    Set-Content "$Folder/oci-layout" '{"imageLayoutVersion":"1.0.0"}'
    Set-Content "$Folder/index.json" (ConvertTo-Json ([ordered] @{ schemaVersion = 2; manifests = @($manifest) }) -Depth 9)
}

$scratch = (New-Item -ItemType Directory "/dev/shm/ocb-registry-$PID").FullName
$engine = [ordered] @{}
$server = $null
try {
    $docker = Get-Program docker-cli docker-cli usr/bin/docker
    $ctr = Get-Program containerd-2 containerd usr/bin/ctr
    $registry = Get-Program registry docker-registry usr/bin/docker-registry
    & $fixture up --owner $PID docker-28 | ForEach-Object { $key, $value = $_ -split '=', 2; $engine[$key] = $value }
    $space = & $fixture exec $engine.folder readlink /proc/self/ns/pid
    $at = '127.0.0.1:5900'
    Set-Content "$scratch/config.yml" "{version: 0.1, log: {level: error}, storage: {filesystem: {rootdirectory: $scratch/data}}, http: {addr: '$at'}}"
    $server = Start-Process $fixture 'exec', $engine.folder, $registry, 'serve', "$scratch/config.yml" -PassThru -RedirectStandardError "$scratch/log" -RedirectStandardOutput "$scratch/out"
    Write-Host "Making an image of 8 × $LayerSize MiB ..."
    $name = "$at/bench/app:1"
    New-LargeImage "$scratch/image" $name
    & $fixture exec $engine.folder $ctr --address $engine.containerd --namespace moby images import --no-unpack "$scratch/image" 2>&1 | Write-Verbose
    tar -C "$scratch/image" -cf "$scratch/image.tar" .
    Remove-Item "$scratch/image" -Recurse
    $null = & $fixture exec $engine.folder $docker --host "unix://$($engine.docker)" load --input "$scratch/image.tar"
    Remove-Item "$scratch/image.tar"

    $own = { param($command) $pwsh + '-NoProfile', '-NonInteractive', '-Command', "`$ProgressPreference = 'SilentlyContinue'; `$ErrorActionPreference = 'Stop'; Import-Module '$manifestPath'; $command" }
    $call = @($docker, '--host', "unix://$($engine.docker)")
    $store = @($ctr, '--address', $engine.containerd, '--namespace')
    $pushes = [ordered] @{
        'docker push'          = $call + 'push', '--quiet', $name
        'ctr images push'      = $store + 'moby', 'images', 'push', '--plain-http', $name
        'Send-ContainerImage'  = & $own "Send-ContainerImage '$name' -Address 'unix://$($engine.containerd)' -Namespace moby"
    }
    $pulls = [ordered] @{
        'docker pull'             = $call + 'pull', '--quiet', $name
        'ctr content fetch'       = $store + 'moby', 'content', 'fetch', '--plain-http', $name
        'Receive-ContainerImage'  = & $own "Receive-ContainerImage '$name' -Address 'unix://$($engine.containerd)' -Namespace moby"
    }
    $samples = [ordered] @{}
    foreach ($commands in $pushes, $pulls) {
        foreach ($round in 1..$Rounds) {
            $titles = @($commands.Keys)
            foreach ($title in 0..($titles.Count - 1) | ForEach-Object { $titles[($_ + $round) % $titles.Count] }) {
                if ($commands -eq $pushes) {
                    Remove-Item "$scratch/data/docker" -Recurse -ErrorAction Ignore
                }
                else {
                    $null = & $fixture exec $engine.folder @store moby images rm --sync $name 2>&1
                }
                $sample = Measure-Words $commands[$title]
                $samples[$title] = @($samples[$title]) + $sample | Where-Object { $_ }
                Write-Host ('{0,-24} #{1}  wall {2,7:0.00} s  client {3,6:0.00} s  engine {4,6:0.00} s' -f $title, $round, $sample.Wall, $sample.Client, $sample.Engine)
            }
        }
    }

    $lines = @(
        '# Results of a push and a pull'
        ''
        'Written by bench/registry.ps1; how it measures is at its beginning.'
        ''
        "- $([DateTime]::UtcNow.ToString('yyyy-MM-dd')), $([Environment]::ProcessorCount) cores, PowerShell $($PSVersionTable.PSVersion); load average at the end $(([IO.File]::ReadAllText('/proc/loadavg') -split ' ')[0])"
        "- 8 layers of $LayerSize MiB; medians of $Rounds rounds; the ratios are to docker's command"
        (Get-Command nerdctl -ErrorAction Ignore) ? '- nerdctl is on PATH and not measured' : '- not measured: nerdctl, which is not on PATH and no package of Debian'
        ''
        '| command | wall, s | × | client CPU, s | engine CPU, s | CPU together × |'
        '| --- | --- | --- | --- | --- | --- |'
        foreach ($commands in $pushes, $pulls) {
            $base = @($samples[@($commands.Keys)[0]])
            foreach ($title in $commands.Keys) {
                $these = @($samples[$title])
                $together = { param($list) Get-Median @($list | ForEach-Object { $_.Client + $_.Engine }) }
                '| `{0}` | {1:0.0} | {2:0.00} | {3:0.0} | {4:0.0} | {5:0.00} |' -f $title, (Get-Median $these.Wall), ((Get-Median $these.Wall) / (Get-Median $base.Wall)),
                (Get-Median $these.Client), (Get-Median $these.Engine), ((& $together $these) / (& $together $base))
            }
        }
    )
    $lines | Out-Host
    if ($Out) {
        Set-Content $Out $lines
    }
}
finally {
    if ($engine.Count -gt 0) {
        & $fixture down $engine.folder
    }
    if ($server -and -not $server.HasExited) {
        $server.Kill()
    }
    Remove-Item $scratch -Recurse -Force -ErrorAction Ignore
}
