using OpenCloud.Build.Client.Dockerfiles;
using OpenCloud.Build.Client.Engines;
using OpenCloud.Build.Client.Inputs;

namespace OpenCloud.Build.Builds;

/// <summary>One build, all of its input checked.</summary>
internal sealed record CheckedBuild
{
    /// <summary>What to build.</summary>
    public required ImageBuildRequest Request { get; init; }

    /// <summary>What was read from the Dockerfile; null when it is in a context that is not read here.</summary>
    public required DockerfileText? Dockerfile { get; init; }

    /// <summary>The engine, or null for the one that is found.</summary>
    public EngineAddress? Address { get; init; }

    /// <summary>How it is connected to.</summary>
    public EngineConnectOptions Connect { get; init; } = new();

    /// <summary>The full path of the file that takes the whole log, or null.</summary>
    public string? LogPath { get; init; }

    /// <summary>The full path of the file that takes what the engine tells of the image, or null.</summary>
    public string? MetadataPath { get; init; }

    /// <summary>The full path of the file that takes the image's id, or null.</summary>
    public string? ImageIdPath { get; init; }

    /// <summary>What is being built, for people.</summary>
    public string Name => Request.Tags.Count > 0 ? string.Join(", ", Request.Tags) : Request.ContextPath;
}
