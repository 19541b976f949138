namespace OpenCloud.Build.Engine.Tests.Fixture;

/// <summary>An engine that answers.</summary>
public sealed record RunningEngine
{
    /// <summary>Its name in the fixture, or <see cref="EngineNames.Given"/>.</summary>
    public required string Name { get; init; }

    /// <summary>Its address as a user would write it: <c>docker:///path</c>, <c>unix:///path</c>, …</summary>
    public required string Address { get; init; }

    /// <summary>The folder of its sockets and logs; null when the fixture did not start it.</summary>
    public string? Folder { get; init; }

    /// <summary>The first process of its namespaces, as this process sees it; null when the fixture did not start it.</summary>
    public int? ProcessId { get; init; }

    /// <summary>The socket of Docker Engine's HTTP API; null when it is no Docker Engine.</summary>
    public string? DockerSocket { get; init; }

    /// <summary>containerd's socket; null when there is none or it is not known.</summary>
    public string? ContainerdSocket { get; init; }

    /// <summary>The daemon's log; null when the fixture did not start it.</summary>
    public string? LogPath { get; init; }

    /// <summary>Where its programs (<c>ctr</c>, <c>busybox</c>) are, as PATH has it; null when the fixture did not start it.</summary>
    public string? SearchPath { get; init; }

    /// <inheritdoc/>
    public override string ToString()
    {
        return Name;
    }
}
