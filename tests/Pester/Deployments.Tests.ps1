# Engines on Kubernetes, with a stand-in for kubectl that records what it gets. The tests of the Engine suite run a real kubectl.
BeforeAll {
    . $PSScriptRoot/Common.ps1
    $programs = New-StandInKubectl "$TestDrive/programs"
    $path = $env:PATH
    $env:PATH = "${programs}:$env:PATH"

    # The arguments of each run of kubectl since the last call.
    function Get-Run {
        $lines = Get-Content "$programs/arguments" -ErrorAction Ignore
        Remove-Item "$programs/arguments" -ErrorAction Ignore
        (($lines -join "`n") -split "(?m)^---$").Trim().Where({ $_ }).ForEach({ $_ -replace "`n", ' ' })
    }
}

AfterAll {
    $env:PATH = $path
}

Describe 'The cmdlets for engines on Kubernetes' {
    BeforeEach {
        Remove-Item "$programs/fail", "$programs/owners", "$programs/input", "$programs/arguments", "$programs/replicas",
            "$programs/conflict", "$programs/warning", "$programs/remains", "$programs/pods" -ErrorAction Ignore
    }

    It 'applies on the server, with the manifest on standard input' {
        $made = New-BuildKitDeployment builders -Namespace ci -Context admin@cluster -Replicas 3 -Cpu 500m -MemoryLimit 4Gi
        $made.Name | Should -Be 'builders'
        $made.Kind | Should -Be 'Deployment'
        $made.Replicas | Should -Be 3
        $made.Ready | Should -Be 2
        $made.Context | Should -Be 'admin@cluster'
        $made.Address | Should -Be 'kube-deployment://builders?context=admin@cluster&namespace=ci'
        $made.Created.UtcDateTime.ToString('s') | Should -Be '2026-11-28T09:30:15'
        $runs = @(Get-Run)
        $runs[1] | Should -Be '--context=admin@cluster --namespace=ci apply --server-side --field-manager=opencloud.build --dry-run=server --filename=- --output=name'
        $runs[2] | Should -Be '--context=admin@cluster --namespace=ci apply --server-side --field-manager=opencloud.build --filename=- --output=name'
        $text = Get-Content -Raw "$programs/input"
        $text | Should -Be (New-BuildKitDeployment builders -Namespace ci -Replicas 3 -Cpu 500m -MemoryLimit 4Gi -AsManifest)
        $text | Should -BeLike '*kind: Deployment*replicas: 3*kind: PodDisruptionBudget*maxUnavailable: 1*'
        $text | Should -BeLike '*readinessProbe:*- buildctl*- debug*- workers*'
        $text | Should -BeLike '*terminationGracePeriodSeconds: 635*'
        $text | Should -BeLike '*preStop:*- sleep*privileged: true*'
        $text | Should -BeLike '*requests:*cpu: "500m"*limits:*memory: "4Gi"*'
        $text | Should -BeLike '*app.kubernetes.io/managed-by: opencloud.build*'
        Get-Run | Should -BeNullOrEmpty
    }

    It 'waits for the pods only when asked, and says what is missing' {
        $null = New-BuildKitDeployment builders
        Get-Run | Should -Not -BeLike '*,pods *'
        (New-BuildKitDeployment builders -Wait).Ready | Should -Be 3
        @(Get-Run)[-1] | Should -Be 'get deployments,statefulsets,pods --selector=app.kubernetes.io/managed-by=opencloud.build,app.kubernetes.io/instance=builders --output=json'
        [IO.File]::WriteAllText("$programs/pods", ',{"kind":"Pod","metadata":{"name":"builders-1"},"spec":{"containers":[{"name":"buildkitd","image":"example.org/b:1"}]},"status":{"phase":"Pending","containerStatuses":[{"name":"buildkitd","state":{"waiting":{"reason":"ErrImagePull","message":"not found"}}}]}}' +
            ',{"kind":"Pod","metadata":{"name":"builders-2"},"status":{"phase":"Running","containerStatuses":[{"name":"buildkitd","state":{"running":{}}}]}}')
        $missing = '1 of 3 pods is ready: builders-1: the image example.org/b:1 cannot be pulled: not found; builders-2: its engine runs and does not answer yet.'
        $said = New-BuildKitDeployment builders -Wait -Timeout 1500ms -Verbose -ErrorAction SilentlyContinue -ErrorVariable errors 4>&1
        $said.Message[-1] | Should -Be "The deployment 'builders': $missing"
        $errors[0].FullyQualifiedErrorId | Should -BeLike 'DeploymentWaitTimedOut,*'
        $errors[0].TargetObject | Should -Be 'builders'
        $errors[0].Exception.Message | Should -Be "The deployment 'builders' was applied, but is not ready after 1.5 s: $missing"
        { New-BuildKitDeployment builders -Wait -AsManifest -ErrorAction Stop } | Should -Throw -ErrorId 'InvalidDeployment,*'
    }

    It 'forces only when asked' {
        $null = New-BuildKitDeployment builders -Force
        @(Get-Run)[1, 2] | Should -Be @(
            'apply --server-side --field-manager=opencloud.build --dry-run=server --force-conflicts --filename=- --output=name'
            'apply --server-side --field-manager=opencloud.build --force-conflicts --filename=- --output=name')
    }

    It 'replaces what Set-BuildKitDeployment has set, but not values of others' {
        $conflict = "error: Apply failed with 1 conflict: conflict with `"{0}`" with subresource `"scale`" using apps/v1: .spec.replicas`nPlease review the fields above--they currently have other managers.`n* One way`n* Another way`nSee https://kubernetes.io/"
        Set-Content "$programs/conflict" ($conflict -f 'opencloud.build')
        (New-BuildKitDeployment builders -Replicas 3).Name | Should -Be 'builders'
        @(Get-Run).Where({ $_ -like 'apply *' }) | Should -HaveCount 3
        Set-Content "$programs/conflict" ($conflict -f 'kube-controller-manager')
        New-BuildKitDeployment builders -Replicas 3 -ErrorAction SilentlyContinue -ErrorVariable errors | Should -BeNullOrEmpty
        $errors[0].FullyQualifiedErrorId | Should -BeLike 'KubernetesConflict,*'
        "$($errors[0])" | Should -BeLike '*conflict with "kube-controller-manager" with subresource "scale" using apps/v1: .spec.replicas.'
        @(Get-Run).Where({ $_ -like 'apply *' }) | Should -HaveCount 1
    }

    It 'keeps the number of pods without -Replicas' {
        Set-Content "$programs/owners" "Deployment`tbuilders`topencloud.build`t7`tcache,`t"
        $null = New-BuildKitDeployment builders -Cpu 4
        Get-Content -Raw "$programs/input" | Should -BeLike '*replicas: 7*'
        New-BuildKitDeployment builders -AsManifest | Should -BeLike '*replicas: 1*'
    }

    It 'removes the key when TLS is turned off' {
        Set-Content "$programs/owners" "Service`tbuilders`topencloud.build`t<no value>`t`t`nDeployment`tbuilders`topencloud.build`t1`tcache,certificates,`t"
        $null = New-BuildKitDeployment builders
        @(Get-Run).Where({ $_ -like 'delete *' }) | Should -Be @(
            'delete secrets --selector=app.kubernetes.io/managed-by=opencloud.build,app.kubernetes.io/instance=builders --ignore-not-found --wait=false --output=name'
            'delete services --selector=app.kubernetes.io/managed-by=opencloud.build,app.kubernetes.io/instance=builders --ignore-not-found --wait=false --output=name')
    }

    It 'passes on what Kubernetes warns about' {
        Set-Content "$programs/warning" "Warning: would violate PodSecurity `"baseline:latest`": privileged`e[2J"
        (New-BuildKitDeployment builders -WarningVariable warnings 3>$null).Name | Should -Be 'builders'
        $warnings | Should -Be "Kubernetes warns about the deployment 'builders': would violate PodSecurity `"baseline:latest`": privileged"
    }

    It 'gives rootless engines what they need' {
        $text = New-BuildKitDeployment builders -Rootless -AsManifest
        $text | Should -BeLike '*image: "docker.io/moby/buildkit:v0.32.2-rootless"*'
        $text | Should -BeLike '*- "--oci-worker-no-process-sandbox"*'
        $text | Should -BeLike '*seccompProfile:*type: Unconfined*appArmorProfile:*type: Unconfined*runAsUser: 1000*'
        $text | Should -BeLike '*mountPath: "/home/user/.local/share/buildkit"*'
        $text | Should -Not -BeLike '*privileged*'
    }

    It 'writes the manifest of docs/scaling.md' {
        $page = Get-Content -Raw "$root/docs/scaling.md"
        $command = [regex]::Match($page, '`(New-BuildKitDeployment [^`]*-AsManifest)`').Groups[1].Value
        [regex]::Match($page, '(?s)```yaml\n(.*?)```').Groups[1].Value | Should -BeExactly (& ([scriptblock]::Create($command)))
    }

    It 'keeps the caches of a StatefulSet in volumes' {
        $text = New-BuildKitDeployment builders -Kind StatefulSet -CacheSize 50Gi -StorageClass fast -DrainTimeout 1h -AsManifest
        $text | Should -BeLike '*kind: Service*clusterIP: None*kind: StatefulSet*serviceName: builders*volumeClaimTemplates:*storage: "50Gi"*storageClassName: fast*'
        $text | Should -BeLike '*terminationGracePeriodSeconds: 3635*'
        $text | Should -Not -BeLike '*emptyDir*'
    }

    It 'puts certificates into a Secret, which neither arguments nor plans show' {
        $null = New-BuildKitCertificate "$TestDrive/pki" -Server builders.ci.svc
        $folder = "$TestDrive/pki/server/builders.ci.svc"
        $key = [Convert]::ToBase64String([IO.File]::ReadAllBytes("$folder/key.pem"))
        $null = New-BuildKitDeployment builders -Tls -CertificateDirectory $folder -Verbose *>&1 | Tee-Object -Variable said
        "$said" | Should -Not -BeLike "*$($key.Substring(40, 40))*"
        (Get-Run) -join ' ' | Should -Not -BeLike '*PRIVATE*'
        $text = Get-Content -Raw "$programs/input"
        $text | Should -BeLike "*kind: Secret*name: builders-tls*key.pem: *$key*kind: Service*kind: Deployment*--tlscacert*"
        $plan = New-BuildKitDeployment builders -Tls -CertificateDirectory $folder -WhatIf 6>&1 | Out-String
        $plan | Should -BeLike '*kind: Secret*key.pem: "(hidden)"*'
        $plan | Should -Not -BeLike "*$($key.Substring(40, 40))*"
        $plan = New-BuildKitDeployment builders -Tls -CertificateDirectory $folder -AsManifest -WhatIf -WarningVariable warnings
        $plan | Should -BeLike '*kind: Secret*key.pem: "(hidden)"*'
        $warnings | Should -BeNullOrEmpty
        New-BuildKitDeployment builders -Tls -CertificateDirectory $folder -AsManifest -WarningVariable warnings 3>$null | Should -BeLike "*annotations:*opencloud.build/certificates: `"sha256:*"
        $warnings | Should -BeLike '*contains the private key*'
        Get-Run | Should -BeNullOrEmpty
    }

    It 'refuses a key that others can read' {
        $folder = "$TestDrive/pki/server/builders.ci.svc"
        chmod 644 "$folder/key.pem"
        New-BuildKitDeployment builders -Tls -CertificateDirectory $folder -ErrorAction SilentlyContinue -ErrorVariable errors | Should -BeNullOrEmpty
        $errors[0].FullyQualifiedErrorId | Should -BeLike 'TlsKeyExposed,*'
        chmod 600 "$folder/key.pem"
        Get-Run | Should -BeNullOrEmpty
    }

    It 'shows the manifest with -WhatIf, and starts nothing' {
        New-BuildKitDeployment builders -WhatIf 6>$null | Should -BeNullOrEmpty
        New-BuildKitDeployment builders -WhatIf 6>&1 | Out-String | Should -BeLike '*kind: Deployment*'
        Get-Run | Should -BeNullOrEmpty
    }

    It 'starts nothing for <what>' -ForEach @(
        @{ what = 'a name like an option'; parameters = @{ Name = '-o' } }
        @{ what = 'a name in upper case'; parameters = @{ Name = 'Builders' } }
        @{ what = 'a name that begins with a digit'; parameters = @{ Name = '1st' } }
        @{ what = 'a name that is too long'; parameters = @{ Name = 'a' * 46 } }
        @{ what = 'a namespace with a dot'; parameters = @{ Name = 'a'; Namespace = 'a.b' } }
        @{ what = 'a context like an option'; parameters = @{ Name = 'a'; Context = '--kubeconfig=x' } }
        @{ what = 'a negative number of pods'; parameters = @{ Name = 'a'; Replicas = -1 } }
        @{ what = 'an amount without a number'; parameters = @{ Name = 'a'; Memory = 'lots' } }
        @{ what = 'an image like an option'; parameters = @{ Name = 'a'; Image = '-x' } }
        @{ what = 'a storage class without a volume'; parameters = @{ Name = 'a'; StorageClass = 'fast' } }
        @{ what = 'TLS without certificates'; parameters = @{ Name = 'a'; Tls = $true } }
    ) {
        New-BuildKitDeployment @parameters -ErrorAction SilentlyContinue -ErrorVariable errors | Should -BeNullOrEmpty
        $errors[0].FullyQualifiedErrorId | Should -BeLike 'InvalidDeployment,*'
        Get-Run | Should -BeNullOrEmpty
    }

    It 'changes nothing of others: <owners>' -ForEach @(
        @{ owners = "Service`tbuilders`t<no value>" }, @{ owners = "Deployment`tbuilders`tHelm" }, @{ owners = "StatefulSet`tbuilders`topencloud.build" }
    ) {
        Set-Content "$programs/owners" $owners
        New-BuildKitDeployment builders -ErrorAction SilentlyContinue -ErrorVariable errors | Should -BeNullOrEmpty
        $errors[0].FullyQualifiedErrorId | Should -BeLike 'DeploymentExists,*'
        $errors[0].TargetObject | Should -Be 'builders'
        "$programs/input" | Should -Not -Exist
    }

    It 'changes no volumes of a StatefulSet' {
        Set-Content "$programs/owners" "StatefulSet`tbuilders`topencloud.build`t3`t`t50Gi`tfast"
        New-BuildKitDeployment builders -Kind StatefulSet -CacheSize 80Gi -StorageClass fast -ErrorAction SilentlyContinue -ErrorVariable errors | Should -BeNullOrEmpty
        $errors[0].FullyQualifiedErrorId | Should -BeLike 'DeploymentExists,*'
        "$($errors[0])" | Should -BeLike '*volumes of 50Gi of the storage class fast*'
        "$programs/input" | Should -Not -Exist
        (New-BuildKitDeployment builders -Kind StatefulSet -CacheSize 51200Mi -StorageClass fast).Name | Should -Be 'builders'
    }

    It 'has an id for each failure: <id> for <said>' -ForEach @(
        @{ said = 'Error in configuration: context was not found for specified context: x'; id = 'KubernetesContextNotFound' }
        @{ said = 'Error from server (Forbidden): secrets "b-tls" is forbidden: exceeded quota: few, requested: secrets=1'; id = 'KubernetesRejected' }
        @{ said = 'error: EOF'; id = 'KubectlFailed' }
        @{ said = 'error: context "x" does not exist'; id = 'KubernetesContextNotFound' }
        @{ said = 'Error from server (NotFound): namespaces "ci" not found'; id = 'KubernetesNamespaceNotFound' }
        @{ said = 'Error from server (Forbidden): deployments.apps is forbidden: User "u" cannot list resource'; id = 'KubernetesForbidden' }
        @{ said = 'error: You must be logged in to the server (Unauthorized)'; id = 'KubernetesLoginRefused' }
        @{ said = 'Unable to connect to the server: dial tcp 127.0.0.1:1: connect: connection refused'; id = 'KubernetesUnreachable' }
        @{ said = 'error: Apply failed with 1 conflict: conflict with "hpa": .spec.replicas'; id = 'KubernetesConflict' }
        @{ said = 'The Deployment "builders" is invalid: spec.replicas: Invalid value'; id = 'KubernetesRejected' }
        @{ said = 'panic: odd'; id = 'KubectlFailed' }
    ) {
        Set-Content "$programs/fail" "$said`e[2J"
        New-BuildKitDeployment builders -ErrorAction SilentlyContinue -ErrorVariable errors | Should -BeNullOrEmpty
        $errors[0].FullyQualifiedErrorId | Should -BeLike "$id,*"
        "$($errors[0])" | Should -Not -BeLike "*`e*"
        $errors[0].ErrorDetails.RecommendedAction | Should -Not -BeNullOrEmpty
    }

    It 'ends a kubectl that does not end' {
        $null = New-Item "$programs/sleep"
        Get-BuildKitDeployment -Timeout 500ms -ErrorAction SilentlyContinue -ErrorVariable errors
        Remove-Item "$programs/sleep"
        $errors[0].FullyQualifiedErrorId | Should -BeLike 'KubernetesTimedOut,*'
    }

    It 'lists' {
        (Get-BuildKitDeployment).Name | Should -Be 'builders'
        (Get-BuildKitDeployment -AllNamespaces).Name | Should -Be 'builders'
        (Get-BuildKitDeployment 'b*', 'c*').Name | Should -Be 'builders'
        $runs = @(Get-Run)
        $runs[0] | Should -Be 'get deployments,statefulsets --selector=app.kubernetes.io/managed-by=opencloud.build --output=json'
        $runs[1] | Should -BeLike '* --all-namespaces *'
        Get-BuildKitDeployment gone -ErrorAction SilentlyContinue -ErrorVariable errors
        $errors[0].FullyQualifiedErrorId | Should -BeLike 'DeploymentNotFound,*'
    }

    It 'scales, and changes the image' {
        Set-BuildKitDeployment builders -Namespace ci -Replicas 7 | Should -BeNullOrEmpty
        @(Get-Run)[1] | Should -Be '--namespace=ci patch deployment/builders --subresource=scale --type=merge --patch={"spec":{"replicas":7}} --field-manager=opencloud.build --output=name'
        $changed = Get-BuildKitDeployment | Set-BuildKitDeployment -Replicas 5 -Image example.org/buildkit:2 -PassThru
        $changed.Replicas | Should -Be 5
        (Get-Run) -join "`n" | Should -BeLike '*--namespace=ci patch deployment/builders --type=json --patch=*test*buildkitd*replace*example.org/buildkit:2*'
        Set-BuildKitDeployment builders -Replicas 1 -WhatIf
        (Get-Run) -join ' ' | Should -Not -BeLike '*scale*'
        foreach ($wrong in @{}, @{ Image = '-x' }, @{ Image = '-x'; WhatIf = $true }) {
            Set-BuildKitDeployment builders @wrong -ErrorAction SilentlyContinue -ErrorVariable errors
            $errors[0].FullyQualifiedErrorId | Should -BeLike 'InvalidDeployment,*'
            $errors[0].TargetObject | Should -Be 'builders'
        }
        Get-Run | Should -BeNullOrEmpty
    }

    It 'changes nothing silently without a name' {
        { Set-BuildKitDeployment -Name @() -Replicas 0 } | Should -Throw -ErrorId 'ParameterArgumentValidationErrorEmptyArrayNotAllowed,*'
        { Remove-BuildKitDeployment -Name $null -Confirm:$false } | Should -Throw -ErrorId 'ParameterArgumentValidationError*'
        foreach ($command in 'Set-BuildKitDeployment', 'Remove-BuildKitDeployment') {
            $parameters = (Get-Command $command).Parameters
            $parameters.Name.ParameterSets.Name.IsMandatory, $parameters.InputObject.ParameterSets.InputObject.IsMandatory | Should -Be $true, $true
        }
        Get-Run | Should -BeNullOrEmpty
    }

    It 'removes only its own objects' {
        Remove-BuildKitDeployment builders -WhatIf
        (Get-Run) -join ' ' | Should -Not -BeLike '*delete*'
        Get-BuildKitDeployment | Remove-BuildKitDeployment -Purge -Confirm:$false
        @(Get-Run)[-1] | Should -Be '--namespace=ci delete deployments,statefulsets,poddisruptionbudgets,services,secrets,persistentvolumeclaims --selector=app.kubernetes.io/managed-by=opencloud.build,app.kubernetes.io/instance=builders --ignore-not-found --wait=false --output=name'
    }

    It 'removes what remains of a deployment that does not exist' {
        Set-Content "$programs/remains" "secret/gone-tls`nservice/gone"
        Remove-BuildKitDeployment gone -Namespace ci -WhatIf
        (Get-Run) -join ' ' | Should -Not -BeLike '*delete*'
        Remove-BuildKitDeployment gone -Namespace ci -Confirm:$false
        @(Get-Run)[-1] | Should -Be '--namespace=ci delete deployments,statefulsets,poddisruptionbudgets,services,secrets --selector=app.kubernetes.io/managed-by=opencloud.build,app.kubernetes.io/instance=gone --ignore-not-found --wait=false --output=name'
        Remove-Item "$programs/remains"
        Remove-BuildKitDeployment gone -Confirm:$false -ErrorAction SilentlyContinue -ErrorVariable errors
        $errors[0].FullyQualifiedErrorId | Should -BeLike 'DeploymentNotFound,*'
        $errors[0].TargetObject | Should -Be 'gone'
        (Get-Run) -join ' ' | Should -Not -BeLike '*delete*'
    }

    It 'says that kubectl is missing' {
        $before = $env:PATH
        try {
            $env:PATH = '/nowhere'
            New-BuildKitDeployment builders -ErrorAction SilentlyContinue -ErrorVariable errors
        }
        finally {
            $env:PATH = $before
        }
        $errors[0].FullyQualifiedErrorId | Should -BeLike 'KubectlNotFound,*'
    }

    It 'completes <parameter>' -ForEach @(
        @{ line = 'Get-BuildKitDeployment -Context '; parameter = 'contexts'; expected = "'admin@cluster'" }
        @{ line = 'Get-BuildKitDeployment -Namespace '; parameter = 'namespaces'; expected = 'ci' }
        @{ line = 'Get-BuildKitDeployment '; parameter = 'names'; expected = 'builders' }
        @{ line = 'Get-BuildKitInfo -Address kube-deployment://'; parameter = 'addresses'; expected = 'kube-deployment://builders' }
        @{ line = 'Get-BuildKitInfo -Address kube-pod://a?context='; parameter = 'contexts of addresses'; expected = "'kube-pod://a?context=admin@cluster'" }
    ) {
        # What does not come in time comes with the next completion.
        $limit = [Diagnostics.Stopwatch]::StartNew()
        while (($offered = (TabExpansion2 $line $line.Length).CompletionMatches.CompletionText) -notcontains $expected -and $limit.Elapsed.TotalSeconds -lt 10) {
            [Threading.Thread]::Sleep(50)
        }
        $offered | Should -Contain $expected
    }
}
