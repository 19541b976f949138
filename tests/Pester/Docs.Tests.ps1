# The pages that people read: their links lead somewhere, and their commands run.
#
# A block ```powershell runs on an engine of the fixture, all of a page in one session, in a folder with the inputs that Start-Page makes. A
# block ```powershell host changes a host, or needs a registry, a network or a feed: of it every command and parameter is looked up.
BeforeDiscovery {
    . $PSScriptRoot/Common.ps1
    $pages = @(Get-Item "$root/*.md") + @(Get-ChildItem "$root/docs", "$root/bench", "$root/samples" -Recurse -Filter *.md) |
        Where-Object FullName -NotMatch '/(bin|obj)/' | ForEach-Object { @{ Page = [IO.Path]::GetRelativePath($root, $_.FullName) } }
    $guides = @('README.md') + @(Get-ChildItem "$root/docs/*.md" | ForEach-Object { "docs/$($_.Name)" }) | ForEach-Object { @{ Page = $_ } }
    $others = $pages | Where-Object Page -NotLike 'docs/help/*'
    $runnable = $guides | Where-Object { (Get-Content -Raw "$root/$($_.Page)") -match '(?m)^```powershell$' }
    $engineState = Test-EngineFixture
}

BeforeAll {
    . $PSScriptRoot/Common.ps1
    # One for all pages.
    $engine = (Test-EngineFixture).CanRun ? (Start-TestEngine) : $null

    # The blocks of a page in one language, with the rest of their first line.
    function Get-Block([string] $Page, [string] $Language) {
        foreach ($match in [regex]::Matches((Get-Content -Raw "$root/$Page"), "(?ms)^``````$Language( [^\n]*)?\n(.*?)^``````$")) {
            [pscustomobject] @{ Kind = $match.Groups[1].Value.Trim(); Text = $match.Groups[2].Value }
        }
    }

    # The first document of a text.
    function Read-Yaml([string] $Text) {
        $assembly = (Get-ModuleContext).LoadFromAssemblyName('YamlDotNet')
        $stream = [Activator]::CreateInstance($assembly.GetType('YamlDotNet.RepresentationModel.YamlStream'))
        $stream.Load([IO.StringReader]::new($Text))
        , $stream.Documents[0].RootNode
    }

    # What GitHub makes of a heading.
    function Get-Anchor([string] $Path) {
        $lines = (Get-Content -Raw $Path) -replace '(?ms)^```.*?^```$'
        foreach ($match in [regex]::Matches($lines, '(?m)^#+ (.*)$')) {
            $match.Groups[1].Value.ToLowerInvariant() -replace '[^\w\- ]' -replace ' ', '-'
        }
    }
}

AfterAll {
    if ($engine) {
        Stop-TestEngine $engine
    }
}

Describe 'The page <Page>' -ForEach $pages {
    It 'has no dead link' {
        $text = (Get-Content -Raw "$root/$Page") -replace '(?ms)^(```+).*?^\1$' -replace '`[^`\n]*`'
        foreach ($match in [regex]::Matches($text, '\]\(([^)\s]+)\)')) {
            $link = $match.Groups[1].Value
            if ($link -match '^[a-z]+:') {
                $link | Should -Match '^https://[\w.-]+\.[a-z]+(/\S*)?$'
                continue
            }
            $path, $anchor = $link -split '#', 2
            $file = $path ? [IO.Path]::GetFullPath([IO.Path]::Join($root, [IO.Path]::GetDirectoryName($Page), $path)) : "$root/$Page"
            Test-Path -LiteralPath $file | Should -BeTrue -Because "$Page links to $link"
            if ($anchor) {
                Get-Anchor $file | Should -Contain $anchor -Because "$Page links to $link"
            }
        }
    }
}

Describe 'The commands of <Page>' -ForEach $others {
    It 'are of kinds that a test knows' {
        Get-Block $Page powershell | Where-Object Kind -NotIn '', 'host' | Should -BeNullOrEmpty
    }

    It 'are commands that exist, with parameters that exist' {
        foreach ($block in Get-Block $Page powershell) {
            $errors = $null
            $tree = [Management.Automation.Language.Parser]::ParseInput($block.Text, [ref] $null, [ref] $errors)
            $errors | Should -BeNullOrEmpty -Because $block.Text
            foreach ($call in $tree.FindAll({ $args[0] -is [Management.Automation.Language.CommandAst] }, $true)) {
                $name = $call.GetCommandName()
                if ($name -like '*/*') {
                    Test-Path -LiteralPath "$root/$name" | Should -BeTrue -Because "$Page runs $name"
                    continue
                }
                $command = Get-Command $name -ErrorAction Ignore
                $command | Should -Not -BeNullOrEmpty -Because "$Page runs $name"
                if ($command -is [Management.Automation.AliasInfo]) {
                    $command = $command.ResolvedCommand
                }
                foreach ($parameter in $call.CommandElements | Where-Object { $_ -is [Management.Automation.Language.CommandParameterAst] }) {
                    { $command.ResolveParameter($parameter.ParameterName) } | Should -Not -Throw -Because "$Page runs $name -$($parameter.ParameterName)"
                }
            }
        }
    }

    It 'are shell commands that a shell can read' {
        foreach ($block in Get-Block $Page sh) {
            $block.Text | bash -n 2>&1 | Should -BeNullOrEmpty
            $LASTEXITCODE | Should -Be 0
            # Programs and folders of this repository; a page's own folder is another one.
            foreach ($file in [regex]::Matches($block.Text, '(?m)(?<=^|\s)(?:\./)?(?:build\.sh|build\.ps1|(?:tests|samples|docs|bench)/[\w./-]+)').Value) {
                Test-Path -LiteralPath "$root/$file" | Should -BeTrue -Because "$Page names $file"
            }
        }
    }

    It 'are settings that a parser can read' {
        foreach ($block in Get-Block $Page yaml) {
            $node = Read-Yaml $block.Text
            $node.NodeType | Should -Be 'Mapping'
            # What the services give to a shell.
            foreach ($match in [regex]::Matches($block.Text, '(?m)^ *(?:- )?(?:run|script): (?:\|\n((?: {4,}.*\n)+)|([^|\n].*))|^ +- (\S+ .*[^}:\n])$')) {
                $text = @($match.Groups[1, 2, 3].Where({ $_.Success }).Value) -join "`n" -replace '\$\{\{.*?\}\}|\$\([\w.]+\)', 'x'
                if ($text -notmatch '^\w+: ') {
                    $text | bash -n 2>&1 | Should -BeNullOrEmpty -Because $text
                }
            }
        }
    }
}

Describe 'The script for continuous integration, on <Service>' -Skip:(-not $engineState.CanRun) -ForEach @(
    @{ Service = 'GitHub Actions'; Variables = @{ GITHUB_ACTIONS = 'true'; CI = 'true' }; Shows = '::group::'; Fails = '::error file=app/Dockerfile,line=2' }
    @{ Service = 'Azure Pipelines'; Variables = @{ TF_BUILD = 'True' }; Shows = '##[group]'; Fails = 'app/Dockerfile;linenumber=2;]' }
    @{ Service = 'GitLab CI'; Variables = @{ GITLAB_CI = 'true'; CI = 'true' }; Shows = '#1 '; Fails = "'/missing' was not found" }
) {
    BeforeAll {
        # A registry where the engine can reach it.
        $program = (& "$root/tests/fixture/engine" get registry | Where-Object { $_ -match '/docker-registry ' }) -replace '^.* '
        Set-Content "$TestDrive/registry.yml" "{version: 0.1, log: {level: info}, storage: {filesystem: {rootdirectory: $TestDrive/data}}, http: {addr: '127.0.0.1:5071'}}"
        $registry = Start-Process "$root/tests/fixture/engine" 'exec', $engine.folder, "$program/usr/bin/docker-registry", 'serve', "$TestDrive/registry.yml" -RedirectStandardError "$TestDrive/registry.log" -RedirectStandardOutput "$TestDrive/registry.out" -PassThru
        for ($i = 0; $i -lt 500 -and -not (Select-String 'listening on' "$TestDrive/registry.log" -Quiet); $i++) {
            Start-Sleep -Milliseconds 20
        }
        $folder = (New-Item -ItemType Directory "$TestDrive/ci/app").Parent.FullName
        $script = (Get-Block docs/ci.md powershell)[0].Text -replace 'registry\.example', '127.0.0.1:5071'
        # The module of this checkout in place of the one in a gallery.
        Set-Content "$folder/build-image.ps1" "function Install-PSResource { Import-Module '$manifestPath' -Global }`n$script"

        function Invoke-Script {
            $settings = @{ BUILDKIT_HOST = $engine.address; VERSION = '1.2'; NO_COLOR = '1'; GITHUB_ACTIONS = ''; TF_BUILD = ''; CI = ''; GITHUB_STEP_SUMMARY = ''; GITHUB_WORKSPACE = $folder }
            $Variables.GetEnumerator().ForEach({ $settings[$_.Key] = $_.Value })
            $pairs = $settings.GetEnumerator().ForEach({ "$($_.Key)=$($_.Value)" })
            [string[]] $words = Get-PwshCommand
            $text = env -C $folder @pairs @words -NoProfile -NonInteractive -File build-image.ps1 2>&1 | Out-String -Width 400
            [pscustomobject] @{ Text = $text; ExitCode = $LASTEXITCODE }
        }
    }

    AfterAll {
        if ($registry) {
            $registry.Kill($true)
        }
    }

    It 'builds and pushes, and the job ends well' {
        Set-Content "$folder/app/Dockerfile" 'FROM scratch', 'COPY Dockerfile /'
        $result = Invoke-Script
        $result.ExitCode | Should -Be 0 -Because $result.Text
        $result.Text | Should -Match ([regex]::Escape($Shows))
        "$TestDrive/data/docker/registry/v2/repositories/team/app/_manifests/tags/1.2" | Should -Exist
    }

    It 'fails the job at the line of the Dockerfile' {
        Set-Content "$folder/app/Dockerfile" 'FROM scratch', 'COPY missing /'
        $result = Invoke-Script
        $result.ExitCode | Should -Be 1
        $result.Text | Should -Match ([regex]::Escape($Fails))
    }
}

Describe 'The examples of <Page>, on an engine' -ForEach $runnable -Skip:(-not $engineState.CanRun) {
    BeforeAll {
        # What the examples build from.
        $folder = (New-Item -ItemType Directory "$TestDrive/page").FullName
        foreach ($name in 'hello', 'derived', 'layouts') {
            $null = New-Item -ItemType Directory "$folder/$name"
        }
        $null = New-BuildDirectory "$folder/app" $engine "FROM scratch`nARG VERSION=1`nCOPY busybox /bin/busybox`nRUN [`"/bin/busybox`", `"true`"]"
        $null = New-BuildDirectory "$folder/base" $engine "FROM scratch`nCOPY busybox /bin/busybox"
        Set-Content "$folder/.npmrc" '//registry.example/:_authToken=1'
        Set-Content "$folder/builds.csv" 'Path,Tag', 'app,demo/one:1', 'base,demo/two:1'
        Set-Content "$folder/compose.yaml" "services: { base: { build: ./base }, app: { build: { context: ./app, additional_contexts: { base: 'service:base' } } } }"
    }

    It 'run' {
        $blocks = @(Get-Block $Page powershell | Where-Object Kind -EQ '' | ForEach-Object Text)
        Set-Content "$TestDrive/page.ps1" ($blocks -join "`n")
        $result = Invoke-FreshPwsh -Environment @{ BUILDKIT_HOST = $engine.address; XDG_CONFIG_HOME = "$TestDrive/config" } @"
`$ErrorActionPreference = 'Stop'
Import-Module '$manifestPath'
Set-Location '$folder'
. '$TestDrive/page.ps1' | Out-String -Width 120
"@
        $result.Errors | Should -BeNullOrEmpty
        $result.ExitCode | Should -Be 0
        $result.Output | Should -Not -BeNullOrEmpty
    }
}
