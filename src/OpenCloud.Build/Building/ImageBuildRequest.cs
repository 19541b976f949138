using OpenCloud.Build.Client.BuildKit;
using OpenCloud.Build.Client.Oci;
using OpenCloud.Build.Client.Transport;

namespace OpenCloud.Build.Building;

/// <summary>One build, all of its input checked.</summary>
internal sealed record ImageBuildRequest
{
    /// <summary>The directory whose files are sent; a full path.</summary>
    public required string ContextDirectory { get; init; }

    /// <summary>The Dockerfile's full path, which may be outside of the context; null when its text was given.</summary>
    public required string? DockerfilePath { get; init; }

    /// <summary>The Dockerfile's text as it was given, to be served from memory; null when it is a file.</summary>
    public required string? DockerfileContent { get; init; }

    /// <summary>What was read from the Dockerfile.</summary>
    public required DockerfileText Dockerfile { get; init; }

    /// <summary>The names of the image, each once and with a tag; none for a build without a name.</summary>
    public IReadOnlyList<ImageReference> Tags { get; init; } = [];

    /// <summary>Build arguments.</summary>
    public IReadOnlyDictionary<string, string> BuildArguments { get; init; } = new Dictionary<string, string>();

    /// <summary>Labels of the image.</summary>
    public IReadOnlyDictionary<string, string> Labels { get; init; } = new Dictionary<string, string>();

    /// <summary>The stage to build, or null for the last.</summary>
    public string? Target { get; init; }

    /// <summary>The platforms to build for; none for the engine's own.</summary>
    public IReadOnlyList<Platform> Platforms { get; init; } = [];

    /// <summary>Whether every step is run anew.</summary>
    public bool NoCache { get; init; }

    /// <summary>Whether base images are looked up in their registries even when the engine has them.</summary>
    public bool Pull { get; init; }

    /// <summary>The engine, or null for the one that is found.</summary>
    public EngineAddress? Address { get; init; }

    /// <summary>How it is connected to.</summary>
    public EngineConnectOptions Connect { get; init; } = new();

    /// <summary>The full path of the file that takes the whole log, or null.</summary>
    public string? LogPath { get; init; }
}
