using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using OpenCloud.Build.Client.Text;

namespace OpenCloud.Build.Client.Tls;

/// <summary>Judges the certificate of a server: its authority, its dates, its names, in this order. The names in it are the server's own words.</summary>
internal static class TlsVerdict
{
    /// <summary>From how long before its end a certificate causes a warning.</summary>
    public static readonly TimeSpan WarnBefore = TimeSpan.FromDays(30);

    // RFC 5280, 4.2.1.12.
    private const string ClientPurpose = "1.3.6.1.5.5.7.3.2";
    private const string AnyPurpose = "2.5.29.37.0";
    private const int LongestName = 200;
    private const int MostNames = 10;
    private const X509ChainStatusFlags Untrusted = X509ChainStatusFlags.UntrustedRoot | X509ChainStatusFlags.PartialChain;

    /// <summary>The objection to a certificate whose chain was built; null when it is accepted.</summary>
    /// <remarks>
    /// Each given certificate is an authority that ends the chain, also an intermediate one whose issuer is not known here, and a server's own: as
    /// in Go's clients (crypto/x509, Certificate.Verify).
    /// </remarks>
    public static TlsException? Of(X509Certificate2? certificate, X509Chain? chain, string name, TlsIdentity identity, DateTimeOffset now)
    {
        if (certificate is null || chain is null)
        {
            return new TlsException(TlsProblem.InvalidCertificate, "The server sent no certificate.");
        }

        X509ChainStatusFlags all = chain.ChainStatus.Aggregate(X509ChainStatusFlags.NoError, static (sum, s) => sum | s.Status);
        // An authority of another key, but of the same name, has not signed the certificate.
        bool isSigned = (all & X509ChainStatusFlags.NotSignatureValid) == 0;
        if (isSigned && (all & Untrusted) == X509ChainStatusFlags.PartialChain && EndsInGiven(chain, identity.Authorities))
        {
            all &= ~X509ChainStatusFlags.PartialChain;
        }

        if ((all & Untrusted) != 0)
        {
            return new TlsException(TlsProblem.Untrusted, Distrust(certificate, isSigned ? chain : null, identity));
        }

        if ((all & X509ChainStatusFlags.NotTimeValid) != 0)
        {
            X509Certificate2 old = chain.ChainElements.FirstOrDefault(static e => e.ChainElementStatus.Any(static s => s.Status == X509ChainStatusFlags.NotTimeValid))?.Certificate ?? certificate;
            string whose = old.Thumbprint == certificate.Thumbprint ? "The server's certificate" : $"The certificate of the authority {Subject(old)}";
            return new TlsException(TlsProblem.Expired, old.NotBefore.ToUniversalTime() > now.UtcDateTime
                ? $"{whose} is not valid before {Date(old.NotBefore)}; it is {Date(now.UtcDateTime)} now."
                : $"{whose} expired on {Date(old.NotAfter)}.");
        }

        if (all != X509ChainStatusFlags.NoError)
        {
            return new TlsException(TlsProblem.InvalidCertificate, $"The server's certificate {Subject(certificate)} is not valid: {string.Join("; ", chain.ChainStatus.Where(s => (s.Status & all) != 0).Select(static s => s.StatusInformation.TrimEnd('.')).Distinct())}.");
        }

        // A name in the subject does not count (RFC 9525, 6.3); Go's clients do not accept it either.
        return certificate.MatchesHostname(name, allowWildcards: true, allowCommonName: false)
            ? null
            : new TlsException(TlsProblem.WrongName, $"The server's certificate is not valid for '{name}': it {Names(certificate)}.");
    }

    /// <summary>The warning for a certificate that ends soon; null when there is time.</summary>
    public static string? Warning(string whose, X509Certificate2 certificate, DateTimeOffset now)
    {
        TimeSpan left = certificate.NotAfter.ToUniversalTime() - now.UtcDateTime;
        return left >= WarnBefore || left <= TimeSpan.Zero ? null
            : string.Create(CultureInfo.InvariantCulture, $"{whose} ends on {Date(certificate.NotAfter)}, in {left.TotalDays:0} days: renew it.");
    }

    /// <summary>What is known here about a client's certificate that a server refused: sentences that each begin with a space.</summary>
    public static string FactsOfClient(TlsIdentity identity, DateTimeOffset now)
    {
        X509Certificate2 certificate = identity.Certificate!;
        List<string> facts = [];
        if (certificate.NotAfter.ToUniversalTime() < now.UtcDateTime)
        {
            facts.Add($"It expired on {Date(certificate.NotAfter)}.");
        }
        else if (certificate.NotBefore.ToUniversalTime() > now.UtcDateTime)
        {
            facts.Add($"It is not valid before {Date(certificate.NotBefore)}; it is {Date(now.UtcDateTime)} now.");
        }

        if (certificate.Extensions.OfType<X509EnhancedKeyUsageExtension>().FirstOrDefault() is { } purposes
            && !purposes.EnhancedKeyUsages.Cast<Oid>().Any(static purpose => purpose.Value is ClientPurpose or AnyPurpose))
        {
            facts.Add("It is not meant for clients, for example a server's certificate.");
        }

        if (IsSelfSigned(certificate))
        {
            facts.Add("It is self-signed.");
        }
        else if (identity.Authorities is null)
        {
            facts.Add($"It was issued by '{Said(certificate.Issuer)}'.");
        }
        else if (!IsIssuedBy(identity))
        {
            // Engines and clients of one fleet have the same authority most often.
            facts.Add($"It was issued by '{Said(certificate.Issuer)}', which is {OtherAuthority(identity.Authorities, certificate.Issuer, identity.AuthoritiesFile)}.");
        }

        return string.Concat(facts.Select(static fact => " " + fact));
    }

    /// <summary>The names that a certificate is valid for.</summary>
    public static IReadOnlyList<string> NamesOf(X509Certificate2 certificate)
    {
        List<string> names = [];
        foreach (X509SubjectAlternativeNameExtension extension in certificate.Extensions.OfType<X509SubjectAlternativeNameExtension>())
        {
            names.AddRange(extension.EnumerateDnsNames());
            names.AddRange(extension.EnumerateIPAddresses().Select(static (IPAddress address) => address.ToString()));
        }

        return [.. names.Select(Said)];
    }

    /// <summary>A text of a certificate, as it can be shown.</summary>
    public static string Said(string text) => TerminalText.Bounded(TerminalText.Line(text), LongestName);

    private static string Distrust(X509Certificate2 certificate, X509Chain? chain, TlsIdentity identity)
    {
        X509Certificate2 last = chain?.ChainElements.Count > 0 ? chain.ChainElements[^1].Certificate : certificate;
        return IsSelfSigned(certificate)
            ? $"The server's certificate {Subject(certificate)} is self-signed, and not one of {AskedFor(identity.AuthoritiesFile)}."
            : $"The server's certificate {Subject(certificate)} was issued by '{Said(last.Issuer)}', which is {OtherAuthority(identity.Authorities, last.Issuer, identity.AuthoritiesFile)}.";
    }

    private static bool IsSelfSigned(X509Certificate2 certificate) => certificate.SubjectName.RawData.AsSpan().SequenceEqual(certificate.IssuerName.RawData);

    private static bool IsIssuedBy(TlsIdentity identity)
    {
        using X509Chain chain = new();
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.DisableCertificateDownloads = true;
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(identity.Authorities!);
        foreach (X509Certificate2 intermediate in identity.Context?.IntermediateCertificates ?? [])
        {
            chain.ChainPolicy.ExtraStore.Add(intermediate);
        }

        _ = chain.Build(identity.Certificate!);
        X509ChainStatusFlags all = chain.ChainStatus.Aggregate(X509ChainStatusFlags.NoError, static (sum, s) => sum | s.Status);
        return (all & (Untrusted | X509ChainStatusFlags.NotSignatureValid)) == 0 || ((all & X509ChainStatusFlags.NotSignatureValid) == 0 && EndsInGiven(chain, identity.Authorities));
    }

    // Authorities of New-BuildKitCertificate all have one name.
    private static string OtherAuthority(X509Certificate2Collection? given, string issuer, string? file) =>
        given?.Any(authority => authority.Subject == issuer) == true ? $"not the authority of this name in '{file}'" : $"not one of {AskedFor(file)}";

    private static string AskedFor(string? file) => file is null ? "the authorities that this system trusts" : $"the authorities in '{file}'";

    // The status of the chain has the faults of its signatures.
    private static bool EndsInGiven(X509Chain chain, X509Certificate2Collection? authorities) => authorities is not null && chain.ChainElements.Count > 0
        && chain.ChainElements[^1].Certificate is var last && authorities.Any(given => given.RawDataMemory.Span.SequenceEqual(last.RawDataMemory.Span));

    private static string Names(X509Certificate2 certificate)
    {
        IReadOnlyList<string> names = NamesOf(certificate);
        return names.Count == 0
            ? "contains no subject alternative name"
            : $"is for {string.Join(", ", names.Take(MostNames))}{(names.Count > MostNames ? ", …" : "")}";
    }

    private static string Subject(X509Certificate2 certificate) => $"'{Said(certificate.Subject)}'";

    private static string Date(DateTime time) => time.ToUniversalTime().ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture) + " UTC";
}
