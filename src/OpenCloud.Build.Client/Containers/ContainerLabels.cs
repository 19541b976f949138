using System.Globalization;
using System.Text.Json.Nodes;
using OpenCloud.Build.Client.Text;

namespace OpenCloud.Build.Client.Containers;

/// <summary>The labels of this library's containers and volumes: what they are, and from what they were made.</summary>
/// <param name="Engine">The name of the engine: that of its container when no update is running.</param>
/// <param name="Image">The reference of the image, or the path that it was loaded from.</param>
/// <param name="Digest">The digest of the image.</param>
/// <param name="LoadedAs">The name under which this library loaded the image; empty when it did not.</param>
/// <param name="Network">The network.</param>
/// <param name="CacheVolume">The volume of the cache.</param>
/// <param name="IsRootless">Whether the engine runs without root privileges.</param>
/// <param name="Version">The version of the library.</param>
/// <param name="Run">A random id of the run that made the container.</param>
internal sealed record ContainerLabels(string Engine, string Image, string Digest, string LoadedAs, string Network, string CacheVolume, bool IsRootless, string Version, string Run)
{
    public const string EngineLabel = Prefix + "engine";

    private const string Prefix = "opencloud.build.";
    private const string InternalLabel = Prefix + "internal";

    /// <summary>The version of this library.</summary>
    public static string OwnVersion { get; } = typeof(ContainerLabels).Assembly.GetName().Version!.ToString(3);

    /// <summary>The labels of a container or a volume; null when this library did not make it.</summary>
    public static ContainerLabels? From(IReadOnlyDictionary<string, string> labels)
    {
        string Of(string name) => labels.TryGetValue(Prefix + name, out string? value) ? value : string.Empty;
        return Of("internal") != "true" || Of("engine").Length == 0 ? null
            : new ContainerLabels(Of("engine"), Of("image"), Of("image.digest"), Of("image.loaded-as"), Of("network"), Of("cache-volume"), Of("rootless") == "true", Of("version"), Of("run"));
    }

    /// <summary>The labels of a volume.</summary>
    public static JsonObject OfVolume(string engine) => new()
    {
        [InternalLabel] = "true",
        [EngineLabel] = engine,
        [Prefix + "version"] = OwnVersion,
    };

    public JsonObject ToJson() => new()
    {
        [InternalLabel] = "true",
        [EngineLabel] = Engine,
        [Prefix + "image"] = Image,
        [Prefix + "image.digest"] = Digest,
        [Prefix + "image.loaded-as"] = LoadedAs,
        [Prefix + "network"] = Network,
        [Prefix + "cache-volume"] = CacheVolume,
        [Prefix + "rootless"] = IsRootless ? "true" : "false",
        [Prefix + "version"] = Version,
        [Prefix + "run"] = Run,
    };

    /// <summary>What differs in another container, for people; empty when nothing but the version does.</summary>
    public IReadOnlyList<string> DifferencesTo(ContainerLabels wanted)
    {
        List<string> differences = [];
        void Compare(string what, string mine, string theirs)
        {
            if (mine != theirs)
            {
                differences.Add(string.Create(CultureInfo.InvariantCulture, $"{what} {TerminalText.Line(mine)} instead of {TerminalText.Line(theirs)}"));
            }
        }

        Compare("image", Digest, wanted.Digest.Length > 0 ? wanted.Digest : wanted.Image);
        Compare("network", Network, wanted.Network);
        Compare("cache volume", CacheVolume, wanted.CacheVolume);
        Compare("rootless", IsRootless ? "yes" : "no", wanted.IsRootless ? "yes" : "no");
        return differences;
    }
}
