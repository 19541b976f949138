using System.Text.Json.Nodes;

namespace OpenCloud.Build.Engine.Tests.Kubernetes;

/// <summary>
/// Who set the number of pods and the image of a workload. An apply with another value conflicts with each other manager of the field, and owns what it
/// sets; any other change owns what it changes, alone (sigs.k8s.io/structured-merge-diff, merge/update.go).
/// </summary>
internal sealed class FieldManagers
{
    private static readonly (string Path, Func<JsonObject, JsonNode?> Value)[] Fields =
    [
        (".spec.replicas", static o => o["spec"]?["replicas"]),
        (".spec.template.spec.containers[name=\"buildkitd\"].image", static o => (o["spec"]?["template"]?["spec"]?["containers"] as JsonArray)?.FirstOrDefault(static c => (string?)c!["name"] == "buildkitd")?["image"]),
    ];

    private readonly Dictionary<string, HashSet<FieldManager>> _owners = new(StringComparer.Ordinal);

    /// <summary>The fields that a manager changes and others own.</summary>
    public IReadOnlyList<FieldConflict> Conflicts(JsonObject before, JsonObject after, FieldManager manager) =>
    [
        .. Fields.Where(field => IsChanged(field.Value, before, after))
            .SelectMany(field => _owners.GetValueOrDefault(field.Path, []).Where(owner => owner != manager).Select(owner => new FieldConflict(owner, field.Path))),
    ];

    /// <summary>Gives a manager what it has set.</summary>
    public void Take(JsonObject before, JsonObject after, FieldManager manager)
    {
        foreach ((string path, Func<JsonObject, JsonNode?> value) in Fields)
        {
            if (IsChanged(value, before, after))
            {
                _owners[path] = [manager];
            }
            else if (manager.Operation == FieldManager.Apply && value(after) is not null)
            {
                _owners.TryAdd(path, []);
                _owners[path].Add(manager);
            }
        }
    }

    private static bool IsChanged(Func<JsonObject, JsonNode?> value, JsonObject before, JsonObject after) => value(before)?.ToJsonString() != value(after)?.ToJsonString();
}

/// <summary>A manager of fields. The same name with another operation or subresource is another one (kubernetes/apimachinery, pkg/util/managedfields).</summary>
internal sealed record FieldManager(string Name, string Operation, string? Subresource)
{
    public const string Apply = "Apply";
    public const string Update = "Update";

    /// <summary>By which messages are sorted.</summary>
    public string Key => $"\"manager\":\"{Name}\",\"operation\":\"{Operation}\"{(Operation == Update ? ",\"apiVersion\":\"apps/v1\"" : "")}{(Subresource is null ? "" : $",\"subresource\":\"{Subresource}\"")}}}";

    public override string ToString() => $"\"{Name}\"{(Subresource is null ? "" : $" with subresource \"{Subresource}\"")}{(Operation == Update ? " using apps/v1" : "")}";
}

/// <summary>A field that another manager owns.</summary>
internal sealed record FieldConflict(FieldManager Manager, string Path)
{
    /// <summary>As an API server reports it (kubernetes/apimachinery, pkg/util/managedfields/internal/conflict.go).</summary>
    public static string Message(IReadOnlyList<FieldConflict> conflicts)
    {
        if (conflicts is [FieldConflict one])
        {
            return $"Apply failed with 1 conflict: conflict with {one.Manager}: {one.Path}";
        }

        IEnumerable<string> lines = conflicts.GroupBy(static c => c.Manager).OrderBy(static g => g.Key.Key, StringComparer.Ordinal)
            .SelectMany(static g => g.Select(static c => $"- {c.Path}").Prepend($"conflicts with {g.Key}:"));
        return $"Apply failed with {conflicts.Count} conflicts: {string.Join('\n', lines)}";
    }
}
