#!/usr/bin/env pwsh
#Requires -Version 7.6
<#
.SYNOPSIS
Asks buildx and docker compose what the definitions in this folder are, and keeps their answers.
.DESCRIPTION
Each folder is a case: case.json says which peer answers and with what, answer.json is what it said. The peers run in a copy of the folder
with the environment of the case and nothing else; '/case' in an answer stands for the folder. A peer that refuses leaves { "error": true }.
The answers were made with buildx 0.36.1 and docker compose 2.40.3. Tests compare with them and need no peer.
.EXAMPLE
tests/definitions/Update-Answer.ps1 -Buildx /usr/libexec/docker/cli-plugins/docker-buildx -Compose /usr/libexec/docker/cli-plugins/docker-compose
#>
param(
    [Parameter(Mandatory)] [string] $Buildx,
    [Parameter(Mandatory)] [string] $Compose,
    [string] $Name = '*'
)

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
$PSNativeCommandUseErrorActionPreference = $false
$root = [IO.Directory]::CreateTempSubdirectory('definitions-').FullName
# buildx looks for the agent before it prints.
$agent = [Net.Sockets.Socket]::new('Unix', 'Stream', 'Unspecified')
$agent.Bind([Net.Sockets.UnixDomainSocketEndPoint]::new("$root/agent"))
try {
    foreach ($folder in Get-ChildItem -LiteralPath $PSScriptRoot -Directory -Filter $Name) {
        $case = Get-Content -Raw (Join-Path $folder case.json) | ConvertFrom-Json -AsHashtable
        $copy = Join-Path $root $folder.Name
        Copy-Item -Recurse $folder.FullName $copy
        Remove-Item -ErrorAction Ignore (Join-Path $copy case.json), (Join-Path $copy answer.json)
        $variables = @("HOME=$root", "BUILDX_CONFIG=$root/buildx", "SSH_AUTH_SOCK=$root/agent", 'PATH=/usr/bin:/bin')
        if ($case['environment']) {
            $variables += $case.environment.GetEnumerator() | ForEach-Object { "$($_.Key)=$($_.Value)" }
        }
        $arguments = if ($case.peer -eq 'bake') {
            $Buildx, 'bake', '--print'
            foreach ($file in $case['files']) { '-f', $file }
            foreach ($change in $case['set']) { '--set', $change }
            if ($case['variables']) { foreach ($variable in $case.variables.GetEnumerator()) { '--var', "$($variable.Key)=$($variable.Value)" } }
            $case['targets']
        }
        else {
            $Compose
            foreach ($file in $case['files']) { '-f', $file }
            foreach ($file in $case['envFiles']) { '--env-file', $file }
            foreach ($option in $case['profiles']) { '--profile', $option }
            if ($case['projectName']) { '--project-name', $case.projectName }
            'config', '--format', 'json'
        }
        Push-Location $copy
        $said = (env -i @variables @arguments 2>"$root/errors") -join "`n"
        $code = $LASTEXITCODE
        Pop-Location
        $answer = if ($code) { '{ "error": true }' } else { $said.Replace($copy, '/case').Replace($root, '') }
        if (-not $code -and $case.peer -eq 'compose') {
            # Only what is built counts.
            $project = $answer | ConvertFrom-Json -AsHashtable
            $services = [ordered] @{}
            foreach ($service in $project['services']?.GetEnumerator() | Where-Object { $_.Value['build'] } | Sort-Object Key) {
                $services[$service.Key] = [ordered] @{ image = $service.Value['image']; build = $service.Value.build }
            }
            $answer = [ordered] @{ name = $project.name; services = $services } | ConvertTo-Json -Depth 20
        }
        Set-Content -LiteralPath (Join-Path $folder answer.json) -Value $answer
        '{0}: {1}' -f $folder.Name, ($code ? ('refused: ' + ((Get-Content "$root/errors" | Where-Object { $_ -match '\S' } | Select-Object -Last 1))) : 'answered')
    }
}
finally {
    $agent.Dispose()
    Remove-Item -Recurse -Force $root
}
