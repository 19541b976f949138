using OpenCloud.Build.Client.Images;
using OpenCloud.Build.Client.Images.References;

namespace OpenCloud.Build.Client.Containers;

/// <summary>What a container with an engine should be. A value that is null is that of the existing container, else the default.</summary>
public sealed record BuildKitContainerRequest
{
    /// <summary>The name of the container.</summary>
    public required string Name { get; init; }

    /// <summary>The reference of the image in the host; null for that of an archive, or of the existing container.</summary>
    public ImageReference? Image { get; init; }

    /// <summary>Whether a plan is made also when the host does not have the image, to say what follows a pull; it cannot be applied.</summary>
    public bool AllowsMissingImage { get; init; }

    /// <summary>The opened image of an archive or a layout, which stays open until the request was applied; null for none.</summary>
    public OpenedImage? Archive { get; init; }

    /// <summary>The path of the archive or the layout, which the container's labels name.</summary>
    public string? ArchivePath { get; init; }

    /// <summary>The network; by default <c>none</c>. containerd has only <c>none</c> and <c>host</c>.</summary>
    public string? Network { get; init; }

    /// <summary>The volume of the cache; by default the container's name with <c>-cache</c>, which must be a volume of this library.</summary>
    public string? CacheVolume { get; init; }

    /// <summary>Whether the engine runs without root privileges; by default it does not.</summary>
    public bool? IsRootless { get; init; }
}
