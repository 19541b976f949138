using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using OpenCloud.Build.Definitions.Bake;
using OpenCloud.Build.Definitions.Compose;
using OpenCloud.Build.Definitions.Model;
using Xunit;

namespace OpenCloud.Build.Definitions.Tests.Peers;

/// <summary>Compares definitions with those that buildx bake and docker compose make from the same files.</summary>
public sealed class PeerTests
{
    private static readonly JsonSerializerOptions Readable = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static TheoryData<string> Bake => Cases("bake-");

    public static TheoryData<string> Compose => Cases("compose-");

    [Theory]
    [MemberData(nameof(Bake))]
    public void Bake_GivesTheSameTargets(string name)
    {
        PeerCase peer = new(name);
        if (peer.IsRefused)
        {
            DefinitionException refused = Assert.Throws<DefinitionException>(() => BakeReader.Read(peer.Sources, peer.Options).Resolve(out _));
            Assert.NotEmpty(refused.Message);
            return;
        }

        SortedDictionary<string, BakeTarget> targets = BakeReader.Read(peer.Sources, peer.Options).Resolve(out IReadOnlyDictionary<string, BakeGroup> groups);
        Same(Sorted(peer.Answer), Sorted(BakeText.Of(targets.Values, groups)), peer.Folder);
    }

    [Theory]
    [MemberData(nameof(Compose))]
    public void Compose_GivesTheSameBuilds(string name)
    {
        PeerCase peer = new(name);
        if (peer.IsRefused)
        {
            DefinitionException refused = Assert.Throws<DefinitionException>(() => BuildDefinitions.Read(peer.Sources, peer.Options));
            Assert.NotEmpty(refused.Message);
            return;
        }

        ComposeProject project = ComposeLoader.Load(peer.Sources, peer.Folder, peer.Options);
        IEnumerable<string> built = BuildDefinitions.Read(peer.Sources, peer.Options).Select(static d => d.Name);
        Same(Sorted(JsonNode.Parse(peer.Answer.ToJsonString(Readable).Replace("$$", "$", StringComparison.Ordinal))!), Sorted(ComposeText.Of(project, built)), peer.Folder);
    }

    [Fact]
    public void TheTableHasItsFiles() => Assert.True(Directory.GetDirectories(PeerCase.Root).Length >= 60);

    private static TheoryData<string> Cases(string prefix) => [.. Directory.GetDirectories(PeerCase.Root, prefix + "*").Select(static d => Path.GetFileName(d)).Order(StringComparer.Ordinal)];

    private static void Same(JsonNode expected, JsonNode actual, string folder) => Assert.Equal(
        expected.ToJsonString(Readable),
        actual.ToJsonString(Readable).Replace(folder, "/case", StringComparison.Ordinal).Replace(Path.GetDirectoryName(folder)!, string.Empty, StringComparison.Ordinal));

    // Sorts keys, and the targets of a group, which are a set. docker compose writes '$$' for '$', so that its output can be read again.
    private static JsonNode Sorted(JsonNode node) => node switch
    {
        JsonObject json => new JsonObject(json
            .Where(static p => p.Value is not null)
            .OrderBy(static p => p.Key, StringComparer.Ordinal)
            .Select(static p => KeyValuePair.Create<string, JsonNode?>(p.Key, p.Key == "targets" && p.Value is JsonArray set ? Ordered(set) : Sorted(p.Value!)))),
        JsonArray array => new JsonArray([.. array.Select(static i => Sorted(i!))]),
        _ => node.DeepClone(),
    };

    private static JsonArray Ordered(JsonArray set) => new([.. set.Select(static i => i!.GetValue<string>()).Order(StringComparer.Ordinal).Select(static i => JsonValue.Create(i))]);
}
