using OpenCloud.Build.Client.Dockerfiles;
using OpenCloud.Build.Client.Engines;
using OpenCloud.Build.Client.Inputs;

namespace OpenCloud.Build.Builds;

/// <summary>One build with checked input.</summary>
internal sealed record CheckedBuild
{
    public required ImageBuildRequest Request { get; init; }

    /// <summary>The parsed Dockerfile; null when it is in a context that is not read here.</summary>
    public required DockerfileText? Dockerfile { get; init; }

    /// <summary>The engine; null for the discovered one.</summary>
    public EngineAddress? Address { get; init; }

    public EngineConnectOptions Connect { get; init; } = new();

    /// <summary>The full path of the log file; null for none.</summary>
    public string? LogPath { get; init; }

    /// <summary>The full path of the file for the build metadata; null for none.</summary>
    public string? MetadataPath { get; init; }

    /// <summary>The full path of the file for the image's id; null for none.</summary>
    public string? ImageIdPath { get; init; }

    /// <summary>The name of the build in messages.</summary>
    public string Name => Request.Tags.Count > 0 ? string.Join(", ", Request.Tags) : Request.ContextPath;
}
