using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace OpenCloud.Build.Client.Credentials;

/// <summary>
/// Certificate authorities for registries and their token services, besides those of the system: <c>*.crt</c> files in a folder named after the host,
/// with its port if it has one, as for Docker Engine.
/// </summary>
/// <remarks>Source: moby, registry/registry.go (ReadCertsDirectory, HostCertsDir) and docs.docker.com/engine/security/certificates.</remarks>
internal static class RegistryAuthorities
{
    private const int MaxBytes = 1024 * 1024;
    private const string ServerPurpose = "1.3.6.1.5.5.7.3.1";

    internal static IReadOnlyList<string> Folders { get; set; } =
    [
        "/etc/docker/certs.d",
        Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.ApplicationData, Environment.SpecialFolderOption.DoNotVerify), "docker", "certs.d"),
    ];

    public static bool IsTrusted(object sender, X509Certificate? certificate, X509Chain? chain, SslPolicyErrors errors) => IsTrusted(sender, certificate, chain, errors, []);

    public static bool IsTrusted(object sender, X509Certificate? certificate, X509Chain? chain, SslPolicyErrors errors, IReadOnlyList<string> files)
    {
        if (errors is not SslPolicyErrors.RemoteCertificateChainErrors || certificate is not X509Certificate2 server || sender is not SslStream stream)
        {
            return errors == SslPolicyErrors.None;
        }

        X509Certificate2Collection roots = Of(stream.TargetHostName, files);
        if (roots.Count == 0)
        {
            return false;
        }

        using X509Chain own = new();
        own.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        own.ChainPolicy.CustomTrustStore.AddRange(roots);
        own.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        // Like the system's check: a certificate with purposes must include server authentication (RFC 5280, 4.2.1.12).
        own.ChainPolicy.ApplicationPolicy.Add(new Oid(ServerPurpose));
        foreach (X509ChainElement element in chain?.ChainElements.AsEnumerable() ?? [])
        {
            own.ChainPolicy.ExtraStore.Add(element.Certificate);
        }

        return own.Build(server);
    }

    /// <summary>Adds advice when the certificate is not trusted.</summary>
    public static string Explain(HttpRequestException error, string host) => error.InnerException is AuthenticationException
        ? $"the certificate of {host} is not trusted; put the certificate of its authority into {Folders[0]}/{host}/ca.crt or into the system's trust store"
        : error.Message;

    private static X509Certificate2Collection Of(string host, IReadOnlyList<string> files)
    {
        X509Certificate2Collection found = [];
        foreach (string file in Folders.Where(Directory.Exists).SelectMany(Directory.GetDirectories)
            .Where(d => Path.GetFileName(d) is var name && (name.Equals(host, StringComparison.OrdinalIgnoreCase) || name.StartsWith(host + ":", StringComparison.OrdinalIgnoreCase)))
            .SelectMany(static d => Directory.GetFiles(d, "*.crt"))
            .Concat(files))
        {
            try
            {
                found.ImportFromPem(BoundedFile.TryReadText(file, MaxBytes, followLink: true) ?? string.Empty);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException)
            {
                // Skips an unreadable file: the certificate stays untrusted, and the error says so.
            }
        }

        return found;
    }
}
