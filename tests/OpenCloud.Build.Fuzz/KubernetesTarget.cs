using System.Text;
using System.Text.Json.Nodes;
using OpenCloud.Build.Client.Engines.Deployments;
using OpenCloud.Build.Client.Engines.Kubernetes;
using OpenCloud.Build.Client.Text;

namespace OpenCloud.Build.Fuzz;

/// <summary>What kubectl prints: lists of pods and workloads, the output of a template, and errors with warnings.</summary>
internal static class KubernetesTarget
{
    // A list of 5 pods, each with a name of at most 253 characters and a bounded reason.
    private const int LongestDescription = 5 * 600;

    private static readonly BuildKitDeploymentOptions Options = new() { Name = "builders", Kind = BuildKitDeploymentKind.StatefulSet, CacheSize = "1Gi" };

    public static void Pods(byte[] input)
    {
        string text = Encoding.UTF8.GetString(input);
        foreach (string? container in (string?[])[null, "buildkitd"])
        {
            if (PodList.Parse(text, container) is not { } pods)
            {
                continue;
            }

            CheckShown(pods.Describe());
            if (pods.Ready.FirstOrDefault(static name => !KubernetesRules.IsPodName(name)) is { } name)
            {
                throw new InvalidOperationException($"'{name}' is not the name of a pod.");
            }
        }

        if (JsonForm.TryParseObject(input) is not { } list)
        {
            return;
        }

        JsonObject[] objects = list["items"] is JsonArray items ? [.. items.OfType<JsonObject>()] : [list];
        foreach (JsonObject one in objects)
        {
            CheckShown(PodWait.Describe(one));
            CheckShown(PodEnd.Explain("pod-0", "buildkitd", one));
            _ = DeploymentPods.SelectorOf(one);
            CheckShown(DeploymentRollout.Of(one, objects).Describe());
        }
    }

    public static void Texts(byte[] input)
    {
        string text = Encoding.UTF8.GetString(input);
        Targets.Refusing<KubernetesException>(() => ExistingObjects.Check(text, Options));
        _ = Kubectl.ProblemOf(text);
        CheckShown(KubectlConflict.MessageOf(text));
        _ = KubectlConflict.IsOnlyWith(text, "opencloud.build");
        foreach (string warning in Kubectl.WarningsOf(text))
        {
            CheckShown(warning);
        }
    }

    private static void CheckShown(string? text)
    {
        if (text is null)
        {
            return;
        }

        Targets.CheckPlain(text);
        if (text.Length > LongestDescription || text.Contains('\n', StringComparison.Ordinal))
        {
            throw new InvalidOperationException($"a text of {text.Length} characters, or of several lines");
        }
    }
}
