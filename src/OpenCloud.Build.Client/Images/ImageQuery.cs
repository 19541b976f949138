using OpenCloud.Build.Client.Images.References;

namespace OpenCloud.Build.Client.Images;

/// <summary>The conditions of a listing. All of them must hold.</summary>
public sealed record ImageQuery
{
    /// <summary>The namespaces; all when empty.</summary>
    public IReadOnlyList<string> Namespaces { get; init; } = [];

    /// <summary>Whether a name, as stored, is wanted; null accepts all.</summary>
    public Func<string, bool>? Name { get; init; }

    /// <summary>The digest or its beginning, with or without the algorithm.</summary>
    public string? Digest { get; init; }

    /// <summary>A platform that the image must have with all its contents present.</summary>
    public Platform? Platform { get; init; }

    /// <summary>True when only names, ids and digests matter: the store reads nothing else.</summary>
    public bool NamesOnly { get; init; }

    /// <summary>Only images without a tag (true), or only those with one (false).</summary>
    public bool? Dangling { get; init; }

    internal bool MatchesDigest(string? digest)
    {
        if (Digest is null)
        {
            return true;
        }

        return digest is not null
            && (digest.StartsWith(Digest, StringComparison.OrdinalIgnoreCase)
                || digest[(digest.IndexOf(':', StringComparison.Ordinal) + 1)..].StartsWith(Digest, StringComparison.OrdinalIgnoreCase));
    }

    internal bool MatchesPlatform(ContainerImage image) =>
        Platform is null || image.Platforms.Any(p => p.IsPresent && p.Matches(Platform));
}
