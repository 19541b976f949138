using System.Text;
using System.Text.Json.Nodes;
using OpenCloud.Build.Client.Engines.Remote;
using OpenCloud.Build.Client.Text;

namespace OpenCloud.Build.Client.Engines.Kubernetes;

/// <summary>Finds out why a connection to a pod ended, when Kubernetes ended it.</summary>
internal static class PodEnd
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    /// <summary>
    /// A sentence that names the pod and says what happened to it; null when nothing did, or when kubectl does not say, also because it was cancelled.
    /// </summary>
    public static async Task<string?> ExplainAsync(RemoteAddress pod, Func<string, string?> variables, CancellationToken cancellationToken)
    {
        try
        {
            string answer = await new Kubectl(pod.Context, pod.Namespace, variables, Patience)
                .RunAsync("read the pod", ["get", "pod", pod.Name, "--output=json"], default, cancellationToken).ConfigureAwait(false);
            return JsonForm.TryParseObject(Encoding.UTF8.GetBytes(answer)) is { } found ? Explain(pod.Name, pod.Container, found) : null;
        }
        catch (OperationCanceledException)
        {
            return null;
        }
        catch (KubernetesException e)
        {
            return e.Problem == KubernetesProblem.NotFound ? $"The pod {pod.Name} does not exist any more: it was deleted or evicted." : null;
        }
    }

    /// <param name="name">The name of the pod.</param>
    /// <param name="used">The container that carried the connection; null for any.</param>
    /// <param name="pod">The pod.</param>
    internal static string? Explain(string name, string? used, JsonObject pod)
    {
        JsonNode? status = pod["status"];
        string? reason = JsonForm.Text(status, "reason");
        string message = Sentence(JsonForm.Text(status, "message"));
        if (JsonForm.Text(status, "phase") == "Failed")
        {
            return reason == "Evicted" ? $"The pod {name} was evicted{message}" : $"The pod {name} has failed ({PodList.Shown(reason) ?? "no reason given"}){message}";
        }

        if (JsonForm.Text(pod["metadata"], "deletionTimestamp") is not null)
        {
            // Kubernetes says there who removes a pod (kubernetes/api, core/v1: DisruptionTarget).
            JsonObject? target = Items(status, "conditions").FirstOrDefault(static c => JsonForm.Text(c, "type") == "DisruptionTarget" && JsonForm.Text(c, "status") == "True");
            return target is null
                ? $"The pod {name} was deleted."
                : $"The pod {name} was evicted ({PodList.Shown(JsonForm.Text(target, "reason")) ?? "no reason given"}){Sentence(JsonForm.Text(target, "message"))}";
        }

        foreach (JsonObject container in Items(status, "containerStatuses").Where(c => used is null || JsonForm.Text(c, "name") == used))
        {
            if (((container["state"] as JsonObject)?["terminated"] ?? (container["lastState"] as JsonObject)?["terminated"]) is JsonObject ended && !IsTrue(container["ready"]))
            {
                return $"The container {PodList.Shown(JsonForm.Text(container, "name"))} of the pod {name} has ended ({PodList.Shown(JsonForm.Text(ended, "reason")) ?? "no reason given"}){Sentence(JsonForm.Text(ended, "message"))}";
            }
        }

        return null;
    }

    private static string Sentence(string? text) => text is { Length: > 0 } ? $": {PodList.Shown(text)!.TrimEnd('.')}." : ".";

    private static IEnumerable<JsonObject> Items(JsonNode? parent, string name) => ((parent as JsonObject)?[name] as JsonArray)?.OfType<JsonObject>() ?? [];

    private static bool IsTrue(JsonNode? node) => node is JsonValue value && value.TryGetValue(out bool set) && set;
}
