using System.Globalization;
using System.Text.Json.Nodes;
using OpenCloud.Build.Definitions.Compose;

namespace OpenCloud.Build.Definitions.Tests.Peers;

/// <summary>Writes services with a build as <c>docker compose config --format json</c> does.</summary>
internal static class ComposeText
{
    public static JsonObject Of(ComposeProject project, IEnumerable<string> services) => new()
    {
        ["name"] = project.Name,
        ["services"] = new JsonObject(services.Order(StringComparer.Ordinal).Select(n => KeyValuePair.Create<string, JsonNode?>(n, Service(project.Services[n])))),
    };

    private static JsonObject Service(ComposeService service) => new() { ["image"] = service.Image, ["build"] = Build(service.Build!) };

    private static JsonObject Build(ComposeBuild build)
    {
        JsonObject json = new() { ["context"] = build.Context };
        Add("dockerfile", build.Dockerfile ?? (build.DockerfileInline is null ? "Dockerfile" : null));
        Add("dockerfile_inline", build.DockerfileInline);
        Add("entitlements", List(build.Entitlements));
        Add("args", Pairs(build.Args));
        Add("provenance", build.Provenance);
        Add("sbom", build.Sbom);
        Add("ssh", List(build.Ssh.Select(static s => s.Value.Length == 0 ? s.Key : $"{s.Key}={s.Value}")));
        Add("labels", Pairs(build.Labels.Select(static l => KeyValuePair.Create(l.Key, (string?)l.Value))));
        Add("cache_from", List(build.CacheFrom));
        Add("cache_to", List(build.CacheTo));
        Add("no_cache", build.NoCache ? true : null);
        Add("additional_contexts", Pairs(build.Contexts.Select(static c => KeyValuePair.Create(c.Key, (string?)c.Value))));
        Add("pull", build.Pull ? true : null);
        Add("extra_hosts", List(build.ExtraHosts.Order(StringComparer.Ordinal)));
        Add("isolation", build.Isolation);
        Add("network", build.Network);
        Add("target", build.Target);
        Add("secrets", build.Secrets.Count == 0 ? null : new JsonArray([.. build.Secrets.Select(static s => s.Target is null ? new JsonObject { ["source"] = s.Source } : new JsonObject { ["source"] = s.Source, ["target"] = s.Target })]));
        Add("shm_size", build.ShmSize?.ToString(CultureInfo.InvariantCulture));
        Add("tags", List(build.Tags));
        Add("ulimits", build.Ulimits.Count == 0 ? null : new JsonObject(build.Ulimits.Select(static u => KeyValuePair.Create<string, JsonNode?>(
            u.Key, u.Value.IsSingle ? JsonValue.Create(u.Value.Soft) : new JsonObject { ["soft"] = u.Value.Soft, ["hard"] = u.Value.Hard }))));
        Add("platforms", List(build.Platforms));
        Add("privileged", build.IsPrivileged ? true : null);
        return json;

        void Add(string name, JsonNode? value)
        {
            if (value is not null)
            {
                json[name] = value;
            }
        }
    }

    private static JsonArray? List(IEnumerable<string> texts) => texts.ToArray() is { Length: > 0 } some ? new JsonArray([.. some.Select(static t => JsonValue.Create(t))]) : null;

    private static JsonObject? Pairs(IEnumerable<KeyValuePair<string, string?>> pairs)
    {
        JsonObject json = new(pairs.Where(static p => p.Value is not null).Select(static p => KeyValuePair.Create<string, JsonNode?>(p.Key, p.Value)));
        return json.Count > 0 ? json : null;
    }
}
