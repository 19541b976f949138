using OpenCloud.Build.Client.Images.References;
using OpenCloud.Build.Client.Inputs;
using OpenCloud.Build.Errors;

namespace OpenCloud.Build.Nodes;

/// <summary>The caches of the parts of a joined build: each part has its own place, named after its platforms, where the parts would replace each other's cache.</summary>
/// <remarks>Attributes and their default values: moby/buildkit, cache/remotecache (registry, local, gha, s3, azblob).</remarks>
internal static class PartCaches
{
    private const string DefaultName = "buildkit";

    // Where a cache with the same name is another one.
    private static readonly string[] Places = ["bucket", "prefix", "endpoint_url", "account_url", "container", "url", "url_v2"];

    /// <summary>The request with a place for the cache of these platforms. An import from a place that the build also exports to reads what the part wrote.</summary>
    /// <exception cref="BuildErrorException">The name of a cache is too long with its platforms.</exception>
    public static ImageBuildRequest Of(ImageBuildRequest request, IReadOnlyList<string> platforms)
    {
        string suffix = string.Join('-', platforms).Replace('/', '-');
        HashSet<string> written = [.. request.CacheTo.Select(KeyOf).OfType<string>()];
        return request with
        {
            CacheTo = [.. request.CacheTo.Select(c => WithSuffix(c, suffix, isWritten: true))],
            CacheFrom = [.. request.CacheFrom.Select(c => KeyOf(c) is { } key && written.Contains(key) ? WithSuffix(c, suffix, isWritten: false) : c)],
        };
    }

    /// <summary>What is the same for a cache to export to and one to import; null for a cache without a place of its own, such as an inline one.</summary>
    private static string? KeyOf(BuildCache cache) => cache.Type switch
    {
        BuildCache.Registry => cache.Attributes.TryGetValue("ref", out string? text) && ImageReference.TryParse(text, out ImageReference? reference) && reference.Digest is null
            ? $"{cache.Type} {reference.WithDefaultTag()}" : null,
        BuildCache.Local => (cache.Attributes.GetValueOrDefault("dest") ?? cache.Attributes.GetValueOrDefault("src")) is { Length: > 0 } directory ? $"{cache.Type} {FullPath(directory)}" : null,
        "gha" => $"{cache.Type} {cache.Attributes.GetValueOrDefault("scope", DefaultName)}",
        "s3" or "azblob" => $"{cache.Type} {cache.Attributes.GetValueOrDefault("name", DefaultName)} {string.Join(' ', Places.Select(p => cache.Attributes.GetValueOrDefault(p)))}",
        _ => null,
    };

    private static BuildCache WithSuffix(BuildCache cache, string suffix, bool isWritten)
    {
        if (KeyOf(cache) is null)
        {
            return cache;
        }

        (string name, string value) = cache.Type switch
        {
            BuildCache.Registry => ("ref", Tagged(cache.Attributes["ref"], suffix)),
            BuildCache.Local => isWritten ? ("dest", $"{FullPath(cache.Attributes["dest"])}-{suffix}") : ("src", $"{FullPath(cache.Attributes["src"])}-{suffix}"),
            "gha" => ("scope", $"{cache.Attributes.GetValueOrDefault("scope", DefaultName)}-{suffix}"),

            // Several names are divided by ';'.
            _ => ("name", string.Join(';', cache.Attributes.GetValueOrDefault("name", DefaultName).Split(';').Select(n => $"{n}-{suffix}"))),
        };
        return new BuildCache { Type = cache.Type, Attributes = new Dictionary<string, string>(cache.Attributes, StringComparer.Ordinal) { [name] = value } };
    }

    private static string Tagged(string text, string suffix)
    {
        ImageReference reference = ImageReference.Parse(text).WithDefaultTag();
        string tag = $"{reference.Tag}-{suffix}";
        return tag.Length <= ImageReference.MaxTagLength
            ? $"{reference.Name}:{tag}"
            : throw ErrorCatalog.InvalidBuildOption.ToException(
                text, null, "CacheTo", $"the tag of the cache would be '{tag}', which is longer than {ImageReference.MaxTagLength} characters. Each node writes the cache of its platforms under a tag of its own.");
    }

    private static string FullPath(string path) => Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));
}
