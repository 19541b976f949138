# Get-ContainerImageVulnerability: files, archives, programs that stand in for trivy and grype, and an engine that makes an SBOM.
BeforeDiscovery {
    . $PSScriptRoot/Common.ps1
    $fixture = Test-EngineFixture
}

BeforeAll {
    . $PSScriptRoot/Common.ps1

    function New-Sbom([string[]] $Purl) {
        [ordered]@{ spdxVersion = 'SPDX-2.3'; packages = @($Purl | ForEach-Object { @{ name = 'x'; externalRefs = @(@{ referenceType = 'purl'; referenceLocator = $_ }) } }) }
    }

    function New-Statement($Sbom) { [ordered]@{ _type = 'https://in-toto.io/Statement/v0.1'; predicateType = 'https://spdx.dev/Document'; predicate = $Sbom } }

    function Set-Record([string] $Path, [string] $Id, [string] $Ecosystem, [string] $Name, [string] $Fixed, [string] $Vector) {
        $record = [ordered]@{
            id = $Id; modified = '2026-01-01T00:00:00Z'; summary = "About $Id"; aliases = @("CVE-$Id")
            affected = @(@{ package = @{ ecosystem = $Ecosystem; name = $Name }; ranges = @(@{ type = 'ECOSYSTEM'; events = @(@{ introduced = '0' }, @{ fixed = $Fixed }) }) })
        }
        if ($Vector) {
            $record.severity = @(@{ type = 'CVSS_V3'; score = $Vector })
        }
        ConvertTo-Json $record -Depth 9 -Compress | Set-Content $Path
    }

    $critical = 'CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H'
    $low = 'CVSS:3.1/AV:N/AC:H/PR:N/UI:R/S:U/C:L/I:N/A:N'
    $osv = New-Item -ItemType Directory "$TestDrive/osv"
    Set-Record "$osv/1.json" 'DSA-1' 'Debian:12' 'openssl' '3.0.13-1' $critical
    Set-Record "$osv/2.json" 'GHSA-2' 'npm' 'left' '1.5.0' $low
    Set-Record "$osv/3.json" 'GHSA-3' 'npm' 'left' '1.2.0' ''
    $packages = 'pkg:deb/debian/libssl3@3.0.11-1?upstream=openssl&distro=debian-12', 'pkg:npm/left@1.0.0'
    $sbom = "$TestDrive/sbom.json"
    ConvertTo-Json (New-Sbom $packages) -Depth 9 | Set-Content $sbom
    $null = New-TestLayout "$TestDrive/layout" 'demo/scanned:1' -Statement @{ amd64 = New-Statement (New-Sbom $packages) }
    # An engine that runs the instruction fails: the image has no such program.
    $plain = New-TestLayout "$TestDrive/plain" 'demo/plain:1' -Config @{ OnBuild = @('RUN ["/none"]') }
    $null = New-TestLayout "$TestDrive/half" 'demo/half:1' -Architecture amd64, arm64 -Statement @{ amd64 = New-Statement (New-Sbom $packages) }
    $provenance = [ordered]@{ _type = 'https://in-toto.io/Statement/v0.1'; predicateType = 'https://slsa.dev/provenance/v1'; predicate = @{} }
    $null = New-TestLayout "$TestDrive/unknown" 'demo/unknown:1' -Architecture amd64, arm64 -Statement @{ amd64 = $provenance; arm64 = $provenance }
}

Describe 'An SBOM and data' {
    It 'give vulnerabilities as objects' {
        $found = Get-ContainerImageVulnerability -SbomPath $sbom -Database $osv
        $found.Id | Should -Be 'GHSA-2', 'GHSA-3', 'DSA-1'
        $ssl = $found[2]
        $ssl.Image | Should -Be $sbom
        $ssl.Package | Should -Be 'libssl3'
        $ssl.Version | Should -Be '3.0.11-1'
        $ssl.FixedVersion | Should -Be '3.0.13-1'
        $ssl.Severity | Should -Be 'Critical'
        $ssl.Score | Should -Be 9.8
        $ssl.Ecosystem | Should -Be 'Debian:12'
        $ssl.Aliases | Should -Be 'CVE-DSA-1'
        $found.Severity | Should -Be 'Low', 'Unknown', 'Critical'
        ($found | Where-Object Severity -GE High).Id | Should -Be 'DSA-1'
    }

    It 'come from a layout, an archive and its attestation' {
        $found = Get-ContainerImageVulnerability -Path "$TestDrive/layout" -Database "$osv/*.json"
        $found.Id | Should -Be 'GHSA-2', 'GHSA-3', 'DSA-1'
        $found[0].Image | Should -Be 'demo/scanned:1'
        $found[0].Platform | Should -Be 'linux/amd64'
        tar -C "$TestDrive/layout" -cf "$TestDrive/image.tar" .
        Compress-Archive "$osv/1.json" "$TestDrive/all.zip"
        (Get-ContainerImageVulnerability -Path "$TestDrive/image.tar" -Database "$TestDrive/all.zip" -WarningAction SilentlyContinue).Id | Should -Be 'DSA-1'
        (Get-ContainerImageAttestation -Path "$TestDrive/layout" | Get-ContainerImageVulnerability -Database "$osv/1.json", "$osv/2.json").Id | Should -Be 'GHSA-2', 'DSA-1'
    }

    It 'fail on a severity, after the results' {
        $found = Get-ContainerImageVulnerability -SbomPath $sbom -Database $osv -FailOn High -ErrorVariable failed -ErrorAction SilentlyContinue -WarningVariable warned -WarningAction SilentlyContinue
        $? | Should -BeFalse
        $found | Should -HaveCount 3
        $failed[0].FullyQualifiedErrorId | Should -Be 'VulnerabilitiesFound,OpenCloud.Build.Commands.GetContainerImageVulnerabilityCommand'
        "$($failed[0])" | Should -BeLike '*1 vulnerability of severity High or higher: DSA-1 (libssl3 3.0.11-1).'
        $failed[0].TargetObject | Should -Be $sbom
        "$warned" | Should -BeLike '1 of the vulnerabilities*'
        $null = Get-ContainerImageVulnerability -SbomPath $sbom -Database "$osv/2.json" -FailOn Medium -ErrorAction Stop -WarningAction SilentlyContinue
        { Get-ContainerImageVulnerability -SbomPath $sbom -Database $osv -FailOn Low -ErrorAction Stop -WarningAction SilentlyContinue } | Should -Throw -ErrorId 'VulnerabilitiesFound,*'
    }

    It 'end a process with an exit code' {
        $run = "Import-Module '$manifestPath'; Get-ContainerImageVulnerability -SbomPath '$sbom' -Database '$osv' -FailOn"
        (Invoke-FreshPwsh "$run Critical").ExitCode | Should -Be 1
        (Invoke-FreshPwsh ($run -replace ' -FailOn')).ExitCode | Should -Be 0
    }

    It 'are shown as a table' {
        $text = Get-ContainerImageVulnerability -SbomPath $sbom -Database $osv | Out-String -Width 100
        $text | Should -Match 'Severity\s+Id\s+Package\s+Version\s+FixedVersion'
        $text | Should -Match 'Critical\s+DSA-1\s+libssl3\s+3\.0\.11-1\s+3\.0\.13-1'
    }

    It 'do not pass a platform without an SBOM' {
        $found = Get-ContainerImageVulnerability -Path "$TestDrive/half" -Database $osv -ErrorVariable failed -ErrorAction SilentlyContinue
        $found.Id | Should -Be 'GHSA-2', 'GHSA-3', 'DSA-1'
        $failed.FullyQualifiedErrorId | Should -Be 'ImageHasNoSbom,OpenCloud.Build.Commands.GetContainerImageVulnerabilityCommand'
        "$failed" | Should -BeLike "*'demo/half:1' does not have an SBOM for linux/arm64."
        $gate = @{ Path = "$TestDrive/half"; Database = $osv; FailOn = 'Critical'; ErrorAction = 'Stop' }
        { Get-ContainerImageVulnerability @gate } | Should -Throw -ErrorId 'ImageHasNoSbom,*'
        { Get-ContainerImageVulnerability @gate -Platform linux/arm64 } | Should -Throw -ErrorId 'ImageHasNoSbom,*'
        $gate.FailOn = 'High'
        { Get-ContainerImageVulnerability @gate -Platform linux/amd64 } | Should -Throw -ErrorId 'VulnerabilitiesFound,*'
    }

    It 'do not pass an image of which only other attestations came' {
        $attestations = Get-ContainerImageAttestation -Path "$TestDrive/unknown"
        $attestations | Should -HaveCount 2
        $attestations | Get-ContainerImageVulnerability -Database $osv -ErrorVariable failed -ErrorAction SilentlyContinue | Should -BeNullOrEmpty
        "$failed" | Should -BeLike "*'demo/unknown:1' does not have an SBOM."
        $sboms = Get-ContainerImageAttestation -Path "$TestDrive/layout"
        $sboms, $attestations[1] | ForEach-Object { $_ } | Get-ContainerImageVulnerability -Database $osv -ErrorVariable failed -ErrorAction SilentlyContinue | Should -HaveCount 3
        $failed | Should -HaveCount 1
    }

    It 'warn about packages that were not checked' {
        function Get-Warning([string[]] $Purl, [hashtable] $With = @{}) {
            ConvertTo-Json (New-Sbom $Purl) -Depth 9 | Set-Content "$TestDrive/other.json"
            $null = Get-ContainerImageVulnerability -SbomPath "$TestDrive/other.json" -Database $osv -WarningVariable warned -WarningAction SilentlyContinue @With
            $warned | ForEach-Object { "$_" }
        }
        Get-Warning $packages | Should -BeNullOrEmpty
        $warned = Get-Warning ($packages + 'pkg:pypi/a@1', 'pkg:deb/debian/a@1?distro=debian-13', 'pkg:rpm/fedora/a@1?distro=fedora-40', 'pkg:rpm/fedora/b@1?distro=fedora-40')
        $warned[0] | Should -BeLike 'The data has no records for packages of */other.json, which were not checked: Debian 13 (1), PyPI (1).'
        $warned[1] | Should -BeLike 'OSV has no ecosystem for packages of */other.json, which were not checked: rpm/fedora (2).'
        Get-Warning 'none' | Should -BeLike 'The SBOM of */other.json has no package with a package URL and a version.*'
        Get-ContainerImageAttestation -Path "$TestDrive/plain" | Get-ContainerImageVulnerability -Database $osv -FailOn High -WarningVariable warned -WarningAction SilentlyContinue
        "$warned" | Should -Be 'No image was checked for -FailOn.'
    }

    It 'warn about packages without a release' {
        ConvertTo-Json (New-Sbom 'pkg:deb/debian/libssl3@3.0.11-1?upstream=openssl') -Depth 9 | Set-Content "$TestDrive/bare.json"
        Get-ContainerImageVulnerability -SbomPath "$TestDrive/bare.json" -Database $osv -WarningVariable warned -WarningAction SilentlyContinue | Should -BeNullOrEmpty
        "$warned" | Should -BeLike '*release of the distribution of 1 packages*'
    }
}

Describe 'What is wrong' {
    It 'has an id: <id>' -ForEach @(
        @{ id = 'ParameterMissing'; arguments = @{ SbomPath = 'sbom.json' } }
        @{ id = 'PathNotFound'; arguments = @{ SbomPath = 'sbom.json'; Database = 'nowhere' } }
        @{ id = 'PathNotFound'; arguments = @{ SbomPath = 'nowhere'; Database = 'osv' } }
        @{ id = 'ParameterConflict'; arguments = @{ SbomPath = 'sbom.json'; Scanner = 'Trivy' } }
        @{ id = 'ParameterConflict'; arguments = @{ Path = 'layout'; Scanner = 'Grype'; Database = 'osv' } }
        @{ id = 'InvalidDuration'; arguments = @{ Path = 'layout'; Scanner = 'Grype'; Timeout = '0s' } }
        @{ id = 'ImageHasNoSbom'; arguments = @{ Path = 'plain'; Database = 'osv' } }
        @{ id = 'InvalidSbom'; arguments = @{ SbomPath = 'osv/1.json'; Database = 'osv' } }
        @{ id = 'InvalidVulnerabilityData'; arguments = @{ SbomPath = 'sbom.json'; Database = 'sbom.json' } }
    ) {
        Push-Location $TestDrive
        try {
            $failure = { Get-ContainerImageVulnerability @arguments -ErrorAction Stop } | Should -Throw -PassThru
        }
        finally {
            Pop-Location
        }
        $failure.FullyQualifiedErrorId | Should -Be "$id,OpenCloud.Build.Commands.GetContainerImageVulnerabilityCommand"
        $failure.ErrorDetails.RecommendedAction | Should -Not -BeNullOrEmpty
    }
}

# trivy and grype are in no package source here: these scripts answer what their sources say that they answer.
Describe 'A program' {
    BeforeAll {
        $tools = (New-Item -ItemType Directory "$TestDrive/tools").FullName
        $oldPath = $env:PATH
        $env:PATH = "${tools}:$env:PATH"

        function Set-Tool([string] $Name, [string] $Script) {
            Set-Content "$tools/$Name" "#!/bin/sh`nprintf '%s\n' `"`$@`" > $tools/$Name.arguments`n$Script"
            chmod 755 "$tools/$Name"
        }
    }

    AfterAll {
        $env:PATH = $oldPath
    }

    It 'trivy gets the image as a layout, and its report becomes objects' {
        $report = '{"SchemaVersion":2,"Results":[{"Target":"x","Type":"debian","Vulnerabilities":[{"VulnerabilityID":"CVE-1","PkgName":"libssl3","PkgIdentifier":{"PURL":"pkg:deb/debian/libssl3@3.0.11-1"},"InstalledVersion":"3.0.11-1","FixedVersion":"3.0.13-1","Severity":"HIGH","SeveritySource":"nvd","Title":"Bad","PrimaryURL":"https://avd.test/CVE-1","CVSS":{"nvd":{"V3Score":7.5}}}]}]}'
        Set-Tool trivy "cp -r `"`$3`" $tools/image; stat -c %a `"`$3/..`" > $tools/mode; cat <<'R'`n$report`nR"
        $found = Get-ContainerImageVulnerability -Path "$TestDrive/plain" -Scanner Trivy
        $found.Id | Should -Be 'CVE-1'
        $found.Image | Should -Be 'demo/plain:1'
        $found.Severity | Should -Be 'High'
        $found.FixedVersion | Should -Be '3.0.13-1'
        $arguments = Get-Content "$tools/trivy.arguments"
        $arguments[0, 1] | Should -Be 'image', '--input'
        $arguments[3..11] | Should -Be '--format', 'json', '--scanners', 'vuln', '--quiet', '--exit-code', '0', '--timeout', '900s'
        Get-Content "$tools/mode" | Should -Be 700
        (Get-Content -Raw "$tools/image/index.json" | ConvertFrom-Json).manifests | Should -HaveCount 1
        # The copy is gone when the cmdlet has ended.
        $arguments[2] | Should -Not -Exist
        Get-ErrorId { Get-ContainerImageVulnerability -Path "$TestDrive/plain" -Scanner Trivy -FailOn High } | Should -BeLike 'VulnerabilitiesFound,*'
    }

    It 'grype gets the image as a layout, and its report becomes objects' {
        $report = '{"matches":[{"vulnerability":{"id":"GHSA-1","dataSource":"https://github.test/GHSA-1","severity":"Critical","cvss":[{"metrics":{"baseScore":9.8}}],"fix":{"versions":["1.5.0"],"state":"fixed"}},"relatedVulnerabilities":[{"id":"CVE-1"}],"artifact":{"name":"left","version":"1.0.0","type":"npm","purl":"pkg:npm/left@1.0.0"}}]}'
        # Its configuration may make it fail after the report.
        Set-Tool grype "echo a warning >&2; cat <<'R'`n$report`nR`nexit 2"
        $found = Get-ContainerImageVulnerability -Path "$TestDrive/layout" -Scanner Grype
        $found.Id | Should -Be 'GHSA-1'
        $found.Aliases | Should -Be 'CVE-1'
        $found.Score | Should -Be 9.8
        $arguments = Get-Content "$tools/grype.arguments"
        $arguments[0] | Should -BeLike 'oci-dir:/*/image'
        $arguments[1..3] | Should -Be '-o', 'json', '-q'
    }

    It '<name> gets no variables that hide its report' -ForEach @(
        @{ name = 'Trivy'; report = '{"SchemaVersion":2}'; variables = 'TRIVY_OUTPUT', 'TRIVY_OUTPUT_PLUGIN_ARG', 'TRIVY_COMPLIANCE', 'TRIVY_DOWNLOAD_DB_ONLY', 'TRIVY_EXIT_ON_EOL', 'TRIVY_GENERATE_DEFAULT_CONFIG' }
        @{ name = 'Grype'; report = '{"matches":[]}'; variables = 'GRYPE_FILE', 'GRYPE_FAIL_ON_SEVERITY', 'GRYPE_OUTPUT', 'GRYPE_OUTPUT_TEMPLATE_FILE' }
    ) {
        Set-Tool $name.ToLowerInvariant() "env > $tools/variables; echo '$report'"
        $kept = "${name}_DB_REPOSITORY".ToUpperInvariant()
        try {
            foreach ($variable in $variables + $kept) {
                Set-Item "env:$variable" "$TestDrive/elsewhere"
            }
            Get-ContainerImageVulnerability -Path "$TestDrive/plain" -Scanner $name | Should -BeNullOrEmpty
        }
        finally {
            Remove-Item ($variables + $kept | ForEach-Object { "env:$_" })
        }
        (Get-Content "$tools/variables") -match "^${name}_" -replace '=.*' | Should -Be $kept
    }

    It 'that fails says why, in words that steer no terminal' {
        Set-Tool grype "printf 'first\n\033[31mno database\n' >&2; exit 3"
        $failure = { Get-ContainerImageVulnerability -Path "$TestDrive/plain" -Scanner Grype -ErrorAction Stop } | Should -Throw -PassThru
        $failure.FullyQualifiedErrorId | Should -BeLike 'ScannerFailed,*'
        "$failure" | Should -BeLike '*exit code 3*no database*'
        "$failure" | Should -Not -Match "`e"
    }

    It 'that answers with something else, or takes too long, has failed' {
        Set-Tool grype 'echo no report'
        Get-ErrorId { Get-ContainerImageVulnerability -Path "$TestDrive/plain" -Scanner Grype } | Should -BeLike 'ScannerFailed,*'
        Set-Tool grype 'echo bad configuration >&2; exit 2'
        { Get-ContainerImageVulnerability -Path "$TestDrive/plain" -Scanner Grype -ErrorAction Stop } | Should -Throw -ErrorId 'ScannerFailed,*' -ExpectedMessage '*exit code 2: bad configuration*'
        Set-Tool grype 'exec sleep 60'
        Get-ErrorId { Get-ContainerImageVulnerability -Path "$TestDrive/plain" -Scanner Grype -Timeout 300ms } | Should -BeLike 'ScannerFailed,*'
    }

    It 'is not taken from the current directory' {
        Remove-Item "$tools/grype"
        $here = New-Item -ItemType Directory "$TestDrive/here"
        Set-Content "$here/grype" "#!/bin/sh`ntouch $here/ran"
        chmod 755 "$here/grype"
        $env:PATH = ".::$env:PATH"
        Push-Location $here
        try {
            Get-ErrorId { Get-ContainerImageVulnerability -Path "$TestDrive/plain" -Scanner Grype } | Should -BeLike 'ScannerNotFound,*'
        }
        finally {
            Pop-Location
        }
        "$here/ran" | Should -Not -Exist
    }
}

Describe 'The engine <_>' -Skip:(-not $fixture.CanRun) -ForEach 'docker-26', 'docker-28' {
    BeforeAll {
        $engine = Start-TestEngine $_
        $store = "docker://$($engine.docker)"
        $null = Import-ContainerImage "$TestDrive/layout", "$TestDrive/plain" -Address $store
        # A scanner of BuildKit's protocol that finds one package, whatever it is given.
        $scanner = New-BuildDirectory "$TestDrive/scanner-$_" $engine "FROM scratch`nCOPY busybox scan /`nENTRYPOINT [`"/busybox`", `"sh`", `"/scan`"]"
        $statement = @{ _type = 'https://in-toto.io/Statement/v0.1'; predicateType = 'https://spdx.dev/Document'; predicate = New-Sbom 'pkg:npm/left@1.0.0' } | ConvertTo-Json -Depth 9 -Compress
        Set-Content "$scanner/scan" "echo '$statement' > `"`$BUILDKIT_SCAN_DESTINATION/sbom.spdx.json`""
        $null = Invoke-ImageBuild $scanner -Tag demo/scanner:1 -Address $engine.address
    }

    AfterAll {
        if ($engine) {
            Stop-TestEngine $engine
        }
    }

    It 'has images with an SBOM, and others' {
        (Get-ContainerImageVulnerability demo/scanned:1 -Address $store -Database $osv).Id | Should -Be 'GHSA-2', 'GHSA-3', 'DSA-1'
        $found = 'demo/plain:1', 'demo/scanned:1' | Get-ContainerImage -Address $store | Get-ContainerImageVulnerability -Database $osv -ErrorVariable failed -ErrorAction SilentlyContinue
        $found.Image | Select-Object -Unique | Should -BeLike '*demo/scanned:1'
        $failed.FullyQualifiedErrorId | Should -Be 'ImageHasNoSbom,OpenCloud.Build.Commands.GetContainerImageVulnerabilityCommand'
    }

    It 'makes the SBOM of an image that has none, and leaves nothing behind' {
        $images = (Get-ContainerImage -Address $store).Id
        $temporary = Get-ChildItem ([IO.Path]::GetTempPath()) -Filter opencloud-build-*
        $found = Get-ContainerImageVulnerability demo/plain:1 -Address $store -Database $osv -SbomGenerator demo/scanner:1 -EngineAddress $engine.address
        $found.Id | Should -Be 'GHSA-2', 'GHSA-3'
        $found.Platform | Select-Object -Unique | Should -Be 'linux/amd64'
        (Get-ContainerImage -Address $store).Id | Should -Be $images
        Get-ChildItem ([IO.Path]::GetTempPath()) -Filter opencloud-build-* | Where-Object Name -NotIn $temporary.Name | Should -BeNullOrEmpty
    }

    It 'runs nothing of the image' {
        $trigger = New-BuildDirectory "$TestDrive/trigger-$_" $engine "FROM image"
        $contexts = @{ image = "oci-layout://$TestDrive/plain@$plain" }
        Get-ErrorId { Invoke-ImageBuild $trigger -BuildContext $contexts -Output type=cacheonly -Address $engine.address } | Should -BeLike 'BuildStepFailed,*'
        (Get-ContainerImageVulnerability -Path "$TestDrive/plain" -Database $osv -SbomGenerator demo/scanner:1 -EngineAddress $engine.address).Id | Should -Be 'GHSA-2', 'GHSA-3'
    }

    It 'makes the SBOM of the platform that has none' {
        $found = Get-ContainerImageVulnerability -Path "$TestDrive/half" -Database $osv -SbomGenerator demo/scanner:1 -EngineAddress $engine.address -ErrorAction Stop
        $found | Where-Object Platform -EQ linux/amd64 | Should -HaveCount 3
        $found | Where-Object Platform -EQ linux/arm64 | Should -HaveCount 2
    }

    It 'says why it made no SBOM' {
        Get-ErrorId { Get-ContainerImageVulnerability demo/plain:1 -Address $store -Database $osv -SbomGenerator demo/none:1 -EngineAddress $engine.address } | Should -BeLike 'SbomNotGenerated,*'
    }

    if ($_ -eq 'docker-28') {
        It 'has the SBOM of a build in its history' {
            $built = Invoke-ImageBuild $scanner -Tag demo/built:1 -Sbom generator=demo/scanner:1 -Address $engine.address
            $record = Get-BuildHistory $built.Ref -Address $engine.address
            $found = $record | Get-ContainerImageVulnerability -Database $osv
            $found.Id | Should -Be 'GHSA-2', 'GHSA-3'
            $found[0].Image | Should -Be $record.Ref
            (Get-ContainerImageVulnerability demo/built:1 -Address $store -Database $osv).Id | Should -Be 'GHSA-2', 'GHSA-3'
            $record | Get-ContainerImageVulnerability -Scanner Grype -ErrorVariable failed -ErrorAction SilentlyContinue
            $failed.FullyQualifiedErrorId | Should -BeLike 'ParameterConflict,*'
        }
    }
}
