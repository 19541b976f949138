# New-BuildKitCertificate, as its files and openssl show it.
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
