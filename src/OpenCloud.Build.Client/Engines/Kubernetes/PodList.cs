using System.Text;
using System.Text.Json.Nodes;
using OpenCloud.Build.Client.Text;

namespace OpenCloud.Build.Client.Engines.Kubernetes;

/// <summary>The pods of an answer of kubectl, and whether builds can start on them (kubernetes/api, core/v1: PodStatus).</summary>
internal sealed record PodList(IReadOnlyList<PodList.Pod> Pods)
{
    private const int MostShown = 5;

    /// <summary>The names of the pods on which builds can start.</summary>
    public IReadOnlyList<string> Ready => [.. Pods.Where(static p => p.NotReady is null).Select(static p => p.Name)];

    /// <summary>Why builds cannot start on the pods, for a message.</summary>
    public string Describe()
    {
        Pod[] others = [.. Pods.Where(static p => p.NotReady is not null)];
        string more = others.Length > MostShown ? $"; and {others.Length - MostShown} more" : "";
        return others.Length == 0 ? "it has no pods" : string.Join("; ", others.Take(MostShown).Select(static p => $"{p.Name}: {p.NotReady}")) + more;
    }

    /// <summary>Reads an answer; null when it is not a list.</summary>
    /// <param name="json">The answer to <c>kubectl get pods --output=json</c>.</param>
    /// <param name="container">The container that is used; null for any.</param>
    public static PodList? Parse(string json, string? container)
    {
        if (JsonForm.TryParseObject(Encoding.UTF8.GetBytes(json)) is not { } list || list["items"] is not JsonArray items)
        {
            return null;
        }

        return new PodList([.. items.OfType<JsonObject>()
            // The name becomes an argument of kubectl, and part of messages.
            .Where(static p => JsonForm.Text(p["metadata"], "name") is { } name && KubernetesRules.IsPodName(name))
            .Select(p => new Pod(JsonForm.Text(p["metadata"], "name")!, Shown(WhyNotReady(p, container))))
            .OrderBy(static p => p.Name, StringComparer.Ordinal)]);
    }

    internal static string? Shown(string? text) => text is null ? null : TerminalText.Bounded(TerminalText.Line(text), 200);

    private static string? WhyNotReady(JsonObject pod, string? container)
    {
        // Kubernetes is removing it: it ends its builds, and takes no further ones.
        if (JsonForm.Text(pod["metadata"], "deletionTimestamp") is not null)
        {
            return "it is being removed";
        }

        JsonNode? status = pod["status"];
        string? phase = JsonForm.Text(status, "phase");
        if (phase != "Running")
        {
            return Reason(status) ?? Waiting(status, null) ?? $"its phase is {phase ?? "unknown"}";
        }

        if (container is not null)
        {
            JsonObject? used = Statuses(status).FirstOrDefault(c => JsonForm.Text(c, "name") == container);
            if (used is null || !IsTrue(used["ready"]))
            {
                return used is null ? $"it has no container {container}" : Waiting(status, container) ?? $"its container {container} is not ready";
            }
        }

        bool isReady = Items(status, "conditions").Any(static c => JsonForm.Text(c, "type") == "Ready" && JsonForm.Text(c, "status") == "True");
        return isReady ? null : Waiting(status, null) ?? "it is not ready";
    }

    private static string? Reason(JsonNode? status) => JsonForm.Text(status, "reason") is { Length: > 0 } reason
        ? JsonForm.Text(status, "message") is { Length: > 0 } message ? $"{reason}: {message.TrimEnd('.')}" : reason
        : null;

    private static string? Waiting(JsonNode? status, string? container) =>
        Statuses(status).Where(c => container is null || JsonForm.Text(c, "name") == container).Select(static c => Reason((c["state"] as JsonObject)?["waiting"])).FirstOrDefault(static r => r is not null);

    private static IEnumerable<JsonObject> Statuses(JsonNode? status) => Items(status, "containerStatuses");

    private static IEnumerable<JsonObject> Items(JsonNode? parent, string name) => ((parent as JsonObject)?[name] as JsonArray)?.OfType<JsonObject>() ?? [];

    private static bool IsTrue(JsonNode? node) => node is JsonValue value && value.TryGetValue(out bool set) && set;

    /// <summary>A pod.</summary>
    /// <param name="Name">Its name.</param>
    /// <param name="NotReady">Why no build can start on it; null when one can.</param>
    internal sealed record Pod(string Name, string? NotReady);
}
