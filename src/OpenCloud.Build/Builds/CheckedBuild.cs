using OpenCloud.Build.Client.Engines;
using OpenCloud.Build.Client.Inputs;

namespace OpenCloud.Build.Builds;

/// <summary>A checked request, its engine, and the files that this module writes about it; all paths are full.</summary>
internal sealed record CheckedBuild
{
    public required ImageBuildRequest Request { get; init; }

    /// <summary>The engine; null for the discovered one.</summary>
    public EngineAddress? Address { get; init; }

    public EngineConnectOptions Connect { get; init; } = new();

    /// <summary>The log file; null for none.</summary>
    public string? LogPath { get; init; }

    /// <summary>The file for the build metadata; null for none.</summary>
    public string? MetadataPath { get; init; }

    /// <summary>The file for the image's id; null for none.</summary>
    public string? ImageIdPath { get; init; }

    /// <summary>The name of the build in messages.</summary>
    public string Name => Request.Tags.Count > 0 ? string.Join(", ", Request.Tags) : Request.ContextPath;
}
