using System.Globalization;
using OpenCloud.Build.Client.Engines.Kubernetes;
using OpenCloud.Build.Client.Text;

namespace OpenCloud.Build.Client.Engines.Deployments;

/// <summary>The objects on the cluster that have the names of a deployment's objects, as far as they decide what an apply does.</summary>
/// <param name="Replicas">The wanted number of pods; null without a workload.</param>
/// <param name="HasTls">Whether a Secret with certificates can exist: pods have it as a volume, or there is a Service, which a Deployment has only with TLS.</param>
internal sealed record ExistingObjects(int? Replicas, bool HasTls)
{
    /// <summary>Only what decides is read, not the content of a Secret: on each line a kind, a name, the manager's label, and for a workload the number of
    /// pods, the volumes, and the size and storage class of a volume that is kept.</summary>
    public const string Template =
        "{{range .items}}{{.kind}}{{\"\\t\"}}{{.metadata.name}}{{\"\\t\"}}{{with .metadata.labels}}{{index . \"" + DeploymentManifest.ManagerLabel + "\"}}{{end}}"
        + "{{with .spec}}{{\"\\t\"}}{{.replicas}}{{\"\\t\"}}{{with .template}}{{range .spec.volumes}}{{.name}},{{end}}{{end}}"
        + "{{\"\\t\"}}{{range .volumeClaimTemplates}}{{.spec.resources.requests.storage}}{{\"\\t\"}}{{.spec.storageClassName}}{{end}}{{end}}{{\"\\n\"}}{{end}}";

    // What a template writes for a field that is not there.
    private const string Nothing = "<no value>";

    private const string Unchanged = "Nothing was changed.";

    /// <summary>Reads the output of the template, and checks that an apply of the options may change these objects.</summary>
    /// <exception cref="KubernetesException">It may not (<see cref="KubernetesProblem.Exists"/>).</exception>
    public static ExistingObjects Check(string output, BuildKitDeploymentOptions options)
    {
        ExistingObjects existing = new(null, false);
        foreach (string line in output.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            string[] fields = [.. line.Split('\t').Select(static field => field == Nothing ? string.Empty : field)];
            string Field(int index) => fields.ElementAtOrDefault(index) ?? string.Empty;
            string shown = TerminalText.Bounded(TerminalText.Line($"{Field(0)} '{Field(1)}'"), 120);
            if (Field(2) != DeploymentManifest.Manager)
            {
                throw new KubernetesException(KubernetesProblem.Exists, $"The {shown} exists and was not created by New-BuildKitDeployment. {Unchanged}");
            }

            if (Field(0) == "Service" && options.Kind == BuildKitDeploymentKind.Deployment)
            {
                existing = existing with { HasTls = true };
            }

            if (Field(0) is not ("Deployment" or "StatefulSet"))
            {
                continue;
            }

            if (Field(0) != options.Kind.ToString())
            {
                throw new KubernetesException(KubernetesProblem.Exists, $"The {shown} exists and is not a {options.Kind}. {Unchanged}");
            }

            if (options.Kind == BuildKitDeploymentKind.StatefulSet)
            {
                CheckVolume(shown, Field(5), Field(6), options);
            }

            existing = new ExistingObjects(
                int.TryParse(Field(3), NumberStyles.None, CultureInfo.InvariantCulture, out int replicas) ? replicas : null,
                existing.HasTls || Field(4).Split(',').Contains(DeploymentManifest.TlsVolume, StringComparer.Ordinal));
        }

        return existing;
    }

    // Kubernetes changes no volumeClaimTemplates (kubernetes/kubernetes, pkg/apis/apps/validation).
    private static void CheckVolume(string shown, string size, string storageClass, BuildKitDeploymentOptions options)
    {
        string wanted = options.CacheSize ?? string.Empty;
        if (storageClass == (options.StorageClass ?? string.Empty) && (size == wanted || (size.Length > 0 && wanted.Length > 0 && KubernetesRules.IsSameQuantity(size, wanted))))
        {
            return;
        }

        string Text(string amount, string name) => TerminalText.Bounded(TerminalText.Line(amount.Length == 0 ? "no volumes" : $"volumes of {amount}{(name.Length == 0 ? "" : $" of the storage class {name}")}"), 200);
        throw new KubernetesException(
            KubernetesProblem.Exists,
            $"The {shown} exists with {Text(size, storageClass)} and cannot get {Text(wanted, options.StorageClass ?? string.Empty)}: Kubernetes does not change the volumes of a StatefulSet. {Unchanged}");
    }
}
