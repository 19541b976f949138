using OpenCloud.Build.Host.Install;

namespace OpenCloud.Build.Host.Rootless;

/// <summary>How an engine without root is to be installed.</summary>
public sealed record RootlessOptions
{
    /// <summary>The release of BuildKit: version, source, proof. Prefix, worker, namespace and group of it do not count here.</summary>
    public InstallOptions Release { get; init; } = new();

    /// <summary>Whose engine; null for the caller, or who is behind sudo. Made when it does not exist; needs root unless it is the caller.</summary>
    public string? User { get; init; }

    /// <summary>Where the programs go; null for <c>/opt/buildkit</c> as root, else <c>~/.local</c>.</summary>
    public string? Prefix { get; init; }

    /// <summary>Where the engine keeps its state; null for <c>~/.local/share/buildkit</c>.</summary>
    public string? StateDirectory { get; init; }

    /// <summary>A unit of the system instead of one of the user's; needs root.</summary>
    public bool SystemUnit { get; init; }

    /// <summary>RootlessKit's archive as a file; null for the distribution's package.</summary>
    public string? RootlessKitArchivePath { get; init; }

    /// <summary>The address of RootlessKit's archive, beside which its SHA256SUMS lies; null for the distribution's package.</summary>
    public Uri? RootlessKitUri { get; init; }

    /// <summary>The sha256 of RootlessKit's archive, when the caller knows it.</summary>
    public string? RootlessKitSha256 { get; init; }

    /// <summary>Takes what is installed to another version, and refuses where nothing is; the rest stays as it was installed.</summary>
    public bool Update { get; init; }

    /// <summary>Whether RootlessKit comes out of an archive.</summary>
    internal bool BringsRootlessKit => RootlessKitArchivePath is not null || RootlessKitUri is not null;
}
