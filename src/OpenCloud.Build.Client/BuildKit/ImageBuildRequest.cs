namespace OpenCloud.Build.Client.BuildKit;

/// <summary>What to build. Only <see cref="ContextPath"/> is needed.</summary>
public sealed class ImageBuildRequest
{
    /// <summary>The directory whose files the Dockerfile may use; an absolute path.</summary>
    public required string ContextPath { get; init; }

    /// <summary>The Dockerfile, anywhere; null for <c>Dockerfile</c> in the context.</summary>
    public string? DockerfilePath { get; init; }

    /// <summary>The Dockerfile's text, in place of a file; it is served from memory.</summary>
    public string? DockerfileText { get; init; }

    /// <summary>References the image gets, in the grammar of <see cref="Oci.ImageReference"/>.</summary>
    public IReadOnlyList<string> Tags { get; init; } = [];

    /// <summary>Values of the Dockerfile's ARG instructions.</summary>
    public IReadOnlyDictionary<string, string> BuildArguments { get; init; } = new Dictionary<string, string>();

    /// <summary>Labels for the image's config.</summary>
    public IReadOnlyDictionary<string, string> Labels { get; init; } = new Dictionary<string, string>();

    /// <summary>The stage to build; null for the last.</summary>
    public string? Target { get; init; }

    /// <summary>The platforms to build for, <c>os/arch[/variant]</c>; empty for the engine's own.</summary>
    public IReadOnlyList<string> Platforms { get; init; } = [];

    /// <summary>True to run every step anew.</summary>
    public bool NoCache { get; init; }

    /// <summary>True to ask the registries for base images even when the engine has them.</summary>
    public bool Pull { get; init; }
}
