# Every example of every help page runs: on an engine, or, where it changes this machine, up to the change (-WhatIf). BuildKitHost.Tests.ps1
# makes those changes on a systemd host.
BeforeDiscovery {
    . $PSScriptRoot/Common.ps1
    $fixture = Test-EngineFixture
    # What an example may end with in a test's network, which leads nowhere, and on a machine without the module's own engine.
    $ends = @{
        'Build from a git repository'                          = 'SourceUnavailable'
        'Use a bake file of a repository'                      = 'DefinitionNotFetched'
        'Build only what has a name'                           = 'PushFailed'
        'Fail on severe vulnerabilities of an image'           = 'ImageHasNoSbom'
        'Let an engine make the SBOM'                          = 'SbomNotGenerated'
        'Use trivy'                                            = 'ScannerNotFound'
        'Log out'                                              = 'RegistryLoginNotFound'
        'Push an image and use a registry cache'               = 'PushFailed', 'CacheNotExported', 'BuildFailed'
        'Install an isolated engine with access over AF_VSOCK' = 'HostUnsupported', 'HostConflict'
        'Install BuildKit'                                     = 'HostUnsupported', 'HostConflict', 'HostTargetNotFound'
        'Show what would be done'                              = 'HostUnsupported', 'HostConflict'
        'Install from a file'                                  = 'HostUnsupported', 'HostConflict', 'ReleaseNotTrusted'
        'Install a rootless engine for a dedicated user'       = 'HostUnsupported', 'RootlessBlocked', 'HostTargetNotFound'
        'Install a rootless engine for yourself'               = 'HostUnsupported', 'RootlessBlocked', 'HostInputInvalid'
        'Give access to a user and a service'                  = 'HostTargetNotFound', 'HostUnsupported'
        'Give access to the user who invoked sudo'             = 'HostTargetNotFound', 'HostInputInvalid'
        'Revoke access from a user and a service'              = 'HostTargetNotFound', 'HostUnsupported'
        'Show what would change for several users'             = 'HostTargetNotFound'
        'Test the access of a service'                         = 'HostTargetNotFound', 'HostUnsupported'
        'Remove BuildKit, keep the cache'                      = 'HostTargetNotFound'
        'Remove a rootless engine'                             = 'HostTargetNotFound'
        'Remove everything'                                    = 'HostTargetNotFound'
        'Update to the newest version'                         = 'HostTargetNotFound'
        'Restore the previous version'                         = 'HostTargetNotFound'
    }
    $examples = foreach ($cmdlet in (Get-Module OpenCloud.Build).ExportedCmdlets.Keys | Sort-Object) {
        foreach ($example in (Get-Help $cmdlet -Full).examples.example) {
            $title = $example.title -replace '^Example \d+: '
            @{ Cmdlet = $cmdlet; Title = $title; Code = $example.code; Ends = @($ends[$title]) + @(if ($example.code -match 'registry\.local') { 'RegistryUnreachable' }) }
        }
    }
}

Describe 'The examples of the help' -Skip:(-not $fixture.CanRun) {
    BeforeAll {
        . $PSScriptRoot/Common.ps1
        $engine = Start-TestEngine
        $variables = 'BUILDKIT_HOST', 'DOCKER_HOST', 'CONTAINERD_ADDRESS', 'XDG_RUNTIME_DIR', 'SSH_AUTH_SOCK', 'DOCKER_CONFIG', 'XDG_CONFIG_HOME', 'OPENCLOUD_BUILD_CONTAINERS', 'PATH'
        $before = @{}
        foreach ($name in $variables) {
            $before[$name] = [Environment]::GetEnvironmentVariable($name)
            if ($name -ne 'PATH') {
                [Environment]::SetEnvironmentVariable($name, $null)
            }
        }
        $env:BUILDKIT_HOST = $engine.address
        $env:DOCKER_HOST = "unix://$($engine.docker)"
        # An example with containerd uses that of the fixture, with folders of its own.
        $env:OPENCLOUD_BUILD_CONTAINERS = "$($engine.folder)/box"

        $env:XDG_CONFIG_HOME = "$TestDrive/config"
        $env:DOCKER_CONFIG = (New-Item -ItemType Directory "$TestDrive/docker").FullName

        $work = New-Item -ItemType Directory "$TestDrive/work"
        Push-Location $work
        $app = New-BuildDirectory "$work/app" $engine @'
FROM scratch AS test
ARG VERSION=1
COPY busybox /bin/busybox
RUN ["/bin/busybox", "sh", "-c", "echo a warning >&2; /bin/busybox touch /built"]
FROM test AS release
'@
        # A repository, as the build of the same tree asks it for a time.
        git -C $app init --quiet
        git -C $app -c user.name=test -c user.email=test@localhost commit --quiet --allow-empty --message first
        $null = New-Item -ItemType Directory "$work/site", "$work/assets"
        Set-Content "$work/site/index.html" 'hello'
        Set-Content "$work/assets/Dockerfile" 'FROM scratch', 'COPY Dockerfile /'
        Set-Content "$work/.npmrc" 'secret'
        Set-Content "$work/compose.yaml" 'services:', '  api: { image: demo/api:1, build: ./app }', '  web: { image: demo/web:1, build: ./app }'
        Set-Content "$work/docker-bake.hcl" 'variable "TAG" { default = "1" }', 'target "default" {', '  context = "./assets"', '  tags = ["demo/baked:${TAG}"]', '}'
        $null = New-Item -ItemType Directory "$work/osv"
        Set-Content "$work/osv/A-1.json" '{"id":"A-1","modified":"2026-01-01T00:00:00Z","affected":[{"package":{"ecosystem":"npm","name":"left"},"ranges":[{"type":"SEMVER","events":[{"introduced":"0"},{"fixed":"1.5.0"}]}]}]}'
        Compress-Archive "$work/osv/A-1.json" "$work/osv/all.zip"
        Set-Content "$work/sbom.spdx.json" '{"spdxVersion":"SPDX-2.3","packages":[{"name":"left","externalRefs":[{"referenceType":"purl","referenceLocator":"pkg:npm/left@1.0.0"}]}]}'
        Set-Content "$work/builds.csv" 'Path,Tag', './app,list/app:1', './app,list/app:2'
        Set-Content "$work/buildkit-v0.32.2.linux-amd64.tar.gz" 'no archive'
        $null = Invoke-ImageBuild $app -Tag alpine:3 -Output 'type=oci,tar=false,dest=./images/alpine' -ErrorAction Stop
        # An engine in a container is reached by the docker command.
        $docker = Join-Path (((& "$root/tests/fixture/engine" get docker-cli) -match '/docker-cli ') -split ' ')[-1] usr/bin
        $env:PATH = "${docker}:$env:PATH"
        $image = New-EngineImageDirectory "$TestDrive/engine-image" $engine
        $null = Invoke-ImageBuild $image -Target first -Output 'type=oci,tar=false,dest=./images/buildkit' -ErrorAction Stop
        $null = Invoke-ImageBuild $image -Target second -Output 'type=oci,tar=false,dest=./images/buildkit-new' -ErrorAction Stop
        # What examples take for given: an image, an archive of it, an agent, a credential, and a name of another program.
        $null = Invoke-ImageBuild $app -Tag demo/app:1 -ErrorAction Stop
        $null = Export-ContainerImage demo/app:1 "$TestDrive/kept.tar" -ErrorAction Stop
        $agent = Start-Process ssh-agent -ArgumentList '-D', '-a', "$TestDrive/agent" -PassThru -RedirectStandardOutput "$TestDrive/agent.out" -ErrorAction Ignore
        $env:SSH_AUTH_SOCK = "$TestDrive/agent"
        for ($limit = 0; $agent -and -not (Test-Path "$TestDrive/agent") -and $limit -lt 200; $limit++) {
            Start-Sleep -Milliseconds 50
        }
        $credential = [pscredential]::new('user', (ConvertTo-SecureString 'password' -AsPlainText))
        Set-Content "$work/token" 'token'
        function Get-Credential { $credential }
        function Read-Host { ConvertTo-SecureString 'token' -AsPlainText }
        function systemctl { }
        $path = $env:PATH
        $env:PATH = "$(New-StandInKubectl "$TestDrive/programs"):$env:PATH"
    }

    AfterAll {
        Pop-Location
        $env:PATH = $path
        foreach ($name in $variables) {
            [Environment]::SetEnvironmentVariable($name, $before[$name])
        }
        if ($agent) {
            $agent | Stop-Process
        }
        if ($engine) {
            Stop-TestEngine $engine
        }
    }

    It '<Cmdlet>: <Title>' -ForEach $examples {
        # Only what changes this machine is kept from it.
        $WhatIfPreference = $Code -match '\b(Install|Update|Uninstall)-BuildKit\b|\b(Grant|Revoke)-BuildKitAccess\b'
        $ConfirmPreference = 'None'
        Remove-Item ./app.tar, ./demo, ./app.dockerbuild, ./layout -Recurse -ErrorAction Ignore
        if ($Cmdlet -ne 'Export-ContainerImage') {
            # The image and the archives that examples begin with.
            'app', 'amd64', 'arm64' | ForEach-Object { Copy-Item "$TestDrive/kept.tar" "./$_.tar" }
            $null = Import-ContainerImage ./app.tar -ErrorAction Stop -WhatIf:$false
            if ($Cmdlet -eq 'New-ContainerImageIndex') {
                Remove-Item ./app.tar
            }
        }

        $said = try {
            $run = $Code -replace ' -Confirm$', ' -Confirm:$false' -replace '/run/containerd/containerd\.sock', $engine.containerd
            & ([scriptblock]::Create($run)) 2>&1 3>$null 4>$null 6>$null
        }
        catch {
            $_
        }
        $errors = @($said | Where-Object { $_ -is [Management.Automation.ErrorRecord] })
        foreach ($record in $errors) {
            ($record.FullyQualifiedErrorId -split ',')[0] | Should -BeIn $Ends -Because "$record"
        }
    }

    It 'removes one untagged image of several, when it is piped' {
        $null = 1..3 | ForEach-Object { Invoke-ImageBuild ./assets -DockerfileText "FROM scratch`nLABEL number=$_`nCOPY Dockerfile /" -ErrorAction Stop }
        $untagged = @(Get-ContainerImage -Dangling)
        $untagged.Count | Should -BeGreaterThan 2
        $untagged[0] | Remove-ContainerImage -Confirm:$false -ErrorAction Stop
        (Get-ContainerImage -Dangling).Id | Should -Be $untagged.Id[1..($untagged.Count - 1)]
    }
}
