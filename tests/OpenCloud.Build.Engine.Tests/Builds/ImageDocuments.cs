using System.Text.Json;
using OpenCloud.Build.Client.Inputs;
using OpenCloud.Build.Engine.Tests.Fixture;

namespace OpenCloud.Build.Engine.Tests.Builds;

/// <summary>
/// The documents of an image by digest: in a Docker Engine's store, or, where an engine's store cannot be looked into, in an OCI layout that
/// the builds write.
/// </summary>
internal static class ImageDocuments
{
    private static readonly Lazy<string> Layout = new(static () =>
    {
        ContextFolder folder = new();
        AppDomain.CurrentDomain.ProcessExit += (_, _) => folder.Dispose();
        return folder.At("layout");
    });

    /// <summary>The outputs of a build whose documents shall be read.</summary>
    public static IReadOnlyList<BuildOutput> Outputs(RunningEngine engine)
        => HasStore(engine) ? [] : [BuildOutput.Parse($"type=oci,tar=false,dest={Layout.Value}")];

    /// <summary>Reads a manifest, an index, a config or a statement.</summary>
    public static async Task<JsonElement> ReadAsync(RunningEngine engine, string digest, string space = "moby")
    {
        if (!HasStore(engine))
        {
            using JsonDocument blob = JsonDocument.Parse(await File.ReadAllBytesAsync(Path.Combine(Layout.Value, "blobs", digest.Replace(':', '/')), TestContext.Current.CancellationToken));
            return blob.RootElement.Clone();
        }

        (string program, IReadOnlyList<string> arguments) = EngineScript.Inside(
            engine, "ctr", "--address", engine.ContainerdSocket!, "--namespace", space, "content", "get", digest);
        string text = (await Command.RunAsync(program, arguments, cancellationToken: TestContext.Current.CancellationToken)).Succeeded();
        using JsonDocument document = JsonDocument.Parse(text);
        return document.RootElement.Clone();
    }

    /// <summary>A string property of an object's annotations; null where there is none.</summary>
    public static string? Annotation(JsonElement element, string name)
        => element.TryGetProperty("annotations", out JsonElement annotations) && annotations.TryGetProperty(name, out JsonElement value) ? value.GetString() : null;

    /// <summary>The descriptors of an index.</summary>
    public static List<JsonElement> Manifests(JsonElement index) => [.. index.GetProperty("manifests").EnumerateArray()];

    private static bool HasStore(RunningEngine engine) => engine is { Folder: not null, ContainerdSocket: not null };
}
