using System.Globalization;
using System.Text.Json.Nodes;
using OpenCloud.Build.Client.Engines.Kubernetes;
using OpenCloud.Build.Client.Text;

namespace OpenCloud.Build.Client.Engines.Deployments;

/// <summary>How far Kubernetes has brought the pods of a workload to its settings (kubernetes/api, apps/v1: DeploymentStatus, StatefulSetStatus).</summary>
/// <param name="Wanted">The number of pods that it asks for.</param>
/// <param name="Ready">The pods with these settings that are ready.</param>
/// <param name="Missing">What is missing, as clauses; empty when it is complete.</param>
internal sealed record DeploymentRollout(int Wanted, int Ready, IReadOnlyList<string> Missing)
{
    private const int MostShown = 5;

    public bool IsComplete => Missing.Count == 0;

    /// <summary>A sentence without its end: how many pods are ready, and what is missing.</summary>
    public string Describe() => string.Create(CultureInfo.InvariantCulture, $"{Ready} of {Wanted} pod{(Wanted == 1 ? "" : "s")} {(Ready == 1 || Wanted == 1 ? "is" : "are")} ready")
        + (Missing.Count == 0 ? "" : ": " + string.Join("; ", Missing.Take(MostShown)) + (Missing.Count > MostShown ? $"; and {Missing.Count - MostShown} more" : ""));

    /// <param name="workload">A Deployment or StatefulSet.</param>
    /// <param name="pods">Its pods; null when they cannot be read.</param>
    public static DeploymentRollout Of(JsonObject workload, IReadOnlyList<JsonObject>? pods)
    {
        JsonNode? status = workload["status"];
        int wanted = Number(workload["spec"], "replicas") ?? 1;
        int updated = Number(status, "updatedReplicas") ?? 0;
        int ready = Math.Min(Number(status, "readyReplicas") ?? 0, updated);
        int earlier = (Number(status, "replicas") ?? 0) - updated;
        bool isRead = (Number(status, "observedGeneration") ?? 0) >= (Number(workload["metadata"], "generation") ?? 0);
        List<string> missing = [];
        if (((status as JsonObject)?["conditions"] as JsonArray)?.OfType<JsonObject>().FirstOrDefault(
            static c => JsonForm.Text(c, "type") == "ReplicaFailure" && JsonForm.Text(c, "status") == "True") is { } failure)
        {
            missing.Add(PodList.Shown($"Kubernetes cannot create its pods: {(JsonForm.Text(failure, "message") ?? JsonForm.Text(failure, "reason") ?? "no reason given").TrimEnd('.')}")!);
        }

        if (!isRead || updated < wanted || ready < wanted || earlier > 0)
        {
            missing.AddRange((pods ?? []).Select(static p => (Name: JsonForm.Text(p["metadata"], "name"), Why: PodWait.Describe(p)))
                .Where(static p => p.Name is not null && KubernetesRules.IsPodName(p.Name) && p.Why is not null)
                .OrderBy(static p => p.Name, StringComparer.Ordinal)
                .Select(static p => $"{p.Name}: {p.Why}"));
            if (missing.Count == 0)
            {
                missing.Add(!isRead || updated < wanted ? "Kubernetes creates its pods" : earlier > 0 && ready >= wanted ? "pods with the earlier settings end" : "its pods start");
            }
        }

        return new DeploymentRollout(wanted, isRead ? Math.Min(ready, wanted) : 0, missing);
    }

    private static int? Number(JsonNode? node, string name) =>
        node is JsonObject parent && parent[name] is JsonValue value && value.TryGetValue(out int number) ? number : null;
}
