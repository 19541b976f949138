using OpenCloud.Build.Client.Images.References;

namespace OpenCloud.Build.Client.Images;

/// <summary>Which images a listing is about. All conditions hold together.</summary>
internal sealed record ImageQuery
{
    /// <summary>The namespaces; every one when empty.</summary>
    public IReadOnlyList<string> Namespaces { get; init; } = [];

    /// <summary>Whether a name is wanted; asked with the name as stored. Nothing takes all.</summary>
    public Func<string, bool>? Name { get; init; }

    /// <summary>The digest, or the beginning of it, with or without the algorithm.</summary>
    public string? Digest { get; init; }

    /// <summary>A platform the image must be for, with all its contents there.</summary>
    public Platform? Platform { get; init; }

    /// <summary>Only images that no tag leads to (true), or only those that have one (false).</summary>
    public bool? Dangling { get; init; }

    /// <summary>Whether the digest is the wanted one.</summary>
    public bool MatchesDigest(string? digest)
    {
        if (Digest is null)
        {
            return true;
        }

        return digest is not null
            && (digest.StartsWith(Digest, StringComparison.OrdinalIgnoreCase)
                || digest[(digest.IndexOf(':', StringComparison.Ordinal) + 1)..].StartsWith(Digest, StringComparison.OrdinalIgnoreCase));
    }

    /// <summary>Whether the image has the wanted platform.</summary>
    public bool MatchesPlatform(ContainerImage image) =>
        Platform is null || image.Platforms.Any(p => p.IsPresent && p.Platform.Matches(Platform));
}
