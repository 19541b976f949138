using System.Collections.Concurrent;
using System.Text;
using System.Text.Json.Nodes;
using OpenCloud.Build.Client.Engines.Nodes;
using OpenCloud.Build.Client.Engines.Remote;
using OpenCloud.Build.Client.Text;

namespace OpenCloud.Build.Client.Engines.Kubernetes;

/// <summary>
/// The pods of a Deployment or StatefulSet, by its selector. All connections of this process to the same one share the count of running builds.
/// </summary>
internal sealed class DeploymentPods
{
    // Builds that start at the same time read the pods once.
    private static readonly TimeSpan Fresh = TimeSpan.FromSeconds(1);

    // Kubernetes itself takes a node for lost after 40 s by default in older releases, and 50 s in newer ones (kubernetes/kubernetes,
    // pkg/controller/nodelifecycle: node-monitor-grace-period). Until then its pods count as ready.
    private static readonly TimeSpan Avoided = TimeSpan.FromSeconds(60);
    private static readonly ConcurrentDictionary<string, NodeLoads> AllLoads = new(StringComparer.Ordinal);

    private readonly SemaphoreSlim _one = new(1);
    private readonly ConcurrentDictionary<string, long> _silent = new(StringComparer.Ordinal);
    private readonly RemoteAddress _address;
    private readonly Kubectl _kubectl;
    private readonly TimeProvider _clock;
    private string? _selector;
    private PodList? _known;
    private long _readAt;

    public DeploymentPods(RemoteAddress address, Func<string, string?> variables, TimeSpan timeout, TimeProvider clock)
    {
        _address = address;
        _clock = clock;
        _kubectl = new Kubectl(address.Context, address.Namespace, variables, timeout);
        Loads = AllLoads.GetOrAdd($"{variables("KUBECONFIG")}\n{address}", static _ => new NodeLoads());
    }

    /// <summary>The running builds of this process on the pods.</summary>
    public NodeLoads Loads { get; }

    /// <summary>Forgets the pods, because one of them is not as it was.</summary>
    public void Forget() => _known = null;

    /// <summary>Takes that the node of a pod does not answer, although Kubernetes still calls the pod ready.</summary>
    public void Avoid(string pod) => _silent[pod] = _clock.GetTimestamp();

    /// <summary>Whether the node of a pod did not answer a short time ago.</summary>
    public bool IsAvoided(string pod)
    {
        if (!_silent.TryGetValue(pod, out long since))
        {
            return false;
        }

        return _clock.GetElapsedTime(since) < Avoided || !_silent.TryRemove(pod, out _);
    }

    /// <summary>The pods as they are now.</summary>
    /// <exception cref="KubernetesException">kubectl failed, or neither a Deployment nor a StatefulSet has the name.</exception>
    public async Task<PodList> ReadAsync(CancellationToken cancellationToken)
    {
        await _one.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (_known is { } known && _clock.GetElapsedTime(_readAt) < Fresh)
            {
                return known;
            }

            _selector ??= await ReadSelectorAsync(cancellationToken).ConfigureAwait(false);
            string what = $"read the pods of {_address}";
            string answer = await _kubectl.RunAsync(what, ["get", "pods", $"--selector={_selector}", "--output=json"], default, cancellationToken).ConfigureAwait(false);
            PodList pods = PodList.Parse(answer, _address.Container) ?? throw new KubernetesException(KubernetesProblem.Other, $"Cannot {what}: the answer of kubectl is not a list.");
            _readAt = _clock.GetTimestamp();
            return _known = pods;
        }
        finally
        {
            _one.Release();
        }
    }

    /// <summary>The labels that select the pods of a workload; null when it selects them by more than labels, or by none.</summary>
    internal static string? SelectorOf(JsonObject workload) =>
        (workload["spec"] as JsonObject)?["selector"] is JsonObject selector && selector["matchLabels"] is JsonObject { Count: > 0 } labels && selector["matchExpressions"] is null
            ? string.Join(',', labels.Select(static l => $"{l.Key}={l.Value}"))
            : null;

    private async Task<string> ReadSelectorAsync(CancellationToken cancellationToken)
    {
        string what = $"read {_address}";
        string answer = await _kubectl.RunAsync(
            what, ["get", $"deployment/{_address.Name}", $"statefulset/{_address.Name}", "--ignore-not-found", "--output=json"], default, cancellationToken).ConfigureAwait(false);
        JsonObject? found = answer.Trim().Length == 0 ? null : JsonForm.TryParseObject(Encoding.UTF8.GetBytes(answer)) ?? throw new KubernetesException(KubernetesProblem.Other, $"Cannot {what}: the answer of kubectl is not an object.");
        JsonObject[] workloads = found is null ? [] : found["items"] is JsonArray items ? [.. items.OfType<JsonObject>()] : [found];
        return workloads switch
        {
            [] => throw new KubernetesException(KubernetesProblem.NotFound, $"Cannot {what}: neither a Deployment nor a StatefulSet {_address.Name} exists in {(_address.Namespace is null ? "the current namespace" : $"the namespace {_address.Namespace}")}."),
            [JsonObject one] => SelectorOf(one) ?? throw new KubernetesException(KubernetesProblem.Other, $"Cannot {what}: its pods are not selected by labels alone."),
            _ => throw new KubernetesException(KubernetesProblem.Other, $"Cannot {what}: a Deployment and a StatefulSet have that name."),
        };
    }
}
