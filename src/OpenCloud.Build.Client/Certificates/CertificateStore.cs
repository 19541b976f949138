using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using OpenCloud.Build.Linux.Programs;

namespace OpenCloud.Build.Client.Certificates;

/// <summary>
/// The certificates of a small fleet in one directory: <c>ca</c> with the authority, <c>server/NAME</c> and <c>client/NAME</c>, each with
/// <c>ca.pem</c>, <c>cert.pem</c> and <c>key.pem</c>. Only their owner has access. Keys are ECDSA P-256.
/// </summary>
public sealed class CertificateStore
{
    private const string AuthorityName = "BuildKit authority";
    private const int LongestName = 64; // ub-common-name (RFC 5280, A.1)
    private const uint GroupOrOthersWrite = 0x12; // 0022

    private static readonly TimeSpan AuthorityLifetime = TimeSpan.FromDays(3650);

    private readonly string _path;
    private readonly TimeProvider _clock;
    private readonly Func<string, string?> _objection;

    /// <summary>Opens a directory, which need not exist.</summary>
    /// <param name="path">Its absolute path.</param>
    /// <param name="clock">The clock of the certificates; the system's when null.</param>
    public CertificateStore(string path, TimeProvider? clock = null)
        : this(path, clock, static existing => ProgramTrust.Applies ? ProgramTrust.Objection(existing) : null)
    {
    }

    /// <summary>Opens a directory with another rule for where root writes.</summary>
    internal CertificateStore(string path, TimeProvider? clock, Func<string, string?> objection)
    {
        ArgumentNullException.ThrowIfNull(path);
        _path = path;
        _clock = clock ?? TimeProvider.System;
        _objection = objection;
    }

    /// <summary>The authority to create; null when there is one.</summary>
    /// <exception cref="CertificateSetException">There is one that cannot be used, or other users can change the directory.</exception>
    public CertificateSet? PlanAuthority()
    {
        string path = Path.Join(_path, "ca");
        CheckDirectories();
        if (!Directory.Exists(path))
        {
            return new CertificateSet(CertificateRole.Authority, AuthorityName, [], path, Exists: false);
        }

        CertificateFiles.ReadAuthority(path, _clock.GetUtcNow()).Dispose();
        return null;
    }

    /// <summary>The certificate of an engine.</summary>
    /// <param name="names">Its host names and IP addresses; empty for those of the existing one.</param>
    /// <param name="name">The name of its directory; null for the first of its names.</param>
    /// <param name="renew">Whether an existing one is replaced.</param>
    /// <exception cref="CertificateSetException">A name is invalid, or the set exists and is not to be renewed.</exception>
    public CertificateSet PlanServer(IReadOnlyList<string> names, string? name, bool renew)
    {
        ArgumentNullException.ThrowIfNull(names);
        if (names.FirstOrDefault(static n => !IsHost(n)) is { } wrong)
        {
            throw new CertificateSetException(CertificateSetProblem.InvalidName, $"'{wrong}' is neither a host name nor an IP address.");
        }

        if (name is null && names.Count == 0)
        {
            throw new CertificateSetException(CertificateSetProblem.InvalidName, "A server requires a host name or an IP address.");
        }

        CertificateSet set = Plan(CertificateRole.Server, name ?? names[0].Replace("*.", "_.", StringComparison.Ordinal), [.. names.Distinct(StringComparer.OrdinalIgnoreCase)], renew);
        return set.Names.Count > 0 ? set : throw new CertificateSetException(CertificateSetProblem.NotFound, $"There is no certificate '{set.Path}' whose names could be kept.");
    }

    /// <summary>The certificate of a client.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="renew">Whether an existing one is replaced.</param>
    /// <exception cref="CertificateSetException">The name is invalid, or the set exists and is not to be renewed.</exception>
    public CertificateSet PlanClient(string name, bool renew)
    {
        ArgumentNullException.ThrowIfNull(name);
        return Plan(CertificateRole.Client, name, [], renew);
    }

    /// <summary>The renewal of every certificate of the directory, with the names that they have.</summary>
    /// <exception cref="CertificateSetException">There is none, or one is damaged.</exception>
    public IReadOnlyList<CertificateSet> PlanRenewal()
    {
        List<CertificateSet> sets = [];
        foreach (CertificateRole role in (CertificateRole[])[CertificateRole.Server, CertificateRole.Client])
        {
            string parent = Path.Join(_path, FolderOf(role));
            if (Directory.Exists(parent))
            {
                sets.AddRange(Directory.EnumerateDirectories(parent).Select(Path.GetFileName).OfType<string>()
                    .Where(static n => n[0] != '.').Order(StringComparer.Ordinal).Select(n => Plan(role, n, [], renew: true)));
            }
        }

        return sets.Count > 0 ? sets : throw new CertificateSetException(CertificateSetProblem.NotFound, $"The directory '{_path}' contains no certificate that can be renewed.");
    }

    /// <summary>Issues a planned certificate with a new key and writes its files.</summary>
    /// <param name="set">The plan.</param>
    /// <param name="lifetime">How long it is valid; it ends with the authority at the latest. An authority is valid for ten years.</param>
    /// <exception cref="CertificateSetException">There is no authority that can be used.</exception>
    /// <exception cref="IOException">The files cannot be written; then none was.</exception>
    public BuildKitCertificate Issue(CertificateSet set, TimeSpan lifetime)
    {
        ArgumentNullException.ThrowIfNull(set);
        CheckDirectories();
        DateTimeOffset now = _clock.GetUtcNow();
        bool isAuthority = set.Role == CertificateRole.Authority;
        using X509Certificate2? authority = isAuthority ? null : CertificateFiles.ReadAuthority(Path.Join(_path, "ca"), now);
        using X509Certificate2 certificate = isAuthority ? CertificateIssuer.CreateAuthority(set.Name, now, AuthorityLifetime) : CertificateIssuer.Issue(authority!, set, now, lifetime);
        CertificateFiles.Write(set, certificate, (authority ?? certificate).ExportCertificatePem());
        return new BuildKitCertificate
        {
            Role = set.Role,
            Name = set.Name,
            Names = set.Names,
            Path = set.Path,
            Change = set.Exists ? CertificateChange.Renewed : CertificateChange.Created,
            NotBefore = certificate.NotBefore,
            NotAfter = certificate.NotAfter,
            Fingerprint = certificate.GetCertHashString(HashAlgorithmName.SHA256).ToLowerInvariant(),
        };
    }

    private static string FolderOf(CertificateRole role) => role == CertificateRole.Server ? "server" : "client";

    // A wildcard is one label, the first.
    private static bool IsHost(string name) =>
        IPAddress.TryParse(name, out _) || Uri.CheckHostName(name.StartsWith("*.", StringComparison.Ordinal) ? name[2..] : name) == UriHostNameType.Dns;

    private static bool IsName(string name) =>
        name.Length is > 0 and <= LongestName && (char.IsAsciiLetterOrDigit(name[0]) || name[0] is '_' or ':') && name.All(static c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_' or '@' or ':');

    private CertificateSet Plan(CertificateRole role, string name, IReadOnlyList<string> names, bool renew)
    {
        if (!IsName(name))
        {
            throw new CertificateSetException(CertificateSetProblem.InvalidName, $"The name '{name}' is invalid: up to 64 letters, digits, '.', '-', '_', '@' and ':' are allowed.");
        }

        string path = Path.Join(_path, FolderOf(role), name);
        bool exists = Directory.Exists(path);
        return exists && !renew ? throw new CertificateSetException(CertificateSetProblem.Exists, $"The directory '{path}' already contains a certificate.")
            : new CertificateSet(role, name, exists && role == CertificateRole.Server && names.Count == 0 ? CertificateFiles.ReadNames(path) : names, path, exists);
    }

    // Keys are written below these directories: all of them are checked before anything is written.
    private void CheckDirectories()
    {
        foreach (string path in (string[])[_path, Path.Join(_path, "ca"), Path.Join(_path, FolderOf(CertificateRole.Server)), Path.Join(_path, FolderOf(CertificateRole.Client))])
        {
            if (FileStatus.Read(path, follow: true) is { Type: InodeType.Directory } status
                && ((status.Mode & GroupOrOthersWrite) != 0 || (status.Uid != 0 && status.Uid != LinuxCalls.EffectiveUserId)))
            {
                throw new CertificateSetException(CertificateSetProblem.DirectoryNotTrusted, $"Other users can change the directory '{path}'.");
            }
        }

        string existing = _path;
        while (!Directory.Exists(existing) && Path.GetDirectoryName(existing) is { Length: > 0 } parent)
        {
            existing = parent;
        }

        if (_objection(existing) is { } objection)
        {
            throw new CertificateSetException(CertificateSetProblem.DirectoryNotTrusted, $"Root does not write keys to '{_path}': {objection}");
        }
    }
}
