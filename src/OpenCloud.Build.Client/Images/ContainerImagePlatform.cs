using OpenCloud.Build.Client.Images.References;
using OpenCloud.Build.Client.Text;

namespace OpenCloud.Build.Client.Images;

/// <summary>An image for one platform.</summary>
public sealed record ContainerImagePlatform
{
    /// <summary>The platform: <c>linux/amd64</c>, <c>linux/arm/v7</c>.</summary>
    public required string Platform { get; init => field = TerminalText.Name(value); }

    /// <summary>The digest of the manifest; null where the engine does not report it.</summary>
    public string? Digest { get; init => field = TerminalText.Name(value); }

    /// <summary>The digest of the configuration; null where it is not known.</summary>
    public string? ConfigDigest { get; init => field = TerminalText.Name(value); }

    /// <summary>The build time in its configuration.</summary>
    public DateTimeOffset? Created { get; init; }

    /// <summary>The bytes of manifest, configuration and layers, each content counted once, present or not.</summary>
    public long? ContentSize { get; init; }

    /// <summary>The bytes of its unpacked layers; null when they are not unpacked.</summary>
    public long? UnpackedSize { get; init; }

    /// <summary>Whether manifest, configuration and all layers are present.</summary>
    public bool IsComplete { get; init; } = true;

    /// <summary>Whether any of its contents is present: an index lists platforms that were never fetched.</summary>
    public bool IsPresent { get; init; } = true;

    /// <summary>Whether it is for a platform.</summary>
    internal bool Matches(Platform wanted) => References.Platform.TryParse(Platform, out Platform? own, out _) && own.Matches(wanted);

    /// <summary>The platform's name.</summary>
    public override string ToString() => Platform;
}
