namespace OpenCloud.Build.Host.Install;

/// <summary>The options that only a rootless engine has.</summary>
public sealed record RootlessOptions
{
    /// <summary>The engine's user; null for the caller or the user behind sudo. A missing user is created. Another user than the caller needs root.</summary>
    public string? User { get; init; }

    /// <summary>The directory of the engine's state; null for <c>~/.local/share/buildkit</c>.</summary>
    public string? StateDirectory { get; init; }

    /// <summary>Installs a system unit instead of a user unit; needs root.</summary>
    public bool SystemUnit { get; init; }

    /// <summary>The local path of RootlessKit's archive; null for the distribution's package.</summary>
    public string? RootlessKitArchivePath { get; init; }

    /// <summary>The address of RootlessKit's archive, with SHA256SUMS beside it; null for the distribution's package.</summary>
    public Uri? RootlessKitUri { get; init; }

    /// <summary>The known sha256 of RootlessKit's archive; null when the caller does not know it.</summary>
    public string? RootlessKitSha256 { get; init; }

    internal bool BringsRootlessKit => RootlessKitArchivePath is not null || RootlessKitUri is not null;
}
