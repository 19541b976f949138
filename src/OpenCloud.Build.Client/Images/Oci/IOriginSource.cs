using OpenCloud.Build.Client.Images.References;

namespace OpenCloud.Build.Client.Images.Oci;

/// <summary>A source that knows which repositories of a registry have a content, so that another repository there can mount it.</summary>
internal interface IOriginSource
{
    /// <summary>The paths of repositories of a registry; empty when none is known.</summary>
    public ValueTask<IReadOnlyList<string>> FindOriginsAsync(ContentDigest digest, string registry, CancellationToken cancellationToken);
}
