namespace OpenCloud.Build.Host.Containers;

/// <summary>A vsock port of this machine that leads to an engine in a container of this machine.</summary>
public sealed record ContainerVsock
{
    /// <summary>The name of the container.</summary>
    public required string Engine { get; init; }

    /// <summary>The address of the Docker Engine or the containerd that runs it.</summary>
    public required string Store { get; init; }

    /// <summary>The port, from 1 to 4294967294.</summary>
    public required uint Port { get; init; }

    /// <summary>The socket of the engine on this machine; null for an engine that the docker command reaches.</summary>
    public string? Socket { get; init; }

    /// <summary>The socket of the Docker Engine whose container it is; null for an engine with a socket of its own.</summary>
    public string? DockerSocket { get; init; }
}
