namespace OpenCloud.Build.Engine.Tests.Fixture;

/// <summary>The engines that tests run on.</summary>
public static class EngineNames
{
    /// <summary>Docker Engine 26.1 with the containerd store: BuildKit 0.13.</summary>
    public const string Docker26 = "docker-26";

    /// <summary>Docker Engine 28.5 or newer with the containerd store: BuildKit 0.25 or newer.</summary>
    public const string Docker28 = "docker-28";

    /// <summary>containerd 1.7 alone.</summary>
    public const string Containerd1 = "containerd-1";

    /// <summary>containerd 2 alone.</summary>
    public const string Containerd2 = "containerd-2";

    /// <summary>The engine at the address in <see cref="GivenVariable"/>.</summary>
    public const string Given = "given";

    /// <summary>The environment variable that names an engine which is there already.</summary>
    public const string GivenVariable = "OPENCLOUD_BUILD_TEST_ENGINE";

    /// <summary>The address in <see cref="GivenVariable"/>, or null.</summary>
    public static string? GivenAddress =>
        Environment.GetEnvironmentVariable(GivenVariable) is { Length: > 0 } address ? address : null;

    /// <summary>Every engine that builds: the fixture's Docker Engines, and the given one if there is one.</summary>
    public static IReadOnlyList<string> Builders => GivenAddress is null ? [Docker26, Docker28] : [Docker26, Docker28, Given];
}
