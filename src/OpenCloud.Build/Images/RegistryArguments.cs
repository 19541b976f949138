using OpenCloud.Build.Client.Images.References;
using OpenCloud.Build.Errors;

namespace OpenCloud.Build.Images;

/// <summary>Validates registries that users name.</summary>
internal static class RegistryArguments
{
    /// <summary>A host with an optional port.</summary>
    /// <exception cref="BuildErrorException">The text is not a host.</exception>
    public static string Check(string registry) =>
        ImageReference.TryParse($"{registry}/x", out ImageReference? reference) && reference.Domain == registry && reference.Path == "x" ? registry
            : registry is "docker.io" or "index.docker.io" ? "docker.io"
            : !registry.Contains('/', StringComparison.Ordinal) && ImageReference.TryParse($"{registry}:443/x", out ImageReference? bare) && bare.Domain == $"{registry}:443" ? registry
            : throw ErrorCatalog.InvalidRegistry.ToException(registry, null, registry);
}
