using OpenCloud.Build.Client.Credentials;
using OpenCloud.Build.Client.Inputs;

namespace OpenCloud.Build.Client.Images.Registries;

/// <summary>How registries are spoken with.</summary>
public sealed record RegistryOptions
{
    /// <summary>Credentials by host, which precede those of docker's configuration.</summary>
    public IReadOnlyDictionary<string, RegistryCredential> Credentials { get; init; } = new Dictionary<string, RegistryCredential>();

    /// <summary>The directory of docker's configuration.</summary>
    public string DockerConfigDirectory { get; init; } = DockerConfigFile.DefaultDirectory;

    internal RegistrySettings Settings { get; init; } = RegistrySettings.OfThisMachine;

    /// <summary>Allows plain HTTP and untrusted certificates for every registry.</summary>
    public bool AllowInsecure { get; init; }

    /// <summary>How often a request is sent before its failure counts.</summary>
    internal int Attempts { get; init; } = 5;

    /// <summary>The pause before the second attempt; each later one is twice as long.</summary>
    internal TimeSpan FirstPause { get; init; } = TimeSpan.FromSeconds(0.5);

    /// <summary>The longest pause, also where the registry asks for a longer one.</summary>
    internal TimeSpan LongestPause { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>How long the head of an answer may take.</summary>
    internal TimeSpan AnswerTimeout { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>How long a body may pause.</summary>
    internal TimeSpan StallTimeout { get; init; } = TimeSpan.FromSeconds(60);

    internal TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>The largest content that is sent with one request.</summary>
    internal int SmallContent { get; init; } = 4 * 1024 * 1024;

    /// <summary>How much of a larger content one request carries.</summary>
    internal long ChunkSize { get; init; } = 64L * 1024 * 1024;

    /// <summary>How many contents move at the same time.</summary>
    public int AtOnce { get; init; } = 4;

    /// <summary>Gets a line about each attempt that failed.</summary>
    public Action<string>? OnNotice { get; init; }
}
