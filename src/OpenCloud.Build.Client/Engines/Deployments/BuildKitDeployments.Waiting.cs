using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using OpenCloud.Build.Client.Engines.Kubernetes;
using OpenCloud.Build.Client.Text;

namespace OpenCloud.Build.Client.Engines.Deployments;

/// <content>Waits for the pods of a deployment.</content>
public sealed partial class BuildKitDeployments
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    /// <summary>Waits until all pods of a deployment have its settings and are ready: their engines answer.</summary>
    /// <param name="deployment">The deployment.</param>
    /// <param name="timeout">The longest wait.</param>
    /// <param name="onMissing">Gets the deployment, and a sentence about what is missing, whenever that was read.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <returns>The deployment as it is then.</returns>
    /// <exception cref="KubernetesException">kubectl failed, or the pods did not become ready in time (<see cref="KubernetesProblem.NotReady"/>).</exception>
    public async Task<BuildKitDeployment> WaitAsync(
        BuildKitDeployment deployment, TimeSpan timeout, Action<BuildKitDeployment, string>? onMissing = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(deployment);
        KubernetesRules.CheckName(deployment.Name);
        using CancellationTokenSource limit = new(timeout);
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, limit.Token);
        string last = "its pods were not read in time";
        try
        {
            bool seesPods = true;
            while (true)
            {
                try
                {
                    (BuildKitDeployment now, DeploymentRollout rollout) = await ReadRolloutAsync(deployment.Name, seesPods, either.Token).ConfigureAwait(false);
                    if (rollout.IsComplete)
                    {
                        return now;
                    }

                    last = rollout.Describe() + (seesPods ? "" : " (the pods cannot be read: the user of the context has no right to list them)");
                    onMissing?.Invoke(now, $"{last}.");
                }
                catch (KubernetesException e) when (seesPods && e.Problem == KubernetesProblem.Forbidden)
                {
                    seesPods = false;
                    continue;
                }
                catch (KubernetesException e) when (e.Problem is KubernetesProblem.Unreachable or KubernetesProblem.TimedOut)
                {
                    // An API server that restarts meanwhile does not end the wait.
                    last = e.Message.TrimEnd('.');
                    onMissing?.Invoke(deployment, e.Message);
                }

                await Task.Delay(Pause, either.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw new KubernetesException(
                KubernetesProblem.NotReady, string.Create(CultureInfo.InvariantCulture, $"The deployment '{deployment.Name}' was applied, but is not ready after {timeout.TotalSeconds:0.###} s: {last}."), e);
        }
    }

    private async Task<(BuildKitDeployment Deployment, DeploymentRollout Rollout)> ReadRolloutAsync(string name, bool withPods, CancellationToken cancellationToken)
    {
        string what = $"read the deployment '{name}'";
        string output = await _kubectl.RunAsync(
            what, ["get", withPods ? $"{Workloads},pods" : Workloads, $"--selector={SelectorOf(name)}", "--output=json"], default, cancellationToken).ConfigureAwait(false);
        if (JsonForm.TryParseObject(Encoding.UTF8.GetBytes(output)) is not { } list || list["items"] is not JsonArray items)
        {
            throw new KubernetesException(KubernetesProblem.Other, $"Cannot {what}: the answer of kubectl is not a list.");
        }

        JsonObject[] all = [.. items.OfType<JsonObject>()];
        JsonObject[] pods = [.. all.Where(static o => JsonForm.Text(o, "kind") == "Pod")];
        foreach (JsonObject workload in all)
        {
            if (Read(workload) is { } found && found.Name == name)
            {
                return (found, DeploymentRollout.Of(workload, withPods ? pods : null));
            }
        }

        throw NotFound(name);
    }
}
