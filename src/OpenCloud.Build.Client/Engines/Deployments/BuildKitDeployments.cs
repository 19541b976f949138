using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using OpenCloud.Build.Client.Engines.Kubernetes;
using OpenCloud.Build.Client.Engines.Remote;
using OpenCloud.Build.Client.Text;

namespace OpenCloud.Build.Client.Engines.Deployments;

/// <summary>
/// Runs engines on Kubernetes, by kubectl. Objects are applied on the server with the field manager <c>opencloud.build</c>, and have its label; those of
/// others are not changed.
/// </summary>
public sealed partial class BuildKitDeployments
{
    private const string Workloads = "deployments,statefulsets";
    private const string Volumes = "persistentvolumeclaims";

    private readonly Kubectl _kubectl;
    private readonly string? _context;
    private readonly string? _namespace;

    /// <summary>Opens a namespace of a cluster. Nothing is started.</summary>
    /// <param name="context">The context of kubectl's configuration; null for the current one.</param>
    /// <param name="namespace">The namespace; null for the one of the context.</param>
    /// <param name="timeout">The longest time of each command of kubectl.</param>
    /// <param name="getEnvironmentVariable">Reads an environment variable; the process's by default.</param>
    /// <exception cref="KubernetesException">A name is not valid.</exception>
    public BuildKitDeployments(string? context, string? @namespace, TimeSpan timeout, Func<string, string?>? getEnvironmentVariable = null)
    {
        _kubectl = new Kubectl(context, @namespace, getEnvironmentVariable ?? Environment.GetEnvironmentVariable, timeout);
        (_context, _namespace) = (context, @namespace);
    }

    /// <summary>The contexts of kubectl's configuration that are valid in an address.</summary>
    /// <param name="timeout">The longest time.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <exception cref="KubernetesException">kubectl failed.</exception>
    public static async Task<IReadOnlyList<string>> ListContextsAsync(TimeSpan timeout, CancellationToken cancellationToken = default)
    {
        Kubectl kubectl = new(null, null, Environment.GetEnvironmentVariable, timeout);
        return [.. Lines(await kubectl.RunAsync("read the contexts", ["config", "get-contexts", "--output=name"], default, cancellationToken).ConfigureAwait(false)).Where(KubernetesRules.IsContext)];
    }

    /// <summary>Checks the name of an image. Nothing is started.</summary>
    /// <param name="image">The image.</param>
    /// <exception cref="KubernetesException">It is not valid (<see cref="KubernetesProblem.InvalidInput"/>).</exception>
    public static void CheckImage(string image)
    {
        ArgumentNullException.ThrowIfNull(image);
        KubernetesRules.CheckImage(image);
    }

    /// <summary>Gets each warning of the API server about an applied deployment, for example that the policy of the namespace does not allow its pods.</summary>
    public Action<string>? OnWarning { get; init; }

    /// <summary>The names of the namespaces of the cluster.</summary>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <exception cref="KubernetesException">kubectl failed.</exception>
    public async Task<IReadOnlyList<string>> ListNamespacesAsync(CancellationToken cancellationToken = default) =>
        Lines(await _kubectl.RunAsync("read the namespaces", ["get", "namespaces", "--output=name"], default, cancellationToken).ConfigureAwait(false));

    /// <summary>The objects of a deployment, as YAML that <c>kubectl apply</c> accepts.</summary>
    /// <param name="options">The options.</param>
    /// <param name="namespace">The namespace; null for none in the objects.</param>
    /// <param name="showsSecrets">Whether the Secret contains the certificates and the key, or a placeholder for each.</param>
    /// <exception cref="KubernetesException">A value is not valid.</exception>
    public static string WriteManifest(BuildKitDeploymentOptions options, string? @namespace, bool showsSecrets)
    {
        ArgumentNullException.ThrowIfNull(options);
        KubernetesRules.CheckNamespace(@namespace);
        IReadOnlyList<JsonObject> objects = DeploymentObjects.Create(options, @namespace);
        if (!showsSecrets)
        {
            foreach (JsonObject data in objects.Select(static o => o["data"]).OfType<JsonObject>())
            {
                foreach (string file in DeploymentObjects.CertificateFiles)
                {
                    data[file] = "(hidden)";
                }
            }
        }

        return YamlText.WriteAll(objects);
    }

    /// <summary>Creates or changes a deployment. The API server checks all objects before the first is changed.</summary>
    /// <param name="options">The options.</param>
    /// <param name="force">Takes fields that another manager owns.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <exception cref="KubernetesException">kubectl failed, or an object of that name belongs to others.</exception>
    public async Task<BuildKitDeployment> ApplyAsync(BuildKitDeploymentOptions options, bool force = false, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        IReadOnlyList<JsonObject> objects = DeploymentObjects.Create(options, _namespace);
        ExistingObjects existing = await ReadExistingAsync(options, cancellationToken).ConfigureAwait(false);
        if (options.Replicas is null && existing.Replicas is { } replicas)
        {
            // A manifest without a number would set it to 1 where no other manager has set it.
            DeploymentManifest.SetReplicas(objects, replicas);
        }

        byte[] manifest = Encoding.UTF8.GetBytes(YamlText.WriteAll(objects));
        try
        {
            await ApplyAsync(options.Name, manifest, force, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(manifest);
        }

        if (options.CertificateDirectory is null && existing.HasTls)
        {
            await RemoveTlsAsync(options, cancellationToken).ConfigureAwait(false);
        }

        return await FindAsync(options.Name, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>The deployments of this project.</summary>
    /// <param name="allNamespaces">Lists those of every namespace.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <exception cref="KubernetesException">kubectl failed.</exception>
    public Task<IReadOnlyList<BuildKitDeployment>> ListAsync(bool allNamespaces = false, CancellationToken cancellationToken = default) =>
        QueryAsync("read the deployments", null, allNamespaces, cancellationToken);

    /// <summary>One deployment of this project.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <exception cref="KubernetesException">kubectl failed, or the deployment does not exist (<see cref="KubernetesProblem.NotFound"/>).</exception>
    public async Task<BuildKitDeployment> FindAsync(string name, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(name);
        KubernetesRules.CheckName(name);
        IReadOnlyList<BuildKitDeployment> found = await QueryAsync($"read the deployment '{name}'", name, false, cancellationToken).ConfigureAwait(false);
        return found.FirstOrDefault(d => d.Name == name) ?? throw NotFound(name);
    }

    /// <summary>Changes the number of pods. Pods that are removed end their running builds first.</summary>
    /// <param name="deployment">The deployment.</param>
    /// <param name="replicas">The number of pods.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <exception cref="KubernetesException">kubectl failed.</exception>
    public async Task ScaleAsync(BuildKitDeployment deployment, int replicas, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(deployment);
        DeploymentObjects.CheckReplicas(replicas);
        // 'kubectl scale' sets the number as the manager "kubectl", with which the next apply would conflict.
        JsonObject patch = new() { ["spec"] = new JsonObject { ["replicas"] = replicas } };
        _ = await _kubectl.RunAsync(
            $"scale the deployment '{deployment.Name}'",
            ["patch", Reference(deployment), "--subresource=scale", "--type=merge", $"--patch={patch.ToJsonString()}", $"--field-manager={DeploymentManifest.Manager}", "--output=name"],
            default,
            cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Changes the image of the engines: Kubernetes replaces their pods.</summary>
    /// <param name="deployment">The deployment.</param>
    /// <param name="image">The image.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <exception cref="KubernetesException">kubectl failed.</exception>
    public async Task SetImageAsync(BuildKitDeployment deployment, string image, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(deployment);
        ArgumentNullException.ThrowIfNull(image);
        KubernetesRules.CheckImage(image);
        const string Engine = "/spec/template/spec/containers/0";
        JsonArray patch = new(
            new JsonObject { ["op"] = "test", ["path"] = Engine + "/name", ["value"] = DeploymentManifest.Container },
            new JsonObject { ["op"] = "replace", ["path"] = Engine + "/image", ["value"] = image });
        _ = await _kubectl.RunAsync(
            $"change the image of the deployment '{deployment.Name}'",
            ["patch", Reference(deployment), "--type=json", $"--patch={patch.ToJsonString()}", $"--field-manager={DeploymentManifest.Manager}", "--output=name"],
            default,
            cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Removes the objects of a deployment. Its pods end their running builds first.</summary>
    /// <param name="deployment">The deployment.</param>
    /// <param name="purge">Also removes the volumes with the caches of a StatefulSet.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <exception cref="KubernetesException">kubectl failed.</exception>
    public Task RemoveAsync(BuildKitDeployment deployment, bool purge = false, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(deployment);
        return RemoveRemainsAsync(deployment.Name, purge, cancellationToken);
    }

    /// <summary>The objects that remain of a deployment whose Deployment or StatefulSet does not exist, for example <c>secret/builders-tls</c>.</summary>
    /// <param name="name">The name of the deployment.</param>
    /// <param name="purge">Whether volumes with caches are among them.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <exception cref="KubernetesException">kubectl failed, or there are none (<see cref="KubernetesProblem.NotFound"/>).</exception>
    public async Task<IReadOnlyList<string>> FindRemainsAsync(string name, bool purge, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(name);
        KubernetesRules.CheckName(name);
        try
        {
            IReadOnlyList<string> remains = Lines(await _kubectl.RunAsync(
                $"read the objects of the deployment '{name}'", ["get", Parts(purge), $"--selector={SelectorOf(name)}", "--ignore-not-found", "--output=name"], default, cancellationToken).ConfigureAwait(false));
            return remains.Count > 0 ? remains : throw NotFound(name);
        }
        catch (KubernetesException e) when (e.Problem == KubernetesProblem.Forbidden)
        {
            return Lines(e.Output) is { Count: > 0 } some ? some : throw NotFound(name, $" Whether other objects of it remain is not known: {e.Message}");
        }
    }

    /// <summary>Removes all objects of a deployment, also when its Deployment or StatefulSet does not exist.</summary>
    /// <param name="name">The name of the deployment.</param>
    /// <param name="purge">Also removes the volumes with the caches of a StatefulSet.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <exception cref="KubernetesException">kubectl failed; the message says what was removed before.</exception>
    public async Task RemoveRemainsAsync(string name, bool purge, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(name);
        KubernetesRules.CheckName(name);
        try
        {
            await DeleteAsync($"remove the deployment '{name}'", $"{Workloads},{Parts(purge)}", name, cancellationToken).ConfigureAwait(false);
        }
        catch (KubernetesException e) when (Lines(e.Output) is { Count: > 0 } removed)
        {
            throw new KubernetesException(e.Problem, $"{e.Message} These objects were removed: {TerminalText.Bounded(string.Join(", ", removed), 400)}.", e);
        }
    }

    private static string Parts(bool purge) => $"poddisruptionbudgets,services,secrets{(purge ? $",{Volumes}" : "")}";

    private static string SelectorOf(string? name) =>
        $"{DeploymentManifest.ManagerLabel}={DeploymentManifest.Manager}{(name is null ? "" : $",{DeploymentManifest.InstanceLabel}={name}")}";

    private static string Reference(BuildKitDeployment deployment)
    {
        KubernetesRules.CheckName(deployment.Name);
        return $"{(deployment.Kind == BuildKitDeploymentKind.StatefulSet ? "statefulset" : "deployment")}/{deployment.Name}";
    }

    private static IReadOnlyList<string> Lines(string output) =>
    [
        .. output.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            .Select(static line => line.StartsWith("namespace/", StringComparison.Ordinal) ? line["namespace/".Length..] : line)
            .Where(static line => TerminalText.Line(line) == line)
            .Order(StringComparer.Ordinal),
    ];

    private async Task<ExistingObjects> ReadExistingAsync(BuildKitDeploymentOptions options, CancellationToken cancellationToken)
    {
        string[] secret = options.CertificateDirectory is null ? [] : [$"secret/{DeploymentManifest.SecretName(options.Name)}"];
        string[] names = [$"deployment/{options.Name}", $"statefulset/{options.Name}", $"service/{options.Name}", $"poddisruptionbudget/{options.Name}", .. secret];
        return ExistingObjects.Check(
            await _kubectl.RunAsync(
                $"read the deployment '{options.Name}'", ["get", .. names, "--ignore-not-found", $"--output=go-template={ExistingObjects.Template}"], default, cancellationToken).ConfigureAwait(false),
            options);
    }

    private async Task ApplyAsync(string name, byte[] manifest, bool force, CancellationToken cancellationToken)
    {
        string what = $"apply the deployment '{name}'";
        string[] Arguments(bool checks) =>
        [
            "apply",
            "--server-side",
            $"--field-manager={DeploymentManifest.Manager}",
            .. checks ? (string[])["--dry-run=server"] : [],
            .. force ? (string[])["--force-conflicts"] : [],
            "--filename=-",
            "--output=name",
        ];

        // kubectl applies the other objects after one that is rejected: without this, a Secret would stay without a deployment.
        try
        {
            _ = await _kubectl.RunAsync(what, Arguments(checks: true), manifest, cancellationToken).ConfigureAwait(false);
        }
        catch (KubernetesException e) when (!force && e.Problem == KubernetesProblem.Conflict && KubectlConflict.IsOnlyWith(e.Report, DeploymentManifest.Manager))
        {
            // A manager is a name with an operation and a subresource (kubernetes/apimachinery, pkg/util/managedfields/internal/managedfields.go): the
            // patches of this class conflict with its applies.
            force = true;
            _ = await _kubectl.RunAsync(what, Arguments(checks: true), manifest, cancellationToken).ConfigureAwait(false);
        }

        try
        {
            (_, IReadOnlyList<string> warnings) = await _kubectl.RunToEndAsync(what, Arguments(checks: false), manifest, cancellationToken).ConfigureAwait(false);
            foreach (string warning in warnings)
            {
                OnWarning?.Invoke($"Kubernetes warns about the deployment '{name}': {warning}");
            }
        }
        catch (KubernetesException e)
        {
            throw new KubernetesException(e.Problem, $"{e.Message} A part of its objects can have been changed: apply it again, or remove it.", e);
        }
    }

    // Neither a key that nothing uses nor a Service whose port nothing listens on stays.
    private async Task RemoveTlsAsync(BuildKitDeploymentOptions options, CancellationToken cancellationToken)
    {
        await DeleteAsync($"remove the certificates of the deployment '{options.Name}'", "secrets", options.Name, cancellationToken).ConfigureAwait(false);
        if (options.Kind == BuildKitDeploymentKind.Deployment)
        {
            await DeleteAsync($"remove the service of the deployment '{options.Name}'", "services", options.Name, cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task DeleteAsync(string what, string kinds, string name, CancellationToken cancellationToken) => _ = await _kubectl.RunAsync(
        what, ["delete", kinds, $"--selector={SelectorOf(name)}", "--ignore-not-found", "--wait=false", "--output=name"], default, cancellationToken).ConfigureAwait(false);

    private KubernetesException NotFound(string name, string more = "") => new(
        KubernetesProblem.NotFound,
        $"The deployment '{name}' does not exist in {(_namespace is null ? "the current namespace" : $"the namespace {_namespace}")}{(_context is null ? "" : $" of the context {_context}")}.{more}");

    private async Task<IReadOnlyList<BuildKitDeployment>> QueryAsync(string what, string? name, bool allNamespaces, CancellationToken cancellationToken)
    {
        string output = await _kubectl.RunAsync(
            what, ["get", Workloads, $"--selector={SelectorOf(name)}", .. allNamespaces ? (string[])["--all-namespaces"] : [], "--output=json"], default, cancellationToken).ConfigureAwait(false);
        if (JsonForm.TryParseObject(Encoding.UTF8.GetBytes(output)) is not { } list || list["items"] is not JsonArray items)
        {
            throw new KubernetesException(KubernetesProblem.Other, $"Cannot {what}: the answer of kubectl is not a list.");
        }

        return [.. items.OfType<JsonObject>().Select(Read).OfType<BuildKitDeployment>()];
    }

    private BuildKitDeployment? Read(JsonObject workload)
    {
        JsonNode? metadata = workload["metadata"];
        if (JsonForm.Text(metadata, "name") is not { } name || !Enum.TryParse(JsonForm.Text(workload, "kind"), out BuildKitDeploymentKind kind))
        {
            return null;
        }

        JsonObject? pod = (workload["spec"] as JsonObject)?["template"] is JsonObject template ? template["spec"] as JsonObject : null;
        JsonObject? engine = (pod?["containers"] as JsonArray)?.OfType<JsonObject>().FirstOrDefault(static c => JsonForm.Text(c, "name") == DeploymentManifest.Container);
        string space = JsonForm.Text(metadata, "namespace") ?? _namespace ?? "default";
        return new BuildKitDeployment
        {
            Name = name,
            Namespace = space,
            Address = RemoteAddress.ForDeployment(name, _context, space),
            Context = _context,
            Kind = kind,
            Replicas = Number(workload["spec"], "replicas") ?? 1,
            Ready = Number(workload["status"], "readyReplicas") ?? 0,
            Image = JsonForm.Text(engine, "image") ?? string.Empty,
            IsRootless = Number(engine?["securityContext"], "runAsUser") is > 0,
            HasTls = (pod?["volumes"] as JsonArray)?.OfType<JsonObject>().Any(static v => JsonForm.Text(v, "name") == DeploymentManifest.TlsVolume) == true,
            Created = DateTimeOffset.TryParse(JsonForm.Text(metadata, "creationTimestamp"), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset created) ? created : null,
        };
    }

    private static int? Number(JsonNode? node, string name) =>
        node is JsonObject parent && parent[name] is JsonValue value && value.TryGetValue(out int number) ? number : null;
}
