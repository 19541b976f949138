# Engines that a program connects to: programs of this file stand in for ssh, docker, podman, nerdctl and kubectl.
BeforeDiscovery {
    # What the programs report, and the error of the cmdlets.
    $ssh = 'ssh://box'
    $docker = 'docker-container://b'
    $podman = 'podman-container://b'
    $nerdctl = 'nerdctl-container://b'
    $pod = 'kube-pod://b'
    $faults = @(
        @{ address = $ssh; says = 'Host key verification failed.'; code = 255; id = 'HostKeyRejected'; category = 'SecurityError'; action = 'known_hosts' }
        @{ address = $ssh; says = 'Host key for box has changed and you have requested strict checking.'; code = 255; id = 'HostKeyChanged'; category = 'SecurityError'; action = 'ssh-keygen -R' }
        @{ address = $ssh; says = 'me@box: Permission denied (publickey).'; code = 255; id = 'EngineLoginRefused'; category = 'AuthenticationError'; action = 'ssh-add' }
        @{ address = $ssh; says = 'ssh: Could not resolve hostname box: Name or service not known'; code = 255; id = 'EngineHostNotFound'; category = 'ObjectNotFound'; action = 'getent hosts' }
        @{ address = $ssh; says = 'ssh: connect to host box port 22: Connection refused'; code = 255; id = 'SshServerNotListening'; category = 'ConnectionError'; action = 'port' }
        @{ address = $ssh; says = 'ssh: connect to host box port 22: Connection timed out'; code = 255; id = 'EngineUnreachable'; category = 'ConnectionError'; action = 'network' }
        @{ address = $ssh; says = 'kex_exchange_identification: Connection closed by remote host'; code = 255; id = 'SshServerNotFound'; category = 'ProtocolError'; action = 'another service' }
        @{ address = $ssh; says = 'sh: 1: buildctl: not found'; code = 127; id = 'EngineHelperNotFound'; category = 'NotInstalled'; action = 'buildctl --version' }
        @{ address = $ssh; says = 'error: dial unix /run/buildkit/buildkitd.sock: connect: no such file or directory'; code = 1; id = 'RemoteEngineNotListening'; category = 'ConnectionError'; action = 'Start buildkitd' }
        @{ address = $ssh; says = 'error: dial unix /run/buildkit/buildkitd.sock: connect: permission denied'; code = 1; id = 'RemoteEngineForbidden'; category = 'PermissionDenied'; action = 'Grant-BuildKitAccess' }
        @{ address = $ssh; says = 'Bad configuration option: x'; code = 255; id = 'ConnectionProgramFailed'; category = 'ConnectionError'; action = 'ssh HOST true' }
        @{ address = $docker; says = 'Error response from daemon: No such container: b'; code = 1; id = 'EngineContainerNotFound'; category = 'ObjectNotFound'; action = 'docker ps' }
        @{ address = $docker; says = 'Error response from daemon: Container 1f is not running'; code = 1; id = 'EngineContainerNotRunning'; category = 'ResourceUnavailable'; action = 'docker start' }
        @{ address = $docker; says = 'Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?'; code = 1; id = 'ContainerEngineUnreachable'; category = 'ConnectionError'; action = 'docker info' }
        @{ address = $docker; says = 'permission denied while trying to connect to the docker API at unix:///var/run/docker.sock'; code = 1; id = 'ContainerEngineForbidden'; category = 'PermissionDenied'; action = 'group docker' }
        @{ address = $docker; says = 'unable to resolve docker endpoint: context "c": context not found'; code = 1; id = 'EngineContextNotFound'; category = 'ObjectNotFound'; action = 'docker context ls' }
        @{ address = $podman; says = 'Error: no container with name or ID "b" found: no such container'; code = 125; id = 'EngineContainerNotFound'; category = 'ObjectNotFound'; action = 'podman ps' }
        @{ address = $podman; says = 'Error: can only create exec sessions on running containers: container state improper'; code = 255; id = 'EngineContainerNotRunning'; category = 'ResourceUnavailable'; action = 'Start the container' }
        @{ address = $podman; says = 'OCI runtime attempted to invoke a command that was not found: executable file not found in $PATH'; code = 127; id = 'EngineHelperNotFound'; category = 'NotInstalled'; action = 'moby/buildkit' }
        @{ address = $nerdctl; says = 'FATA[0000] no such container: b'; code = 1; id = 'EngineContainerNotFound'; category = 'ObjectNotFound'; action = 'namespace' }
        @{ address = $nerdctl; says = 'FATA[0000] rootless containerd not running?'; code = 1; id = 'ContainerEngineUnreachable'; category = 'ConnectionError'; action = 'nerdctl info' }
        @{ address = $pod; says = 'Error from server (NotFound): pods "b" not found'; code = 1; id = 'EnginePodNotFound'; category = 'ObjectNotFound'; action = 'kubectl get pods' }
        @{ address = $pod; says = 'Error from server (NotFound): namespaces "n" not found'; code = 1; id = 'KubernetesNamespaceNotFound'; category = 'ObjectNotFound'; action = 'get namespaces' }
        @{ address = $pod; says = 'error: container c is not valid for pod b'; code = 1; id = 'EnginePodContainerNotFound'; category = 'ObjectNotFound'; action = 'container=' }
        @{ address = $pod; says = 'error: context "c" does not exist'; code = 1; id = 'EngineContextNotFound'; category = 'ObjectNotFound'; action = 'get-contexts' }
        @{ address = $pod; says = 'Error from server (Forbidden): pods "b" is forbidden'; code = 1; id = 'KubernetesForbidden'; category = 'PermissionDenied'; action = 'pods/exec' }
        @{ address = $pod; says = 'error: You must be logged in to the server (Unauthorized)'; code = 1; id = 'KubernetesLoginRefused'; category = 'AuthenticationError'; action = 'Renew' }
        @{ address = $pod; says = 'Unable to connect to the server: getting credentials: exec: executable aws not found'; code = 1; id = 'KubernetesPluginFailed'; category = 'AuthenticationError'; action = 'credential plugin' }
        @{ address = $pod; says = 'error: unable to upgrade connection: container not found ("buildkitd")'; code = 1; id = 'EngineContainerNotRunning'; category = 'ResourceUnavailable'; action = 'describe pod' }
        @{ address = $pod; says = 'The connection to the server localhost:8080 was refused - did you specify the right host or port?'; code = 1; id = 'KubernetesUnreachable'; category = 'ConnectionError'; action = 'kubectl version' }
    )
    $names = '-oProxyCommand=id', '$(id)', 'a;id', 'a`id`', 'a|id', 'a b', "a'b", 'a%h', '--privileged'
    $refused = foreach ($name in $names) {
        foreach ($form in 'ssh://{0}', 'ssh://{0}@box', 'docker+ssh://{0}', 'docker-context://{0}', 'docker-container://{0}', 'docker-container://b?context={0}', 'podman-container://{0}',
            'nerdctl-container://{0}', 'nerdctl-container://b?namespace={0}', 'kube-pod://{0}', 'kube-pod://b?namespace={0}', 'kube-pod://b?context={0}', 'kube-pod://b?container={0}') {
            $form -f $name
        }
    }
}

BeforeAll {
    . $PSScriptRoot/Common.ps1
    $programs = (New-Item -ItemType Directory "$TestDrive/programs").FullName
    $record = "$TestDrive/record"
    # ssh logs in for others: it creates the control socket, and stays until its input ends.
    $script = @'
#!/bin/sh
printf '%s\n' "${0##*/}" "$@" >> 'RECORD'
case "$*" in *' cat') : > "$2"; exec cat;; esac
test -e 'FOLDER/waits' && { echo $$ > 'FOLDER/waiting.new'; mv 'FOLDER/waiting.new' 'FOLDER/waiting'; sleep 600 & wait; }
cat 'FOLDER/says' >&2
exit "$(cat 'FOLDER/code')"
'@.Replace('RECORD', $record).Replace('FOLDER', $TestDrive)
    foreach ($name in 'ssh', 'docker', 'podman', 'nerdctl', 'kubectl') {
        Set-Content "$programs/$name" $script
        chmod 755 "$programs/$name"
    }
    $path = $env:PATH
    $env:PATH = "${programs}:$path"

    function Set-Answer([string] $Says, [int] $Code) {
        Set-Content "$TestDrive/says" $Says
        Set-Content "$TestDrive/code" $Code
        Remove-Item $record -ErrorAction Ignore
    }
}

AfterAll {
    $env:PATH = $path
}

Describe 'An engine that a program connects to' {
    It '<address>: <says> is <id>' -ForEach $faults {
        Set-Answer $says $code
        # One that may be starting is tried again until the timeout.
        $timeout = $id -in 'EngineContainerNotRunning', 'RemoteEngineNotListening', 'SshServerNotListening' ? '1500ms' : '30s'
        Get-BuildKitInfo -Address $address -ConnectTimeout $timeout -ErrorVariable errors -ErrorAction SilentlyContinue | Should -BeNullOrEmpty
        $errors[0].FullyQualifiedErrorId | Should -BeLike "$id,*"
        $errors[0].CategoryInfo.Category | Should -Be $category
        $errors[0].TargetObject | Should -Be $address
        $errors[0].Exception.Message | Should -BeLike "*reports: $([Management.Automation.WildcardPattern]::Escape($says.TrimEnd('.')))."
        $errors[0].ErrorDetails.RecommendedAction | Should -BeLike "*$action*"
    }

    It 'starts <arguments>' -ForEach @(
        @{ address = 'docker-container://b?context=c'; arguments = 'docker --context=c exec -i b buildctl dial-stdio' }
        @{ address = 'podman-container://b'; arguments = 'podman exec -i b buildctl dial-stdio' }
        @{ address = 'nerdctl-container://b?namespace=n'; arguments = 'nerdctl --namespace=n exec -i b buildctl dial-stdio' }
        @{ address = 'kube-pod://b?namespace=n&context=c@d&container=e'; arguments = 'kubectl --context=c@d --namespace=n exec --container=e -i b -- buildctl dial-stdio' }
        @{ address = 'ssh://me@box:2222/run/b.sock'; arguments = 'ssh -S * -v -o ControlMaster=yes -o ControlPersist=no -T -a -x -o BatchMode=yes -o ClearAllForwardings=yes -o RemoteCommand=none -o PermitLocalCommand=no -o ServerAliveInterval=15 -l me -p 2222 -- box cat ssh -S * -o ControlMaster=no -T -a -x -o BatchMode=yes -o ClearAllForwardings=yes -o RemoteCommand=none -o PermitLocalCommand=no -o ServerAliveInterval=15 -l me -p 2222 -- box buildctl --addr unix:///run/b.sock dial-stdio' }
        @{ address = 'docker+ssh://box'; arguments = 'ssh -S * -v -o ControlMaster=yes -o ControlPersist=no -T -a -x -o BatchMode=yes -o ClearAllForwardings=yes -o RemoteCommand=none -o PermitLocalCommand=no -o ServerAliveInterval=15 -- box cat ssh -S * -o ControlMaster=no -T -a -x -o BatchMode=yes -o ClearAllForwardings=yes -o RemoteCommand=none -o PermitLocalCommand=no -o ServerAliveInterval=15 -- box docker system dial-stdio' }
    ) {
        Set-Answer 'no' 3
        Get-BuildKitInfo -Address $address -ConnectTimeout 30s -ErrorAction SilentlyContinue
        (Get-Content $record) -join ' ' | Should -BeLike $arguments
    }

    It 'is refused when a name could be an option or a command' -ForEach @{ refused = $refused } {
        Set-Answer 'no' 3
        $refused | Should -HaveCount (9 * 13)
        foreach ($address in $refused) {
            { Get-BuildKitInfo -Address $address -ErrorAction Stop } | Should -Throw -ErrorId 'InvalidAddress,*' -Because $address
        }
        $record | Should -Not -Exist
    }

    It 'is not there without its program' {
        $env:PATH = '/nowhere'
        try {
            { Get-BuildKitInfo -Address podman-container://b -ErrorAction Stop } | Should -Throw -ErrorId 'ConnectionProgramNotFound,*'
        }
        finally {
            $env:PATH = "${programs}:$path"
        }
    }

    It 'ends within a second when the cmdlet is stopped: <_>' -ForEach 'ssh://box', 'kube-pod://b' {
        Set-Answer 'no' 3
        $null = New-Item "$TestDrive/waits"
        Remove-Item "$TestDrive/waiting" -ErrorAction Ignore
        $shell = [powershell]::Create([Management.Automation.RunspaceMode]::NewRunspace)
        try {
            $null = $shell.AddScript("Import-Module '$manifestPath'; Get-BuildKitInfo -Address $_ -ConnectTimeout 5m")
            $running = $shell.BeginInvoke()
            while (-not (Test-Path "$TestDrive/waiting")) {
                $running.IsCompleted | Should -BeFalse
                Start-Sleep -Milliseconds 10
            }
            $clock = [Diagnostics.Stopwatch]::StartNew()
            $shell.Stop()
            $clock.Elapsed.TotalSeconds | Should -BeLessThan 1
            $process = Get-Content "$TestDrive/waiting"
            while ((Test-Path "/proc/$process") -and $clock.Elapsed.TotalSeconds -lt 5) {
                Start-Sleep -Milliseconds 10
            }
            "/proc/$process" | Should -Not -Exist
        }
        finally {
            Remove-Item "$TestDrive/waits"
            $shell.Dispose()
        }
    }
}

Describe 'Completion of an address' {
    BeforeAll {
        $script = @'
#!/bin/sh
printf '%s\n' "${0##*/} $*" >> 'RECORD'
test -e 'FOLDER/waits' && exec sleep 600
case "${0##*/} $*" in
    'podman ps --format {{.Names}}') printf 'buildkitd\nother\n-x\n';;
    'nerdctl ps --format {{.Names}}') printf 'buildkitd\n';;
    'nerdctl namespace ls --quiet') printf 'default\nk8s.io\n';;
    'kubectl config get-contexts --output=name') printf 'home\nme@far\n$(id)\n';;
    'kubectl --context=far get namespaces --output=name') printf 'namespace/build\nnamespace/ci\n';;
    'kubectl get pods --field-selector=status.phase=Running --output=name') printf 'pod/buildkitd-0\npod/buildkitd-1\n';;
    'kubectl --namespace=ci get pod p --output=jsonpath='*) printf 'buildkitd\nside\n';;
    *) echo odd >&2; exit 1;;
esac
'@.Replace('RECORD', $record).Replace('FOLDER', $TestDrive)
        $listing = (New-Item -ItemType Directory "$TestDrive/listing").FullName
        foreach ($name in 'podman', 'nerdctl', 'kubectl') {
            Set-Content "$listing/$name" $script
            chmod 755 "$listing/$name"
        }
        $env:PATH = "${listing}:$path"

        # A program that is late answers the next completion.
        function Get-Completion([string] $Word, [scriptblock] $Until) {
            $line = "Get-BuildKitInfo -Address '$Word"
            $clock = [Diagnostics.Stopwatch]::StartNew()
            do {
                $offered = (TabExpansion2 $line $line.Length).CompletionMatches.CompletionText.ForEach({ $_.Trim("'") })
            } until ((& $Until $offered) -or $clock.Elapsed.TotalSeconds -gt 10)
            $offered
        }
    }
    AfterAll {
        $env:PATH = "${programs}:$path"
    }

    It 'knows <word>' -ForEach @(
        @{ word = 'podman-container://'; expected = 'podman-container://buildkitd', 'podman-container://other' }
        @{ word = 'nerdctl-container://b'; expected = , 'nerdctl-container://buildkitd' }
        @{ word = 'nerdctl-container://b?namespace='; expected = 'nerdctl-container://b?namespace=default', 'nerdctl-container://b?namespace=k8s.io' }
        @{ word = 'kube-pod://b'; expected = 'kube-pod://buildkitd-0', 'kube-pod://buildkitd-1' }
        @{ word = 'kube-pod://b?'; expected = 'kube-pod://b?context=', 'kube-pod://b?namespace=', 'kube-pod://b?container=' }
        @{ word = 'kube-pod://b?context='; expected = 'kube-pod://b?context=home', 'kube-pod://b?context=me@far' }
        @{ word = 'kube-pod://b?context=far&namespace=c'; expected = , 'kube-pod://b?context=far&namespace=ci' }
        @{ word = 'kube-pod://p?namespace=ci&container='; expected = 'kube-pod://p?namespace=ci&container=buildkitd', 'kube-pod://p?namespace=ci&container=side' }
    ) {
        (Get-Completion $word { $args[0].Count -ge $expected.Count }) | Sort-Object | Should -Be ($expected | Sort-Object)
    }

    It 'does not wait for a program that does not answer' {
        $null = New-Item "$TestDrive/waits"
        try {
            $line = "Get-BuildKitInfo -Address 'kube-pod://x?context=slow&namespace="
            $clock = [Diagnostics.Stopwatch]::StartNew()
            (TabExpansion2 $line $line.Length).CompletionMatches | Should -BeNullOrEmpty
            $clock.Elapsed.TotalSeconds | Should -BeLessThan 1
        }
        finally {
            Remove-Item "$TestDrive/waits"
        }
    }
}

Describe 'Test-BuildKitSocket' {
    It '<address>: the step "<failed>" fails when <says>' -ForEach @(
        @{ address = 'ssh://box'; says = 'Host key verification failed.'; passed = 'Program'; failed = 'Login' }
        @{ address = 'ssh://box'; says = 'sh: 1: buildctl: not found'; passed = 'Program', 'Login'; failed = 'Helper program' }
        @{ address = 'docker-container://b'; says = 'Error response from daemon: No such container: b'; passed = 'Program', 'Container engine'; failed = 'Container' }
        @{ address = 'kube-pod://b'; says = 'Error from server (Forbidden): pods "b" is forbidden'; passed = 'Program', 'Cluster'; failed = 'Pod' }
        @{ address = 'podman-container://b'; says = 'odd'; passed = , 'Program'; failed = 'Connection' }
    ) {
        Set-Answer $says 1
        $found = Test-BuildKitSocket $address -Detailed -ConnectTimeout 30s
        $found.Reachable | Should -BeFalse
        $found.Checks.Where({ $_.State -eq 'Ok' }).Name | Should -Be $passed
        $found.Checks[-1].Name | Should -Be $failed
        $found.Checks[-1].State | Should -Be 'Failed'
        $found.Remedy | Should -Not -BeNullOrEmpty
    }

    It 'kube-deployment://b: <what>' -ForEach @(
        @{ what = 'no such deployment'; workload = ':'; pods = ':'; passed = 'Program', 'Cluster'; failed = 'Deployment'; says = '*neither a Deployment nor a StatefulSet b exists*'; action = '*Get-BuildKitDeployment*' }
        @{ what = 'no right to read it'; workload = 'echo ''Error from server (Forbidden): deployments.apps "b" is forbidden'' >&2; exit 1'; pods = ':'; passed = 'Program', 'Cluster'; failed = 'Deployment'; says = '*is forbidden*'; action = '*' }
        @{ what = 'no ready pods'; pods = 'printf ''{"items":[{"metadata":{"name":"pod-0"},"status":{"phase":"Pending","containerStatuses":[{"state":{"waiting":{"reason":"ErrImagePull"}}}]}}]}'''; passed = 'Program', 'Cluster', 'Deployment'; failed = 'Pod'; says = '*no pod is ready (pod-0: ErrImagePull)*'; action = '*kubectl describe pods*' }
        @{ what = 'no right to run commands in a pod'; exec = 'echo ''Error from server (Forbidden): pods "pod-0" is forbidden'' >&2; exit 1'; passed = 'Program', 'Cluster', 'Deployment'; failed = 'Pod'; says = '*kube-pod://pod-*is forbidden*'; action = '*pods/exec*' }
        @{ what = 'a pod without buildctl'; exec = 'echo ''exec: "buildctl": executable file not found in $PATH'' >&2; exit 127'; passed = 'Program', 'Cluster', 'Deployment', 'Pod'; failed = 'Helper program'; says = '*buildctl*'; action = '*' }
        @{ what = 'one pod that does not answer'; exec = 'case "$*" in *pod-1*) exec sleep 60;; esac; echo ''error: unable to upgrade connection: container not found ("buildkitd")'' >&2; exit 1'; other = '*kube-pod://pod-1*within*'; passed = 'Program', 'Cluster', 'Deployment'; failed = 'Pod'; says = '*kube-pod://pod-0*'; action = '*' }
    ) {
        $folder = (New-Item -ItemType Directory "$TestDrive/deployment" -Force).FullName
        Set-Content "$folder/kubectl" @"
#!/bin/sh
case "`$*" in
*'get deployment/'*) $($workload ?? 'printf ''{"spec":{"selector":{"matchLabels":{"app":"b"}}}}''') ;;
*'get pods'*) $($pods ?? 'printf ''{"items":[{"metadata":{"name":"pod-0"},"status":{"phase":"Running","conditions":[{"type":"Ready","status":"True"}]}},{"metadata":{"name":"pod-1"},"status":{"phase":"Running","conditions":[{"type":"Ready","status":"True"}]}}]}''') ;;
*) $exec ;;
esac
"@
        chmod 755 "$folder/kubectl"
        $was = $env:PATH
        $env:PATH = "${folder}:$was"
        try {
            $found = Test-BuildKitSocket kube-deployment://b -Detailed -ConnectTimeout 2s
            $found.Reachable | Should -BeFalse
            $found.Checks.Where({ $_.State -eq 'Ok' }).Name | Should -Be $passed
            $found.Checks[-1].Name | Should -Be $failed
            $found.Checks[-1].State | Should -Be 'Failed'
            $found.Checks[-1].Evidence | Should -BeLike $says
            $found.Remedy | Should -BeLike $action
            if ($other) {
                $found.Checks.Where({ $_.Name -eq 'Other pod' }).Evidence | Should -BeLike $other
            }
        }
        finally {
            $env:PATH = $was
        }
    }

    It 'follows a Docker context, with its certificates' {
        $config = $env:DOCKER_CONFIG
        $env:DOCKER_CONFIG = "$TestDrive/docker"
        try {
            $id = [Convert]::ToHexStringLower([Security.Cryptography.SHA256]::HashData([Text.Encoding]::UTF8.GetBytes('far')))
            $null = New-Item -ItemType Directory "$TestDrive/docker/contexts/meta/$id", "$TestDrive/docker/contexts/tls/$id/docker"
            Set-Content "$TestDrive/docker/contexts/meta/$id/meta.json" '{ "Name": "far", "Endpoints": { "docker": { "Host": "tcp://127.0.0.1:1" } } }'
            $found = Test-BuildKitSocket docker-context://far -Detailed
            $found.Checks.Name | Should -Be 'Certificate files'
            $found.Checks[0].Evidence | Should -BeLike '*contains none of ca.pem*'
            (Test-BuildKitSocket docker-context://none -Detailed).Checks[0].Evidence | Should -BeLike '*the context does not exist*'
        }
        finally {
            $env:DOCKER_CONFIG = $config
        }
    }
}
