using OpenCloud.Build.Client.Credentials;
using OpenCloud.Build.Client.Inputs;

namespace OpenCloud.Build.Client.Images.Registries;

/// <summary>Options for requests to registries.</summary>
public sealed record RegistryOptions
{
    /// <summary>Credentials by host; they take precedence over docker's configuration.</summary>
    public IReadOnlyDictionary<string, RegistryCredential> Credentials { get; init; } = new Dictionary<string, RegistryCredential>();

    /// <summary>The directory of docker's configuration.</summary>
    public string DockerConfigDirectory { get; init; } = DockerConfigFile.DefaultDirectory;

    internal RegistrySettings Settings { get; init; } = RegistrySettings.OfThisMachine;

    /// <summary>Allows plain HTTP and untrusted certificates for every registry.</summary>
    public bool AllowInsecure { get; init; }

    /// <summary>The number of attempts, including the first.</summary>
    internal int Attempts { get; init; } = 5;

    /// <summary>The pause before the second attempt; it doubles for each later one.</summary>
    internal TimeSpan FirstPause { get; init; } = TimeSpan.FromSeconds(0.5);

    /// <summary>The longest pause, also when the registry asks for a longer one.</summary>
    internal TimeSpan LongestPause { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>The time limit for the response's headers.</summary>
    internal TimeSpan AnswerTimeout { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>The longest pause within a body.</summary>
    internal TimeSpan StallTimeout { get; init; } = TimeSpan.FromSeconds(60);

    internal TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>The largest content that is sent in one request, in bytes.</summary>
    internal int SmallContent { get; init; } = 4 * 1024 * 1024;

    /// <summary>The size of a chunk of larger contents, in bytes.</summary>
    internal long ChunkSize { get; init; } = 64L * 1024 * 1024;

    /// <summary>The number of contents transferred at the same time.</summary>
    public int AtOnce { get; init; } = 4;

    /// <summary>Called with a line about each failed attempt.</summary>
    public Action<string>? OnNotice { get; init; }
}
