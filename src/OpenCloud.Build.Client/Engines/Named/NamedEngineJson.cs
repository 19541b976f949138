using System.Text;
using System.Text.Json.Nodes;
using OpenCloud.Build.Client.Text;

namespace OpenCloud.Build.Client.Engines.Named;

/// <summary>
/// The text of the file of named engines. A field that this version does not know is an error: a newer version may mean by it that the engine must
/// not be used as this version would.
/// </summary>
internal static class NamedEngineJson
{
    public const int MostNodes = 256;

    private const int Version = 1;
    private const int MostEngines = 1000;

    /// <exception cref="NamedEngineException">The text is not such a file.</exception>
    public static IReadOnlyList<BuildKitEngine> Read(ReadOnlySpan<byte> json, string path)
    {
        Reader reader = new(path);
        JsonObject root = JsonForm.TryParseObject(json) ?? throw reader.Invalid("it is not a JSON object, or a name is in it twice.");
        if (root["version"] is not JsonValue number || !number.TryGetValue(out int version))
        {
            throw reader.Invalid("it has no version.");
        }

        if (version != Version)
        {
            throw reader.Invalid($"it has version {version}, and this version of the module reads version {Version}. A newer version of the module wrote it.");
        }

        reader.CheckFields(root, "the file", "version", "default", "engines");
        string? chosen = reader.Text(root, "default", "the file");
        JsonObject engines = reader.Object(root, "engines", "the file") ?? [];
        if (engines.Count > MostEngines)
        {
            throw reader.Invalid($"it has more than {MostEngines} engines.");
        }

        HashSet<string> names = new(StringComparer.OrdinalIgnoreCase);
        List<BuildKitEngine> read = [];
        foreach ((string name, JsonNode? node) in engines)
        {
            if (!BuildKitEngine.IsName(name) || !names.Add(name))
            {
                throw reader.Invalid($"the name '{TerminalText.Bounded(TerminalText.Line(name), 80)}' is {(BuildKitEngine.IsName(name) ? "in it twice" : "invalid")}.");
            }

            string where = $"the engine '{name}'";
            JsonObject engine = node as JsonObject ?? throw reader.Invalid($"{where} is not an object.");
            reader.CheckFields(engine, where, "nodes", "labels", "cacheFrom", "cacheTo", "allowPlainTcp");
            if (engine["nodes"] is not JsonArray { Count: > 0 and <= MostNodes } nodes)
            {
                throw reader.Invalid($"{where} requires a list of 1 to {MostNodes} nodes.");
            }

            read.Add(new BuildKitEngine
            {
                Name = name,
                IsDefault = name.Equals(chosen, StringComparison.OrdinalIgnoreCase),
                Nodes = [.. nodes.Select(n => Node(reader, n, where))],
                Labels = reader.Map(engine, "labels", where),
                CacheFrom = reader.Texts(engine, "cacheFrom", where),
                CacheTo = reader.Texts(engine, "cacheTo", where),
                AllowPlainTcp = reader.Flag(engine, "allowPlainTcp", where),
            });
        }

        return chosen is null || names.Contains(chosen) ? read : throw reader.Invalid("its default is an engine that is not in it.");
    }

    public static byte[] Write(IReadOnlyList<BuildKitEngine> engines)
    {
        JsonObject list = [];
        foreach (BuildKitEngine engine in engines)
        {
            JsonObject one = new() { ["nodes"] = new JsonArray([.. engine.Nodes.Select(Node)]) };
            if (engine.Labels.Count > 0)
            {
                one["labels"] = new JsonObject(engine.Labels.OrderBy(static l => l.Key, StringComparer.Ordinal).Select(static l => KeyValuePair.Create(l.Key, (JsonNode?)l.Value)));
            }

            AddTexts(one, "cacheFrom", engine.CacheFrom);
            AddTexts(one, "cacheTo", engine.CacheTo);
            if (engine.AllowPlainTcp)
            {
                one["allowPlainTcp"] = true;
            }

            list[engine.Name] = one;
        }

        JsonObject root = new() { ["version"] = Version };
        if (engines.FirstOrDefault(static e => e.IsDefault) is { } chosen)
        {
            root["default"] = chosen.Name;
        }

        root["engines"] = list;
        return Encoding.UTF8.GetBytes(root.ToJsonString(JsonForm.Indented) + "\n");
    }

    private static JsonObject Node(EngineNode node)
    {
        JsonObject one = new() { ["address"] = node.Address };
        AddTexts(one, "platforms", node.GetPlatforms());
        JsonObject tls = [];
        foreach ((string name, string? value) in ((string, string?)[])
            [("directory", node.CertificateDirectory), ("caCertificate", node.CaCertificate), ("certificate", node.Certificate), ("key", node.Key), ("serverName", node.ServerName)])
        {
            if (value is not null)
            {
                tls[name] = value;
            }
        }

        if (tls.Count > 0)
        {
            one["tls"] = tls;
        }

        return one;
    }

    private static void AddTexts(JsonObject to, string name, IReadOnlyList<string> texts)
    {
        if (texts.Count > 0)
        {
            to[name] = new JsonArray([.. texts.Select(static t => (JsonNode?)t)]);
        }
    }

    private static EngineNode Node(Reader reader, JsonNode? json, string where)
    {
        string place = $"a node of {where}";
        JsonObject node = json as JsonObject ?? throw reader.Invalid($"{place} is not an object.");
        reader.CheckFields(node, place, "address", "platforms", "tls");
        JsonObject tls = reader.Object(node, "tls", place) ?? [];
        reader.CheckFields(tls, $"tls of {place}", "directory", "caCertificate", "certificate", "key", "serverName");
        string? File(string name) => reader.Text(tls, name, place) is { } file
            ? Path.IsPathRooted(file) ? file : throw reader.Invalid($"'{name}' of {place} is not an absolute path.")
            : null;
        return new EngineNode
        {
            Address = reader.Text(node, "address", place) is { Length: > 0 } address ? address : throw reader.Invalid($"{place} has no address."),
            CertificateDirectory = File("directory"),
            CaCertificate = File("caCertificate"),
            Certificate = File("certificate"),
            Key = File("key"),
            ServerName = reader.Text(tls, "serverName", place),
        }.WithPlatforms(reader.Texts(node, "platforms", place));
    }

    private sealed class Reader(string path)
    {
        public NamedEngineException Invalid(string why) => new(NamedEngineProblem.FileInvalid, $"The file of named engines '{path}' cannot be used: {why}");

        public void CheckFields(JsonObject node, string where, params ReadOnlySpan<string> known)
        {
            foreach ((string name, _) in node)
            {
                if (!known.Contains(name))
                {
                    throw Invalid($"{where} has the field '{TerminalText.Bounded(TerminalText.Line(name), 80)}', which this version of the module does not know.");
                }
            }
        }

        public string? Text(JsonObject node, string name, string where) => node[name] switch
        {
            null => null,
            JsonValue value when value.TryGetValue(out string? text) => text,
            _ => throw Invalid($"'{TerminalText.Line(name)}' of {where} is not a string."),
        };

        public bool Flag(JsonObject node, string name, string where) => node[name] switch
        {
            null => false,
            JsonValue value when value.TryGetValue(out bool flag) => flag,
            _ => throw Invalid($"'{name}' of {where} is not true or false."),
        };

        public JsonObject? Object(JsonObject node, string name, string where) => node[name] switch
        {
            null => null,
            JsonObject value => value,
            _ => throw Invalid($"'{name}' of {where} is not an object."),
        };

        public IReadOnlyDictionary<string, string> Map(JsonObject node, string name, string where)
        {
            JsonObject map = Object(node, name, where) ?? [];
            return map.ToDictionary(static p => p.Key, p => Text(map, p.Key, where) ?? string.Empty, StringComparer.Ordinal);
        }

        public IReadOnlyList<string> Texts(JsonObject node, string name, string where) => node[name] switch
        {
            null => [],
            JsonArray list when list.All(static i => i is JsonValue value && value.TryGetValue(out string? _)) => [.. list.Select(static i => i!.GetValue<string>())],
            _ => throw Invalid($"'{name}' of {where} is not a list of strings."),
        };
    }
}
