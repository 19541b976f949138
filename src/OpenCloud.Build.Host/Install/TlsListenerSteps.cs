using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using OpenCloud.Build.Host.Installations;
using OpenCloud.Build.Host.Layouts;
using OpenCloud.Build.Linux.Programs;

namespace OpenCloud.Build.Host.Install;

/// <summary>Decides whether an engine also listens on TCP: only with mutual TLS, and only with files that root alone can change.</summary>
internal static class TlsListenerSteps
{
    private const uint GroupAndOthers = 0x3f;
    private const string Remedy = "New-BuildKitCertificate makes them; copy its directory server/NAME as root, and use chmod 600 for key.pem";

    /// <summary>The requested listener, else the installed one; null for none.</summary>
    /// <exception cref="HostException">The request is impossible; nothing is changed.</exception>
    public static TlsListener? Decide(InstallOptions options, InstallationManifest? installed, bool isolated)
    {
        string? address = options.ListenTcp ?? installed?.ListenTcp;
        if (string.IsNullOrEmpty(address))
        {
            return options.CertificateDirectory is null ? null
                : throw new HostException(HostErrorKind.InvalidInput, "A certificate directory was given without a TCP address.", "Use -ListenTcp as well.");
        }

        if (isolated)
        {
            throw new HostException(HostErrorKind.InvalidInput, "An isolated engine has no network and cannot listen on TCP.", options.ListenTcp is null ? "Use -ListenTcp '' as well, or do not use -Isolated." : "Use -VsockPort, or do not use -Isolated.");
        }

        if (!IPEndPoint.TryParse(address, out IPEndPoint? parsed) || parsed.Port == 0)
        {
            throw new HostException(HostErrorKind.InvalidInput, $"'{Accounts.AccountDatabase.Printable(address)}' is not an IP address with a port.", "Use for example 0.0.0.0:1234 or [::]:1234.", address);
        }

        string directory = options.CertificateDirectory ?? installed?.CertificateDirectory
            ?? throw new HostException(HostErrorKind.InvalidInput, "An engine listens on TCP only with mutual TLS, and no certificates were given.", $"Use -CertificateDirectory. {Remedy}");
        directory = RootlessPaths.CheckPath(directory, "certificate directory");
        CheckFiles(directory, DateTimeOffset.UtcNow);
        return new TlsListener(parsed.ToString(), directory);
    }

    /// <summary>Refuses files that others can change or read, that do not fit each other, or that have expired.</summary>
    /// <exception cref="HostException">A file cannot be used.</exception>
    internal static void CheckFiles(string directory, DateTimeOffset now)
    {
        foreach (string name in (string[])[TlsListener.Authority, TlsListener.Certificate, TlsListener.Key])
        {
            string path = $"{directory}/{name}";
            if (FileStatus.Read(path, follow: true) is not { } file)
            {
                throw new HostException(HostErrorKind.NotFound, $"The file '{path}' does not exist.", Remedy, path);
            }

            string? objection = ProgramTrust.Applies ? ProgramTrust.Objection(path) : null;
            if (objection is null && name == TlsListener.Key && (file.Mode & GroupAndOthers) != 0)
            {
                objection = $"Other users can read '{path}'.";
            }

            if (objection is not null)
            {
                throw new HostException(HostErrorKind.InvalidInput, $"The engine runs as root and does not trust these certificates: {objection}", Remedy, path);
            }
        }

        try
        {
            using X509Certificate2 authority = X509CertificateLoader.LoadCertificateFromFile($"{directory}/{TlsListener.Authority}");
            using X509Certificate2 certificate = X509Certificate2.CreateFromPemFile($"{directory}/{TlsListener.Certificate}", $"{directory}/{TlsListener.Key}");
            foreach (X509Certificate2 one in (X509Certificate2[])[authority, certificate])
            {
                if (one.NotAfter.ToUniversalTime() <= now.UtcDateTime)
                {
                    throw new HostException(
                        HostErrorKind.InvalidInput, $"A certificate in '{directory}' expired on {one.NotAfter.ToUniversalTime().ToString("yyyy-MM-dd", CultureInfo.InvariantCulture)}.", "Renew it (New-BuildKitCertificate -Renew)", directory);
                }
            }
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            throw new HostException(HostErrorKind.InvalidInput, $"The certificates in '{directory}' are damaged, or the key does not belong to the certificate.", Remedy, directory, e);
        }
    }
}
