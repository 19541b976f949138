# New-BuildKitCertificate, as its files and openssl show it.
BeforeDiscovery {
    . $PSScriptRoot/Common.ps1
    $fixture = Test-EngineFixture
}

BeforeAll {
    . $PSScriptRoot/Common.ps1
    $pki = "$TestDrive/pki"

    function Get-Mode([string] $Path) { [Convert]::ToString([int][IO.File]::GetUnixFileMode($Path), 8) }
    function Get-Certificate([string] $Path) { [Security.Cryptography.X509Certificates.X509Certificate2]::CreateFromPem((Get-Content -Raw $Path)) }
}

Describe 'New-BuildKitCertificate' {
    It 'shows what it would do, and writes nothing' {
        New-BuildKitCertificate $pki -Server builder.example -Client ci -WhatIf | Should -BeNullOrEmpty
        $pki | Should -Not -Exist
    }

    It 'makes an authority, a server and clients' {
        $made = New-BuildKitCertificate $pki -Server builder.example, 127.0.0.1 -Client ci, alice -Days 90
        $made.Role | Should -Be 'Authority', 'Server', 'Client', 'Client'
        $made.Name | Should -Be 'BuildKit authority', 'builder.example', 'ci', 'alice'
        $made[1].Names | Should -Be 'builder.example', '127.0.0.1'
        $made[1].NotAfter | Should -BeGreaterThan ([DateTimeOffset]::Now.AddDays(89))
        $made.Change | Should -Be (@('Created') * 4)
        foreach ($folder in $made.Path) {
            Get-Mode $folder | Should -Be '700'
            foreach ($file in Get-ChildItem -File $folder) {
                Get-Mode $file | Should -Be '600'
            }
        }
        Get-ChildItem -Recurse -Force $pki | Where-Object Name -Match 'opencloud' | Should -BeNullOrEmpty
        foreach ($case in @('server/builder.example', 'sslserver'), @('client/ci', 'sslclient')) {
            $folder, $purpose = $case
            openssl verify -CAfile "$pki/$folder/ca.pem" -purpose $purpose -x509_strict "$pki/$folder/cert.pem" | Should -BeLike '*: OK'
        }
        openssl verify -CAfile "$pki/ca/ca.pem" -purpose sslserver "$pki/client/ci/cert.pem" 2>&1 | Out-String | Should -Match 'unsuitable|unsupported'
    }

    It 'keeps what exists, and goes on with the rest' {
        $before = (Get-Certificate "$pki/ca/ca.pem").Thumbprint
        $made = New-BuildKitCertificate $pki -Client ci, bob -ErrorAction SilentlyContinue -ErrorVariable errors
        $errors[0].FullyQualifiedErrorId | Should -BeLike 'CertificateExists,*'
        $made.Name | Should -Be 'bob'
        (Get-Certificate "$pki/ca/ca.pem").Thumbprint | Should -Be $before
    }

    It 'renews all, or those that are named, with new keys and the same names' {
        $old = Get-Certificate "$pki/server/builder.example/cert.pem"
        $made = New-BuildKitCertificate $pki -Renew -Days 30
        $made.Name | Sort-Object | Should -Be 'alice', 'bob', 'builder.example', 'ci'
        $made.Change | Should -Be (@('Renewed') * 4)
        ($made | Where-Object Role -EQ Server).Names | Should -Be 'builder.example', '127.0.0.1'
        $new = Get-Certificate "$pki/server/builder.example/cert.pem"
        $new.Thumbprint | Should -Not -Be $old.Thumbprint
        $new.GetPublicKeyString() | Should -Not -Be $old.GetPublicKeyString()
        (New-BuildKitCertificate $pki -Renew -Client ci).Name | Should -Be 'ci'
        (New-BuildKitCertificate $pki -Renew -Name builder.example).Names | Should -Be 'builder.example', '127.0.0.1'
        Get-ChildItem -Recurse -Force $pki | Where-Object Name -Match 'opencloud' | Should -BeNullOrEmpty
    }

    It 'refuses <what>' -ForEach @(
        @{ what = 'a name that is no host'; parameters = @{ Server = 'a b' }; id = 'CertificateNameInvalid' }
        @{ what = 'a client that leaves the directory'; parameters = @{ Client = '../x' }; id = 'CertificateNameInvalid' }
        @{ what = 'a name without an engine'; parameters = @{ Name = 'builder' }; id = 'CertificateNameInvalid' }
        @{ what = 'a renewal of an engine that has none'; parameters = @{ Name = 'builder'; Renew = $true }; id = 'CertificateNotFound' }
        @{ what = 'a renewal of nothing'; parameters = @{ Renew = $true }; id = 'CertificateNotFound' }
    ) {
        New-BuildKitCertificate "$TestDrive/other" @parameters -ErrorAction SilentlyContinue -ErrorVariable errors | Should -BeNullOrEmpty
        $errors[0].FullyQualifiedErrorId | Should -BeLike "$id,*"
        "$TestDrive/other" | Should -Not -Exist
    }

    It 'refuses an authority whose key others can read, and a directory that they can change' {
        chmod 644 "$pki/ca/key.pem"
        New-BuildKitCertificate $pki -Client eve -ErrorAction SilentlyContinue -ErrorVariable errors | Should -BeNullOrEmpty
        $errors[0].FullyQualifiedErrorId | Should -BeLike 'CertificateAuthorityUnusable,*'
        chmod 600 "$pki/ca/key.pem"
        chmod 777 $pki
        New-BuildKitCertificate $pki -Client eve -ErrorAction SilentlyContinue -ErrorVariable errors | Should -BeNullOrEmpty
        $errors[0].FullyQualifiedErrorId | Should -BeLike 'CertificateDirectoryNotTrusted,*'
        chmod 755 $pki
        "$pki/client/eve" | Should -Not -Exist
    }
}

Describe 'Install-BuildKit -CertificateDirectory' {
    It 'refuses a path outside the file system' {
        { Install-BuildKit -ListenTcp 127.0.0.1:1234 -CertificateDirectory Env:/certificates -WhatIf } | Should -Throw -ErrorId 'NotFileSystemPath,*'
    }
}

Describe 'The parameters for TLS' {
    BeforeAll {
        . $PSScriptRoot/Common.ps1
        $null = New-BuildKitCertificate "$TestDrive/fit" -Server 127.0.0.1 -Client ci
        $ci = "$TestDrive/fit/client/ci"
        $password = ConvertTo-SecureString 'hunter2' -AsPlainText -Force
    }

    It '<what>: <id>, and nothing is sent' -ForEach @(
        @{ what = 'a password alone'; way = { @{ CertificatePassword = $password } }; id = 'TlsPasswordNotUsed'; target = { 'CertificatePassword' } }
        @{ what = 'a password with an authority only'; way = { @{ CaCertificate = "$ci/ca.pem"; CertificatePassword = $password } }; id = 'TlsPasswordNotUsed'; target = { 'CertificatePassword' } }
        @{ what = 'a password for a key that is not encrypted'; way = { @{ CertificateDirectory = $ci; CertificatePassword = $password } }; id = 'TlsPasswordNotUsed'; target = { $address } }
        @{ what = 'a directory and a file'; way = { @{ CertificateDirectory = $ci; Key = "$ci/key.pem" } }; id = 'TlsDirectoryAndFiles'; target = { $ci } }
        @{ what = 'a key without a certificate'; way = { @{ Key = "$ci/key.pem" } }; id = 'TlsCertificateMissing'; target = { "$ci/key.pem" } }
    ) {
        $listener = [Net.Sockets.TcpListener]::new([Net.IPAddress]::Loopback, 0)
        $listener.Start()
        try {
            $address = "tcp://$($listener.LocalEndpoint)"
            $way = & $way
            { Get-BuildKitInfo -Address $address @way -ErrorAction Stop } | Should -Throw -ErrorId "$id,*"
            $Error[0].TargetObject | Should -Be (& $target)
            $Error[0].ErrorDetails.RecommendedAction | Should -BeLike '*-Certificate*'
            "$($Error[0])" | Should -Not -Match hunter2
            if ($id -ne 'TlsPasswordNotUsed' -or (& $target) -ne $address) {
                { Test-BuildKitSocket -Address $address @way -ErrorAction Stop } | Should -Throw -ErrorId "$id,*"
            }
            $listener.Pending() | Should -BeFalse
        }
        finally {
            $listener.Stop()
        }
    }

    It 'are refused by Test-BuildKitSocket for <_>, which has no TLS' -ForEach 'unix:///nowhere.sock', 'ssh://nowhere', 'docker:///nowhere.sock' {
        { Test-BuildKitSocket -Address $_ -ServerName builder.example } | Should -Throw -ErrorId 'TlsNotApplicable,*'
        $Error[0].TargetObject | Should -Be $_
    }
}

# A relay with mutual TLS in front of a Docker Engine's socket.
Describe 'Certificates that end within 30 days' -Skip:(-not $fixture.CanRun) {
    BeforeAll {
        . $PSScriptRoot/Common.ps1
        $engine = Start-TestEngine
        $null = New-BuildKitCertificate "$TestDrive/soon" -Server 127.0.0.1 -Client ci -Days 20
        Add-Type -IgnoreWarnings @'
using System;
using System.IO;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Threading.Tasks;
public sealed class TestTlsRelay
{
    private readonly TcpListener _listener = new TcpListener(IPAddress.Loopback, 0);
    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;
    public TestTlsRelay(string socket, string folder)
    {
        var certificate = X509Certificate2.CreateFromPemFile(Path.Join(folder, "cert.pem"), Path.Join(folder, "key.pem"));
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        policy.CustomTrustStore.ImportFromPemFile(Path.Join(folder, "ca.pem"));
        var options = new SslServerAuthenticationOptions { ServerCertificate = certificate, ClientCertificateRequired = true, CertificateChainPolicy = policy };
        options.ApplicationProtocols = new System.Collections.Generic.List<SslApplicationProtocol> { SslApplicationProtocol.Http11 };
        _listener.Start();
        Task.Run(async () =>
        {
            while (true)
            {
                var client = await _listener.AcceptSocketAsync();
                _ = Task.Run(async () =>
                {
                    using var tls = new SslStream(new NetworkStream(client, true));
                    await tls.AuthenticateAsServerAsync(options);
                    using var engine = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                    await engine.ConnectAsync(new UnixDomainSocketEndPoint(socket));
                    using var stream = new NetworkStream(engine);
                    var back = stream.CopyToAsync(tls);
                    await tls.CopyToAsync(stream);
                    engine.Shutdown(SocketShutdown.Send);
                    await back;
                });
            }
        });
    }
    public void Stop() => _listener.Stop();
}
'@
        $relay = [TestTlsRelay]::new($engine.docker, "$TestDrive/soon/server/127.0.0.1")
        $way = @{ Address = "docker://127.0.0.1:$($relay.Port)"; CertificateDirectory = "$TestDrive/soon/client/ci" }
        $app = New-BuildDirectory "$TestDrive/app" $engine "FROM scratch`nCOPY busybox /busybox"
    }

    AfterAll {
        if ($relay) {
            $relay.Stop()
        }
        if ($engine) {
            Stop-TestEngine $engine
        }
    }

    It 'cause a warning for the engine and one for the client in <_>' -ForEach 'Get-BuildKitInfo', 'Wait-BuildKit', 'Get-BuildCache', 'Get-ContainerImage', 'Invoke-ImageBuild', 'Test-BuildKitSocket' {
        $more = $_ -eq 'Invoke-ImageBuild' ? @{ Path = $app } : @{}
        $null = & $_ @way @more -ErrorAction Stop -WarningVariable warnings -WarningAction SilentlyContinue 6>$null
        @($warnings -match "certificate.*ends on $((Get-Date).ToUniversalTime().AddDays(20).ToString('yyyy-MM-dd'))") | Should -HaveCount 2
        @($warnings -match 'client certificate') | Should -HaveCount 1
        @($warnings -match 'renew') | Should -HaveCount 2
    }

    It 'cause none when they were renewed for longer' {
        $null = New-BuildKitCertificate "$TestDrive/soon" -Renew -Days 90
        $new = [TestTlsRelay]::new($engine.docker, "$TestDrive/soon/server/127.0.0.1")
        try {
            $null = Get-BuildKitInfo -Address "docker://127.0.0.1:$($new.Port)" -CertificateDirectory "$TestDrive/soon/client/ci" -ErrorAction Stop -WarningVariable warnings
            $warnings | Should -BeNullOrEmpty
        }
        finally {
            $new.Stop()
        }
    }
}
