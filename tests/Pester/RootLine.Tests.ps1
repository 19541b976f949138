BeforeDiscovery {
    # Another user is needed to whom the line is told, and root who runs it.
    $isRoot = (id -u) -eq 0
}

BeforeAll {
    . $PSScriptRoot/Common.ps1

    # A copy where everybody may read it, at a path that has to be quoted.
    $copy = Copy-Module (New-Item -ItemType Directory "/tmp/ocb mod'ule [1] $PID")
    chmod -R a+rX (Split-Path $copy)
    $quoted = $copy -replace "'", "''"
    $import = "Import-Module ([WildcardPattern]::Escape('$quoted/OpenCloud.Build.psd1'))"

    # What a cmdlet tells a user to run as root.
    function Get-RootLine([string] $Command) {
        $told = Invoke-PwshAsNobody "$import; try { $Command } catch { `$_.FullyQualifiedErrorId; `$_.ErrorDetails.RecommendedAction }" | Out-String
        $told | Should -BeLike 'HostNeedsRoot,*Run as root: sudo *'
        $told.Substring($told.IndexOf('Run as root: ') + 13).TrimEnd()
    }

    # Runs a line in bash as root, with the environment that sudo gives; the folders stand where the user saw them.
    function Invoke-RootLine([string] $Line) {
        [string[]] $words = Get-PwshCommand "/tmp/ocb-pwsh-$PID"
        [string[]] $here = Get-PwshCommand
        for ($i = 0; $i -lt $words.Count; $i++) {
            $Line | Should -BeLike "*$($words[$i])*"
            $Line = $Line.Replace($words[$i], $here[$i])
        }
        $sudo = 'sudo() { while [[ $1 == -* ]]; do shift; done; env -i -C / HOME=/root USER=root LOGNAME=root SUDO_UID=65534 SUDO_USER=nobody TERM=dumb POWERSHELL_TELEMETRY_OPTOUT=1 PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@"; }'
        bash -c "$sudo`n$Line" 2>&1 | Out-String
    }
}

AfterAll {
    Remove-Item -LiteralPath (Split-Path $copy) -Recurse
}

Describe 'The line to run as root' -Skip:(-not $isRoot) {
    It 'runs the cmdlet, with the module, in the environment that sudo gives' {
        $line = Get-RootLine "Grant-BuildKitAccess -User no-such-user-here, ""o'ther"""
        Invoke-RootLine $line | Should -BeLike "*The user 'no-such-user-here' does not exist*"
    }

    It 'repeats each parameter as it was given, wherever it is run' {
        $line = Get-RootLine @'
            Set-Location /usr
            Install-BuildKit v0.32.2 -ArchivePath './it''s.tar.gz' -Prefix '/opt/a "b" $HOME `id` \x ‘‘c’’' -Isolated:$false -VsockPort 8088 -Group 'g;reboot!' -Confirm:$false -ErrorVariable e -Verbose
'@
        # In the module's place one that gives its parameters.
        Copy-Item -LiteralPath $copy "$copy-kept" -Recurse
        try {
            Set-Content -LiteralPath "$copy/OpenCloud.Build.psd1" '@{ RootModule = "OpenCloud.Build.psm1"; ModuleVersion = "9.0"; FunctionsToExport = "Install-BuildKit" }'
            Set-Content -LiteralPath "$copy/OpenCloud.Build.psm1" 'function Install-BuildKit {
                [CmdletBinding(SupportsShouldProcess)]
                param($Version, $ArchivePath, $Prefix, [switch] $Isolated, $VsockPort, $Group)
                $PSBoundParameters | ConvertTo-Json -Compress
            }'
            $given = Invoke-RootLine $line | ConvertFrom-Json
        }
        finally {
            Remove-Item -LiteralPath "$copy/OpenCloud.Build.psm1"
            Copy-Item -LiteralPath "$copy-kept/OpenCloud.Build.psd1" $copy
            Remove-Item -LiteralPath "$copy-kept" -Recurse
        }
        $given.Version | Should -Be 'v0.32.2'
        $given.ArchivePath | Should -BeExactly "/usr/it's.tar.gz"
        $given.Prefix | Should -BeExactly '/opt/a "b" $HOME `id` \x ‘‘c’’'
        $given.Isolated.IsPresent, $given.Confirm.IsPresent, $given.Verbose.IsPresent | Should -Be $false, $false, $true
        $given.VsockPort | Should -Be 8088
        $given.Group | Should -BeExactly 'g;reboot!'
        $given.PSObject.Properties.Name | Should -Not -Contain 'ErrorVariable'
    }

    It 'asks for what may be secret instead of repeating it' {
        $line = Get-RootLine "Update-BuildKit -Uri 'https://mirror.test/buildkit.tar.gz?token=s3cr3t' -Sha256 $('a' * 64)"
        $line | Should -Not -BeLike '*s3cr3t*'
        $line | Should -BeLike "*Update-BuildKit *-Uri (Read-Host -Prompt Uri)*-Sha256 $('a' * 64)*"
    }

    It 'names the address that this environment stands for' {
        $line = Get-RootLine '$env:BUILDKIT_HOST = "unix:///srv/engine.sock"; Test-BuildKitSocket -As daemon'
        $line | Should -BeLike '*; Test-BuildKitSocket *-As daemon*'
        $line | Should -BeLike '*-Address unix:///srv/engine.sock*'
    }

    It 'keeps the proxy of this environment where something is to be fetched, and does not show it' {
        $set = '$env:https_proxy = "http://user:s3cr3t@proxy.test:3128"; $env:http_proxy = $env:HTTPS_PROXY = $env:all_proxy = $env:ALL_PROXY = $env:no_proxy = $env:NO_PROXY = $null'
        $line = Get-RootLine "$set; Install-BuildKit"
        $line | Should -BeLike 'sudo --preserve-env=https_proxy /*'
        $line | Should -Not -BeLike '*s3cr3t*'
        Get-RootLine "$set; Install-BuildKit -ArchivePath /x.tar.gz" | Should -BeLike 'sudo /*'
    }
}
