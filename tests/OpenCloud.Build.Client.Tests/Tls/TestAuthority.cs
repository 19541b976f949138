using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace OpenCloud.Build.Client.Tests.Tls;

/// <summary>An authority that issues certificates with any dates, names and purposes.</summary>
internal sealed class TestAuthority : IDisposable
{
    public const string ServerPurpose = "1.3.6.1.5.5.7.3.1";
    public const string ClientPurpose = "1.3.6.1.5.5.7.3.2";

    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly X509Certificate2 _certificate;

    public TestAuthority(string name = "Test authority", TestAuthority? issuer = null)
    {
        CertificateRequest request = new($"CN={name}", _key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        if (issuer is null)
        {
            _certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddYears(-5), DateTimeOffset.UtcNow.AddYears(5));
            return;
        }

        using X509Certificate2 issued = request.Create(issuer._certificate, DateTimeOffset.UtcNow.AddYears(-4), DateTimeOffset.UtcNow.AddYears(4), RandomNumberGenerator.GetBytes(8));
        _certificate = issued.CopyWithPrivateKey(_key);
    }

    public string Pem => _certificate.ExportCertificatePem();

    public static string SelfSigned(string name, out ECDsa key)
    {
        key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest request = new("CN=self", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(Names(name));
        using X509Certificate2 certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(100));
        return certificate.ExportCertificatePem();
    }

    public X509Certificate2 Issue(string[] names, double fromDays = -1, double toDays = 100, string purpose = ServerPurpose)
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest request = new("CN=builder", key, HashAlgorithmName.SHA256);
        if (names.Length > 0)
        {
            request.CertificateExtensions.Add(Names(names));
        }

        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(purpose)], false));
        using X509Certificate2 certificate = request.Create(
            _certificate, DateTimeOffset.UtcNow.AddDays(fromDays), DateTimeOffset.UtcNow.AddDays(toDays), RandomNumberGenerator.GetBytes(8));
        return certificate.CopyWithPrivateKey(key);
    }

    public void Dispose()
    {
        _certificate.Dispose();
        _key.Dispose();
    }

    private static X509Extension Names(params string[] names)
    {
        SubjectAlternativeNameBuilder builder = new();
        foreach (string name in names)
        {
            if (IPAddress.TryParse(name, out IPAddress? address))
            {
                builder.AddIpAddress(address);
            }
            else
            {
                builder.AddDnsName(name);
            }
        }

        return builder.Build();
    }
}
