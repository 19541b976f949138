using System.Text.Json.Nodes;
using OpenCloud.Build.Definitions.Bake;

namespace OpenCloud.Build.Definitions.Tests.Peers;

/// <summary>Writes targets and groups as <c>buildx bake --print</c> does.</summary>
internal static class BakeText
{
    public static JsonObject Of(IEnumerable<BakeTarget> targets, IReadOnlyDictionary<string, BakeGroup> groups)
    {
        JsonObject group = new(groups.OrderBy(static g => g.Key, StringComparer.Ordinal).Select(static g => KeyValuePair.Create<string, JsonNode?>(
            g.Key, new JsonObject { ["description"] = Text(g.Value.Description), ["targets"] = List(g.Value.Targets) })));
        return new JsonObject
        {
            ["group"] = group,
            ["target"] = new JsonObject(targets.Select(static t => KeyValuePair.Create<string, JsonNode?>(t.Name, Target(t)))),
        };
    }

    private static JsonObject Target(BakeTarget target)
    {
        JsonObject json = [];
        Add("description", Text(target.Description));
        Add("annotations", List(target.Annotations?.Select(Escape)));
        Add("attest", Entries(target.Attest));
        Add("context", Clean(target.Context!));
        Add("contexts", Pairs(target.Contexts?.Select(static c => KeyValuePair.Create(c.Key, (string?)c.Value)), isEscaped: false));
        Add("dockerfile", target.Dockerfile);
        Add("dockerfile-inline", target.DockerfileInline is { } inline ? Escape(inline) : null);
        Add("args", Pairs(target.Args, isEscaped: true));
        Add("labels", Pairs(target.Labels, isEscaped: true));
        Add("tags", List(target.Tags));
        Add("cache-from", Entries(target.CacheFrom));
        Add("cache-to", Entries(target.CacheTo));
        Add("target", target.Target);
        Add("secret", target.Secrets is { Count: > 0 } secrets ? new JsonArray([.. secrets.Select(Secret)]) : null);
        Add("ssh", target.Ssh is { Count: > 0 } agents ? new JsonArray([.. agents.Select(Agent)]) : null);
        Add("platforms", List(target.Platforms));
        Add("output", Entries(target.Outputs));
        Add("pull", target.Pull);
        Add("no-cache", target.NoCache);
        Add("network", target.Network);
        Add("no-cache-filter", List(target.NoCacheFilter));
        Add("shm-size", target.ShmSize);
        Add("ulimits", List(target.Ulimits));
        Add("call", target.Call);
        Add("entitlements", List(target.Entitlements));
        Add("extra-hosts", Pairs(target.ExtraHosts, isEscaped: true));
        return json;

        void Add(string name, JsonNode? value)
        {
            if (value is not null)
            {
                json[name] = value;
            }
        }
    }

    // buildx writes the cleaned form of a path.
    private static string Clean(string context)
    {
        string path = context.StartsWith("cwd://", StringComparison.Ordinal) ? context["cwd://".Length..] : context;
        return path.Contains("://", StringComparison.Ordinal) ? path : Path.TrimEndingDirectorySeparator(Path.GetRelativePath("/a/b/c", Path.GetFullPath(Path.Join("/a/b/c", path))));
    }

    private static string? Text(string? text) => string.IsNullOrEmpty(text) ? null : text;

    private static string Escape(string text) => text.Replace("${", "$${", StringComparison.Ordinal).Replace("%{", "%%{", StringComparison.Ordinal);

    private static JsonArray? List(IEnumerable<string>? texts) => texts?.ToArray() is { Length: > 0 } some ? new JsonArray([.. some.Select(static t => JsonValue.Create(t))]) : null;

    private static JsonObject? Pairs(IEnumerable<KeyValuePair<string, string?>>? pairs, bool isEscaped)
    {
        JsonObject json = new((pairs ?? []).Where(static p => p.Value is not null).Select(p => KeyValuePair.Create<string, JsonNode?>(p.Key, isEscaped ? Escape(p.Value!) : p.Value)));
        return json.Count > 0 ? json : null;
    }

    private static JsonArray? Entries(List<BakeEntry>? entries) => entries is not { Count: > 0 } ? null : new JsonArray(
    [
        .. entries.Select(static e =>
        {
            JsonObject json = new(e.Attributes.Select(static a => KeyValuePair.Create<string, JsonNode?>(a.Key, a.Value))) { ["type"] = e.Type };
            if (e.IsDisabled)
            {
                json["disabled"] = true;
            }

            return json;
        }),
    ]);

    private static JsonObject Secret(BakeSecret secret)
    {
        JsonObject json = [];
        foreach ((string name, string value) in new[] { ("id", secret.Id), ("src", secret.File), ("env", secret.Variable) }.Where(static p => p.Item2.Length > 0))
        {
            json[name] = value;
        }

        return json;
    }

    private static JsonObject Agent(BakeSsh agent)
    {
        JsonObject json = new() { ["id"] = agent.Id };
        if (agent.Paths.Count > 0)
        {
            json["paths"] = List(agent.Paths);
        }

        return json;
    }
}
