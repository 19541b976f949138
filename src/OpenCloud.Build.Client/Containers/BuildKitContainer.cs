using OpenCloud.Build.Client.Text;

namespace OpenCloud.Build.Client.Containers;

/// <summary>A container that runs an engine, made by this library.</summary>
public sealed record BuildKitContainer
{
    /// <summary>The name of the container.</summary>
    public required string Name { get; init => field = TerminalText.Name(value)!; }

    /// <summary>The address of the engine in it; null when the docker command of this user does not reach the container's Docker Engine. In containerd, the socket in a folder of this machine.</summary>
    public string? Address { get; init; }

    /// <summary>The AF_VSOCK port of this machine that leads to the engine; null for none.</summary>
    public uint? VsockPort { get; init; }

    /// <summary>The state that the Docker Engine or containerd reports, for example <c>running</c> or <c>exited</c>.</summary>
    public string State { get; init => field = TerminalText.Line(value); } = string.Empty;

    /// <summary>What this run did to it.</summary>
    public BuildKitContainerChange Change { get; init; }

    /// <summary>The image: its reference, or the path of the archive or the layout that it was loaded from.</summary>
    public string Image { get; init => field = TerminalText.Line(value); } = string.Empty;

    /// <summary>The digest of the image: that of the archive, or in containerd that of the image, in a Docker Engine its id.</summary>
    public string Digest { get; init => field = TerminalText.Line(value); } = string.Empty;

    /// <summary>The network of the container; <c>none</c> for none.</summary>
    public string Network { get; init => field = TerminalText.Line(value); } = string.Empty;

    /// <summary>The volume with the engine's cache.</summary>
    public string CacheVolume { get; init => field = TerminalText.Line(value); } = string.Empty;

    /// <summary>Whether the engine runs without root privileges.</summary>
    public bool IsRootless { get; init; }

    /// <summary>The version of the library that made the container.</summary>
    public string ModuleVersion { get; init => field = TerminalText.Line(value); } = string.Empty;

    /// <summary>When the container was created.</summary>
    public DateTimeOffset? Created { get; init; }

    /// <summary>The id of the container.</summary>
    public string Id { get; init => field = TerminalText.Line(value); } = string.Empty;

    /// <summary>The Docker Engine or the containerd that runs the container.</summary>
    public string Store { get; init; } = string.Empty;
}
