using System.Text.Json;
using OpenCloud.Build.Engine.Tests.Fixture;

namespace OpenCloud.Build.Engine.Tests.Builds;

/// <summary>The documents of an image in a Docker Engine's store, by digest.</summary>
internal static class ImageDocuments
{
    /// <summary>Whether the engine has a store that can be looked into.</summary>
    public static bool CanRead(RunningEngine engine) => engine is { Folder: not null, ContainerdSocket: not null };

    /// <summary>Reads a manifest, an index, a config or a statement.</summary>
    public static async Task<JsonElement> ReadAsync(RunningEngine engine, string digest, string space = "moby")
    {
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
}
