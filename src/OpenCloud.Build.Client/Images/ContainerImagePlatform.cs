using OpenCloud.Build.Client.Images.References;

namespace OpenCloud.Build.Client.Images;

/// <summary>An image for one platform.</summary>
public sealed record ContainerImagePlatform
{
    /// <summary>The platform.</summary>
    public required Platform Platform { get; init; }

    /// <summary>The digest of the manifest; null where the engine does not report it.</summary>
    public ContentDigest? Digest { get; init; }

    /// <summary>The digest of the configuration; null where it is not known.</summary>
    public ContentDigest? ConfigDigest { get; init; }

    /// <summary>When it was built, as its configuration says.</summary>
    public DateTimeOffset? Created { get; init; }

    /// <summary>The bytes of manifest, configuration and layers, each content counted once, present or not.</summary>
    public long? ContentSize { get; init; }

    /// <summary>The bytes of its unpacked layers; null when they are not unpacked.</summary>
    public long? UnpackedSize { get; init; }

    /// <summary>Whether manifest, configuration and all layers are present.</summary>
    public bool IsComplete { get; init; } = true;

    /// <summary>Whether any of its contents is present: an index lists platforms that were never fetched.</summary>
    public bool IsPresent { get; init; } = true;

    /// <summary>The platform's name.</summary>
    public override string ToString() => Platform.ToString();
}
