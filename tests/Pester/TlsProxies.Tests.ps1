# Mutual TLS against an engine behind Debian's haproxy and stunnel: servers that this project has no part in. Each fault has an error id of its own.
BeforeDiscovery {
    . $PSScriptRoot/Common.ps1
    $fixture = Test-EngineFixture
}

Describe 'TLS before an engine' -Skip:(-not $fixture.CanRun) {
    BeforeAll {
        . $PSScriptRoot/Common.ps1
        $engine = Start-TestEngine
        $pki = "$TestDrive/pki"
        $null = New-BuildKitCertificate $pki -Server 127.0.0.1, other.example -Name engine -Client ci
        $null = New-BuildKitCertificate $pki -Server other.example -Name elsewhere
        $null = New-BuildKitCertificate "$pki-stranger" -Server 127.0.0.1 -Client ci

        # A certificate of the same authority whose time is over.
        function Add-Expired([string] $Name, [string] $Like) {
            Copy-Item -Recurse "$pki/$Like" "$pki/$Name"
            $authority = [Security.Cryptography.X509Certificates.X509Certificate2]::CreateFromPemFile("$pki/ca/ca.pem", "$pki/ca/key.pem")
            $old = [Security.Cryptography.X509Certificates.X509Certificate2]::CreateFromPemFile("$pki/$Like/cert.pem", "$pki/$Like/key.pem")
            $sha256 = [Security.Cryptography.HashAlgorithmName]::SHA256
            $request = [Security.Cryptography.X509Certificates.CertificateRequest]::new($old.SubjectName, $old.PublicKey, $sha256)
            foreach ($extension in $old.Extensions) {
                $request.CertificateExtensions.Add($extension)
            }
            $key = [Security.Cryptography.X509Certificates.ECDsaCertificateExtensions]::GetECDsaPrivateKey($authority)
            $generator = [Security.Cryptography.X509Certificates.X509SignatureGenerator]::CreateForECDsa($key)
            $made = $request.Create($authority.SubjectName, $generator, [DateTimeOffset]::UtcNow.AddDays(-20), [DateTimeOffset]::UtcNow.AddDays(-10), [byte[]] (1..8))
            Set-Content "$pki/$Name/cert.pem" $made.ExportCertificatePem()
        }
        Add-Expired server/expired server/engine
        Add-Expired client/expired client/ci

        Copy-Item -Recurse "$pki/client/ci" "$pki/exposed"
        chmod 644 "$pki/exposed/key.pem"
        $context = New-BuildDirectory "$TestDrive/context" $engine "FROM scratch`nCOPY busybox /bin/busybox`nCOPY data /data`nRUN [`"/bin/busybox`", `"true`"]"

        function Build([string] $Server, [hashtable] $Certificates) {
            Invoke-ImageBuild $context -Address "docker://127.0.0.1:$($ports[$Server])" -ConnectTimeout 20 @Certificates -ErrorAction Stop
        }
    }

    AfterAll {
        Stop-TestEngine $engine
    }

    Context 'of <_>' -ForEach 'haproxy', 'stunnel' {
        BeforeAll {
            $ports = @{}
            $servers = @(
                "good=$pki/server/engine,mutual"
                "stranger=$pki-stranger/server/127.0.0.1,mutual"
                "expired=$pki/server/expired,mutual"
                "elsewhere=$pki/server/elsewhere,mutual"
                "old=$pki/server/engine,mutual,old"
            )
            # The engine has none of it from the other proxy's build.
            [IO.File]::WriteAllBytes("$context/data", [Security.Cryptography.RandomNumberGenerator]::GetBytes(1MB))
            foreach ($line in & ([IO.Path]::Join($root, 'tests', 'fixture', 'engine')) tls $engine.folder $_ $engine.docker @servers) {
                $key, $value = $line -split '=', 2
                $ports[$key] = $value
            }
        }

        It 'builds with the certificates of this client' {
            $result = Build good @{ CertificateDirectory = "$pki/client/ci" }
            $result.Ref | Should -Not -BeNullOrEmpty
            $result.BytesSent | Should -BeGreaterThan 1MB
        }

        It 'builds with another name that its certificate has' {
            (Build good @{ CertificateDirectory = "$pki/client/ci"; ServerName = 'other.example' }).Ref | Should -Not -BeNullOrEmpty
        }

        It 'is <id> with <what>' -ForEach @(
            @{ what = 'a certificate of another authority'; server = 'stranger'; client = 'client/ci'; id = 'EngineCertificateUntrusted' }
            @{ what = 'an expired certificate'; server = 'expired'; client = 'client/ci'; id = 'EngineCertificateExpired' }
            @{ what = 'a certificate for another name'; server = 'elsewhere'; client = 'client/ci'; id = 'EngineCertificateWrongName' }
            @{ what = 'TLS 1.1 only'; server = 'old'; client = 'client/ci'; id = 'TlsVersionTooOld' }
            @{ what = 'an expired certificate of the client'; server = 'good'; client = 'client/expired'; id = 'ClientCertificateRefused' }
            @{ what = 'a client of another authority'; server = 'good'; client = 'stranger'; id = 'ClientCertificateRefused' }
            @{ what = 'no certificate of the client'; server = 'good'; client = ''; id = 'ClientCertificateMissing' }
            @{ what = 'a key that all can read'; server = 'good'; client = 'exposed'; id = 'TlsKeyExposed' }
        ) {
            $certificates = switch ($client) {
                '' { @{ CaCertificate = "$pki/client/ci/ca.pem" } }
                'stranger' { @{ CaCertificate = "$pki/client/ci/ca.pem"; Certificate = "$pki-stranger/client/ci/cert.pem"; Key = "$pki-stranger/client/ci/key.pem" } }
                default { @{ CertificateDirectory = "$pki/$client" } }
            }
            { Build $server $certificates } | Should -Throw -ErrorId "$id,*"
        }

        It 'shows in Test-BuildKitSocket where TLS fails' {
            $address = "docker://127.0.0.1:$($ports.expired)"
            Test-BuildKitSocket -Address $address -CertificateDirectory "$pki/client/ci" | Should -BeFalse
            Test-BuildKitSocket -Address "docker://127.0.0.1:$($ports.good)" -CertificateDirectory "$pki/client/ci" | Should -BeTrue
        }
    }
}
