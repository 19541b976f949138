using OpenCloud.Build.Client.Images.References;
using OpenCloud.Build.Client.Text;

namespace OpenCloud.Build.Client.Inputs;

/// <summary>
/// A build cache outside the engine, to import from or to export to: in a registry (attribute <c>ref</c>), in a local directory (<c>src</c> or
/// <c>dest</c>), in the image itself (<c>inline</c>), or of any other type that the engine supports.
/// </summary>
public sealed class BuildCache
{
    /// <summary>The type of a cache in a registry.</summary>
    public const string Registry = "registry";

    /// <summary>The type of a cache in a local directory.</summary>
    public const string Local = "local";

    /// <summary>The type of a cache in the exported image.</summary>
    public const string Inline = "inline";

    // moby/buildkit, cmd/buildkitd: the remote caches that it registers.
    private static readonly string[] KnownTypes = [Registry, Local, Inline, "gha", "s3", "azblob"];

    /// <summary>The type: <see cref="Registry"/>, <see cref="Local"/>, <see cref="Inline"/>, <c>gha</c>, <c>s3</c>, <c>azblob</c>, ….</summary>
    public required string Type { get; init; }

    /// <summary>The attributes by BuildKit's own names (moby/buildkit, cache/remotecache). Messages do not contain their values: some are tokens.</summary>
    public IReadOnlyDictionary<string, string> Attributes { get; init; } = new Dictionary<string, string>();

    /// <summary>Parses docker's form: <c>type=registry,ref=registry.local/app:cache,mode=max</c>; a bare reference means a registry.</summary>
    /// <exception cref="FormatException">The text is malformed.</exception>
    public static BuildCache Parse(string text)
    {
        ArgumentException.ThrowIfNullOrEmpty(text);
        if (!text.Contains('='))
        {
            return Checked(new BuildCache { Type = Registry, Attributes = new Dictionary<string, string> { ["ref"] = text } });
        }

        Dictionary<string, string> pairs = AttributeText.Parse(text, "cache");
        return pairs.Remove("type", out string? type) && type.Length > 0
            ? Checked(new BuildCache { Type = type, Attributes = pairs })
            : throw new FormatException("The type of the cache is missing; for example type=local,dest=cache.");
    }

    /// <summary>Refuses an unknown type, and an invalid reference.</summary>
    /// <exception cref="FormatException">The cache cannot be used.</exception>
    public static BuildCache Checked(BuildCache cache)
    {
        if (!KnownTypes.Contains(cache.Type, StringComparer.Ordinal))
        {
            throw new FormatException($"Unknown cache type '{cache.Type}'; use {string.Join(", ", KnownTypes)}.");
        }

        return cache.Type != Registry || !cache.Attributes.TryGetValue("ref", out string? text) || ImageReference.TryParse(text, out _, out ImageReferenceError? error)
            ? cache
            : throw new FormatException($"Invalid image reference of the cache: {error}");
    }

    /// <summary>The type; never the attributes.</summary>
    public override string ToString() => Type;
}
