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
    /// <remarks>
    /// Certificates of a listener that stays as it is may be missing, damaged or expired: that is a warning, so that the engine can be updated
    /// and repaired. Files that others can change or read are refused in any case.
    /// </remarks>
    /// <param name="options">The request.</param>
    /// <param name="installed">The existing installation; null when there is none.</param>
    /// <param name="isolated">Whether the engine has no network.</param>
    /// <param name="warn">Receives the warnings.</param>
    /// <param name="asRoot">Whether root asks; without root, files that cannot be read are not checked.</param>
    /// <exception cref="HostException">The request is impossible; nothing is changed.</exception>
    public static TlsListener? Decide(InstallOptions options, InstallationManifest? installed, bool isolated, Action<string> warn, bool asRoot)
    {
        string? address = options.ListenTcp ?? installed?.ListenTcp;
        if (string.IsNullOrEmpty(address))
        {
            return options.CertificateDirectory is null ? null
                : throw new HostException(HostErrorKind.InvalidInput, "A certificate directory was given without a TCP address.", "Use -ListenTcp as well.");
        }

        if (isolated)
        {
            string network = options.Isolated is null ? "use -Isolated:$false" : "do not use -Isolated";
            throw new HostException(HostErrorKind.InvalidInput, "An isolated engine has no network and cannot listen on TCP.", options.ListenTcp is null ? $"Use -ListenTcp '' as well, or {network}." : $"Use -VsockPort, or {network}.");
        }

        // A scope id is the number of an interface, which changes, and buildkitd does not read it.
        if (!IPEndPoint.TryParse(address, out IPEndPoint? parsed) || parsed.Port == 0 || address.Contains('%', StringComparison.Ordinal))
        {
            throw new HostException(HostErrorKind.InvalidInput, $"'{Accounts.AccountDatabase.Printable(address)}' is not an IP address with a port.", "Use for example 0.0.0.0:1234 or [::]:1234.", address);
        }

        string directory = options.CertificateDirectory ?? installed?.CertificateDirectory
            ?? throw new HostException(HostErrorKind.InvalidInput, "An engine listens on TCP only with mutual TLS, and no certificates were given.", $"Use -CertificateDirectory. {Remedy}");
        directory = RootlessPaths.CheckPath(directory, "certificate directory");
        TlsListener listener = new(parsed.ToString(), directory);
        HostException? defect;
        try
        {
            defect = CheckFiles(directory, DateTimeOffset.UtcNow);
        }
        catch (UnauthorizedAccessException) when (!asRoot)
        {
            warn($"Only root can read the certificates in '{directory}'; they were not checked.");
            return listener;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            defect = new HostException(HostErrorKind.InvalidInput, $"The certificates in '{directory}' cannot be read: {e.Message}", Remedy, directory, e);
        }

        if (defect is not null)
        {
            if (!IsInstalled(listener, installed))
            {
                throw defect;
            }

            warn($"{defect.Message} Clients cannot use the engine over TCP. {defect.Remedy}.");
        }

        return listener;
    }

    /// <summary>Whether the existing installation has this listener.</summary>
    public static bool IsInstalled(TlsListener listener, InstallationManifest? installed) =>
        installed?.ListenTcp == listener.Address && installed.CertificateDirectory == listener.Directory;

    /// <summary>Refuses files that others can change or read, and returns what else prevents their use: a file is missing, damaged or expired.</summary>
    /// <exception cref="HostException">Others can change or read a file.</exception>
    private static HostException? CheckFiles(string directory, DateTimeOffset now)
    {
        HostException? defect = null;
        foreach (string name in (string[])[TlsListener.Authority, TlsListener.Certificate, TlsListener.Key])
        {
            string path = $"{directory}/{name}";
            if (FileStatus.Read(path, follow: true) is not { } file)
            {
                defect ??= new HostException(HostErrorKind.NotFound, $"The file '{path}' does not exist.", Remedy, path);
                continue;
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

        return defect ?? ContentDefect(directory, now);
    }

    private static HostException? ContentDefect(string directory, DateTimeOffset now)
    {
        try
        {
            using X509Certificate2 authority = X509CertificateLoader.LoadCertificate(File.ReadAllBytes($"{directory}/{TlsListener.Authority}"));
            using X509Certificate2 certificate = X509Certificate2.CreateFromPemFile($"{directory}/{TlsListener.Certificate}", $"{directory}/{TlsListener.Key}");
            X509Certificate2 first = authority.NotAfter < certificate.NotAfter ? authority : certificate;
            return first.NotAfter.ToUniversalTime() > now.UtcDateTime ? null
                : new HostException(
                    HostErrorKind.InvalidInput, $"A certificate in '{directory}' expired on {first.NotAfter.ToUniversalTime().ToString("yyyy-MM-dd", CultureInfo.InvariantCulture)}.", "Renew it (New-BuildKitCertificate -Renew)", directory);
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            return new HostException(HostErrorKind.InvalidInput, $"The certificates in '{directory}' are damaged, or the key does not belong to the certificate.", Remedy, directory, e);
        }
    }
}
