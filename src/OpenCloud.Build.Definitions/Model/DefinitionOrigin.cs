namespace OpenCloud.Build.Definitions.Model;

/// <summary>Where a definition comes from that is no file of this machine.</summary>
/// <remarks>docker/buildx, bake/bake.go (updateContext, remoteURLWithSubdir) and bake/gitauth.go: contexts are relative to the repository.</remarks>
public sealed record DefinitionOrigin
{
    /// <summary>Its address.</summary>
    public required string Address { get; init; }

    /// <summary>Whether it is a single file: relative contexts are then directories of this machine.</summary>
    public bool IsSingleFile { get; init; }

    /// <summary>Whether it is a git repository, of which an address can name a directory.</summary>
    public bool IsGit { get; init; }

    /// <summary>The address of a directory of the repository or archive.</summary>
    /// <returns>Null when there is no address for it, as in an archive.</returns>
    internal string? Within(string path)
    {
        // No path leaves the repository.
        string directory = Path.GetFullPath("/" + path).Trim('/');
        if (directory.Length == 0)
        {
            return Address;
        }

        if (!IsGit)
        {
            return null;
        }

        string[] parts = Address.Split('#', 2);
        int query = parts[0].IndexOf('?', StringComparison.Ordinal);
        if (parts.Length == 1 && query >= 0 && parts[0][(query + 1)..].Split('&') is { } pairs && Array.FindIndex(pairs, static p => p.StartsWith("subdir=", StringComparison.Ordinal)) is >= 0 and int place)
        {
            pairs[place] = "subdir=" + Uri.EscapeDataString(Joined(Uri.UnescapeDataString(pairs[place]["subdir=".Length..])));
            return $"{parts[0][..query]}?{string.Join('&', pairs)}";
        }

        string[] fragment = parts.Length == 2 ? parts[1].Split(':', 2) : [string.Empty];
        return $"{parts[0]}#{fragment[0]}:{Joined(fragment.Length == 2 ? fragment[1] : string.Empty)}";

        string Joined(string above) => above.Trim('/') is { Length: > 0 } subdirectory ? $"{subdirectory}/{directory}" : directory;
    }

    /// <summary>The secrets with which an engine fetches what is on the same server: their ids, and the environment variables that have them.</summary>
    /// <param name="address">What is fetched.</param>
    /// <param name="environment">The environment.</param>
    /// <returns>Pairs of id and variable.</returns>
    public IReadOnlyDictionary<string, string> GitSecrets(string address, Func<string, string?> environment)
    {
        ArgumentNullException.ThrowIfNull(address);
        ArgumentNullException.ThrowIfNull(environment);

        Dictionary<string, string> secrets = new(StringComparer.Ordinal);
        if (IsGit && HostOf(Address) is { } host && string.Equals(host, HostOf(address), StringComparison.OrdinalIgnoreCase))
        {
            foreach (string kind in new[] { "GIT_AUTH_TOKEN", "GIT_AUTH_HEADER" })
            {
                if (!string.IsNullOrEmpty(environment("BUILDX_BAKE_" + kind)))
                {
                    secrets[$"{kind}.{host}"] = "BUILDX_BAKE_" + kind;
                }
            }
        }

        return secrets;
    }

    // A token is for HTTPS; without it, everybody on the way could read it.
    private static string? HostOf(string address) => Uri.TryCreate(address, UriKind.Absolute, out Uri? uri) && uri.Scheme == Uri.UriSchemeHttps ? uri.Authority : null;

    /// <summary>Whether an address is a repository over SSH, for which an agent has the keys.</summary>
    /// <param name="address">What is fetched.</param>
    /// <returns>Whether it is.</returns>
    public static bool IsOverSsh(string address)
    {
        ArgumentNullException.ThrowIfNull(address);
        int at = address.IndexOf('@', StringComparison.Ordinal);
        return address.StartsWith("ssh://", StringComparison.OrdinalIgnoreCase)
            || (!address.Contains("://", StringComparison.Ordinal) && at > 0 && address.IndexOf(':', at) > at && !address.AsSpan(0, at).Contains('/'));
    }
}
