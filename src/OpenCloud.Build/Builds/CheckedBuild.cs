using OpenCloud.Build.Client.Engines;
using OpenCloud.Build.Client.Engines.Named;
using OpenCloud.Build.Client.Images.References;
using OpenCloud.Build.Client.Inputs;
using OpenCloud.Build.Screen;

namespace OpenCloud.Build.Builds;

/// <summary>A checked request, its engine, and the files to write about it. All paths are full.</summary>
internal sealed record CheckedBuild
{
    public required ImageBuildRequest Request { get; init; }

    /// <summary>The engine; null for the discovered one.</summary>
    public EngineAddress? Address { get; init; }

    /// <summary>The named engine of the address, or the default one; null for any other.</summary>
    public BuildKitEngine? Engine { get; init; }

    /// <summary>How often the build is sent to another node when its node is lost.</summary>
    public int Retries { get; init; }

    /// <summary>Whether the caches to import are those of the named engine, and not of the build.</summary>
    public bool HasCacheFromOfEngine { get; init; }

    /// <summary>Whether the caches to export to are those of the named engine, and not of the build.</summary>
    public bool HasCacheToOfEngine { get; init; }

    public EngineConnectOptions Connect { get; init; } = new();

    public string? LogPath { get; init; }

    public string? MetadataPath { get; init; }

    public string? ImageIdPath { get; init; }

    public BuildReporting Reporting { get; init; } = BuildReporting.None;

    /// <summary>The name in a set of definitions; null for a build that is in none.</summary>
    public string? Target { get; init; }

    /// <summary>The requests of the set that go to the same engine, by name; null for a build that is in none.</summary>
    public IReadOnlyDictionary<string, ImageBuildRequest>? Set { get; init; }

    /// <summary>The requests of the set without the caches of the named engine; null for a build that is in none.</summary>
    public IReadOnlyDictionary<string, ImageBuildRequest>? SetElsewhere { get; init; }

    /// <summary>Called, on any thread, when those of the set that use its result can start; null for a build that is in none.</summary>
    public Action? Announce { get; init; }

    /// <summary>The request without the caches of the named engine, for another engine.</summary>
    public ImageBuildRequest RequestElsewhere => Request with { CacheFrom = HasCacheFromOfEngine ? [] : Request.CacheFrom, CacheTo = HasCacheToOfEngine ? [] : Request.CacheTo };

    public string Name => Request.Tags.Count > 0 ? string.Join(", ", Request.Tags) : Target ?? ContextLocation.WithoutSecrets(Request.ContextPath);

    /// <summary>The name of the build on a screen: short image names, or the name of the directory.</summary>
    public string ShortName => Request.Tags.Count > 0 ? string.Join(", ", Request.Tags.Select(static t => ImageReference.Parse(t).ToFamiliarString())) : Target is not null ? Target
        : Path.IsPathRooted(Request.ContextPath) && Path.GetFileName(Request.ContextPath.TrimEnd('/')) is { Length: > 0 } folder ? folder
        : ContextLocation.WithoutSecrets(Request.ContextPath);
}
