using OpenCloud.Build.Client.Images.References;

namespace OpenCloud.Build.Client.Images.Oci;

/// <summary>A source that knows in which repositories of a registry a content is, so that another of its repositories can take it from there.</summary>
internal interface IOriginSource
{
    /// <summary>The paths of repositories of a registry; empty when none is known.</summary>
    public ValueTask<IReadOnlyList<string>> FindOriginsAsync(ContentDigest digest, string registry, CancellationToken cancellationToken);
}
