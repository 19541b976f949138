using System.Text.Json.Nodes;
using OpenCloud.Build.Definitions.Model;

namespace OpenCloud.Build.Definitions.Tests.Peers;

/// <summary>A folder of tests/definitions: a definition, a request, and the peer's answer.</summary>
public sealed class PeerCase
{
    private readonly JsonObject _case;

    public PeerCase(string name)
    {
        Name = name;
        _case = JsonNode.Parse(File.ReadAllText(Path.Combine(Folder, "case.json")))!.AsObject();
        Answer = JsonNode.Parse(File.ReadAllText(Path.Combine(Folder, "answer.json")))!.AsObject();
    }

    public static string Root { get; } = Path.Combine(RepositoryRoot.Path, "tests", "definitions");

    public string Name { get; }

    public string Folder => Path.Combine(Root, Name);

    public JsonObject Answer { get; }

    public bool IsRefused => Answer.ContainsKey("error");

    public IReadOnlyList<DefinitionSource> Sources => [.. Files().Select(f => new DefinitionSource(f, File.ReadAllText(Path.Combine(Folder, f)), LanguageOf(f)) { FullPath = Path.Combine(Folder, f) })];

    public DefinitionOptions Options => new()
    {
        WorkingDirectory = Folder,
        Targets = List("targets"),
        Overrides = List("set"),
        Profiles = List("profiles"),
        EnvironmentFiles = _case.ContainsKey("envFiles") ? List("envFiles") : null,
        ProjectName = _case["projectName"]?.GetValue<string>(),
        Variables = Pairs("variables"),
        Environment = Pairs("environment").GetValueOrDefault,
        ReadFile = static f => File.Exists(f) ? File.ReadAllText(f) : null,
    };

    private static DefinitionLanguage LanguageOf(string file) => Path.GetExtension(file) switch
    {
        ".json" => DefinitionLanguage.Json,
        ".hcl" => DefinitionLanguage.Hcl,
        _ => DefinitionLanguage.Compose,
    };

    private IEnumerable<string> Files() => _case.ContainsKey("files") ? List("files") : BuildDefinitions.FindFiles(f => File.Exists(Path.Combine(Folder, f)));

    private string[] List(string name) => [.. (_case[name]?.AsArray() ?? []).Select(static n => n!.GetValue<string>())];

    private Dictionary<string, string> Pairs(string name) =>
        (_case[name]?.AsObject() ?? []).ToDictionary(static p => p.Key, static p => p.Value!.GetValue<string>(), StringComparer.Ordinal);
}
