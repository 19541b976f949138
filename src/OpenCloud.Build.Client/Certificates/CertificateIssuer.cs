using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace OpenCloud.Build.Client.Certificates;

/// <summary>Makes certificates with new ECDSA P-256 keys. Pure: it reads and writes no files.</summary>
internal static class CertificateIssuer
{
    private const int SerialBytes = 16;
    private const string ServerPurpose = "1.3.6.1.5.5.7.3.1"; // RFC 5280, 4.2.1.12
    private const string ClientPurpose = "1.3.6.1.5.5.7.3.2";

    // Clocks of a fleet differ.
    private static readonly TimeSpan Skew = TimeSpan.FromMinutes(5);

    /// <summary>A self-signed authority that can issue no other authority.</summary>
    public static X509Certificate2 CreateAuthority(string name, DateTimeOffset now, TimeSpan lifetime)
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest request = Request(name, key);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, true, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, true));
        return request.CreateSelfSigned(now - Skew, now + lifetime);
    }

    /// <summary>A certificate of a server or client; it ends with its authority at the latest.</summary>
    public static X509Certificate2 Issue(X509Certificate2 authority, CertificateSet set, DateTimeOffset now, TimeSpan lifetime)
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest request = Request(set.Name, key);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(set.Role == CertificateRole.Server ? ServerPurpose : ClientPurpose)], false));
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(authority, includeKeyIdentifier: true, includeIssuerAndSerial: false));
        if (set.Names.Count > 0)
        {
            request.CertificateExtensions.Add(AlternativeNames(set.Names));
        }

        byte[] serial = RandomNumberGenerator.GetBytes(SerialBytes);
        serial[0] &= 0x7f; // positive (RFC 5280, 4.1.2.2)
        DateTimeOffset start = Later(now - Skew, authority.NotBefore);
        DateTimeOffset end = now + lifetime < authority.NotAfter ? now + lifetime : authority.NotAfter;
        using X509Certificate2 certificate = request.Create(authority, start, end, serial);
        return certificate.CopyWithPrivateKey(key);
    }

    private static DateTimeOffset Later(DateTimeOffset first, DateTimeOffset second) => first > second ? first : second;

    private static CertificateRequest Request(string name, ECDsa key)
    {
        X500DistinguishedNameBuilder subject = new();
        subject.AddCommonName(name);
        CertificateRequest request = new(subject.Build(), key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        return request;
    }

    private static X509Extension AlternativeNames(IReadOnlyList<string> names)
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
