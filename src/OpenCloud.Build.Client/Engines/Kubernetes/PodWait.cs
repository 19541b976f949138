using System.Globalization;
using System.Text.Json.Nodes;
using OpenCloud.Build.Client.Text;

namespace OpenCloud.Build.Client.Engines.Kubernetes;

/// <summary>What a pod waits for until its engine is ready, in words for people (kubernetes/api, core/v1: PodStatus; kubernetes/kubernetes, pkg/kubelet/images).</summary>
internal static class PodWait
{
    private static readonly string[] PullReasons = ["ErrImagePull", "ImagePullBackOff", "ErrImageNeverPull", "ImageInspectError", "RegistryUnavailable", "SignatureValidationFailed"];
    private static readonly string[] StartReasons = ["CreateContainerConfigError", "CreateContainerError", "RunContainerError", "PreCreateHookError", "PostStartHookError"];

    /// <summary>A clause about a pod; null when its engine is ready, or the pod is being removed.</summary>
    public static string? Describe(JsonObject pod)
    {
        JsonNode? status = pod["status"];
        if (JsonForm.Text(pod["metadata"], "deletionTimestamp") is not null || HasCondition(status, "Ready", "True"))
        {
            return null;
        }

        if (JsonForm.Text(status, "phase") == "Failed")
        {
            return PodList.Shown($"it has failed{Because(JsonForm.Text(status, "reason"), JsonForm.Text(status, "message"))}");
        }

        JsonObject? unscheduled = Items(status, "conditions").FirstOrDefault(static c => JsonForm.Text(c, "type") == "PodScheduled" && JsonForm.Text(c, "status") == "False");
        if (unscheduled is not null)
        {
            return PodList.Shown($"no node can run it{Because(JsonForm.Text(unscheduled, "message"), null)}");
        }

        JsonObject[] containers = [.. Items(status, "initContainerStatuses"), .. Items(status, "containerStatuses")];
        return PodList.Shown(containers.Select(container => OfContainer(pod, container)).FirstOrDefault(static text => text is not null)
            ?? (containers.Length == 0 && !HasCondition(status, "PodScheduled", "True") ? "it waits for a node" : "its container is being created"));
    }

    private static string? OfContainer(JsonObject pod, JsonObject container)
    {
        JsonObject? state = container["state"] as JsonObject;
        if (state?["waiting"] is JsonObject waiting)
        {
            string? reason = JsonForm.Text(waiting, "reason");
            string? message = JsonForm.Text(waiting, "message");
            return reason switch
            {
                "InvalidImageName" => $"the name of the image {ImageOf(pod, container)} is not valid{Because(message, null)}",
                "CrashLoopBackOff" => $"its engine has ended {Times(container)}{Ended(container["lastState"])} and is started again after a pause",
                null or "ContainerCreating" or "PodInitializing" => "its container is being created",
                _ when PullReasons.Contains(reason, StringComparer.Ordinal) => $"the image {ImageOf(pod, container)} cannot be pulled{Because(message ?? reason, null)}",
                _ when StartReasons.Contains(reason, StringComparer.Ordinal) => $"its container cannot be started{Because(message ?? reason, null)}",
                _ => $"its container waits{Because(reason, message)}",
            };
        }

        if (state?["terminated"] is JsonObject)
        {
            // An init container that ended well is done.
            return (state["terminated"] as JsonObject)?["exitCode"] is JsonValue code && code.TryGetValue(out int exit) && exit == 0 ? null : $"its engine has ended{Ended(state)}";
        }

        return state?["running"] is JsonObject ? "its engine runs and does not answer yet" : null;
    }

    private static string ImageOf(JsonObject pod, JsonObject container)
    {
        // The status has what the runtime made of the name.
        string? name = JsonForm.Text(container, "name");
        JsonObject? wanted = Items(pod["spec"], "containers").FirstOrDefault(c => JsonForm.Text(c, "name") == name);
        return JsonForm.Text(wanted, "image") ?? JsonForm.Text(container, "image") ?? "of its container";
    }

    private static string Times(JsonObject container) =>
        container["restartCount"] is JsonValue value && value.TryGetValue(out int count) && count > 1 ? string.Create(CultureInfo.InvariantCulture, $"{count} times") : "once";

    private static string Ended(JsonNode? state)
    {
        JsonObject? ended = (state as JsonObject)?["terminated"] as JsonObject;
        string? reason = JsonForm.Text(ended, "reason");
        return ended?["exitCode"] is JsonValue value && value.TryGetValue(out int code)
            ? string.Create(CultureInfo.InvariantCulture, $" ({(reason is null or "Error" ? "" : $"{reason}, ")}exit code {code})")
            : reason is null ? "" : $" ({reason})";
    }

    private static string Because(string? reason, string? message) => (reason, message) switch
    {
        ({ Length: > 0 }, { Length: > 0 }) => $": {reason}: {message.TrimEnd('.')}",
        ({ Length: > 0 }, _) => $": {reason.TrimEnd('.')}",
        (_, { Length: > 0 }) => $": {message.TrimEnd('.')}",
        _ => string.Empty,
    };

    private static bool HasCondition(JsonNode? status, string type, string value) =>
        Items(status, "conditions").Any(c => JsonForm.Text(c, "type") == type && JsonForm.Text(c, "status") == value);

    private static IEnumerable<JsonObject> Items(JsonNode? parent, string name) => ((parent as JsonObject)?[name] as JsonArray)?.OfType<JsonObject>() ?? [];
}
