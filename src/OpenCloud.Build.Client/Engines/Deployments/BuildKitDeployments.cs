using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using OpenCloud.Build.Client.Engines.Kubernetes;
using OpenCloud.Build.Client.Engines.Remote;
using OpenCloud.Build.Client.Text;
using OpenCloud.Build.Client.Tls;

namespace OpenCloud.Build.Client.Engines.Deployments;

/// <summary>
/// Runs engines on Kubernetes, by kubectl. Objects are applied on the server with the field manager <c>opencloud.build</c>, and have its label; those of
/// others are not changed.
/// </summary>
public sealed class BuildKitDeployments
{
    private const string Workloads = "deployments,statefulsets";

    private static readonly string[] CertificateFiles = [EngineTlsOptions.CaFile, EngineTlsOptions.CertificateFile, EngineTlsOptions.KeyFile];

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
        return Lines(await kubectl.RunAsync("read the contexts", ["config", "get-contexts", "--output=name"], default, cancellationToken).ConfigureAwait(false));
    }

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
        IReadOnlyList<JsonObject> objects = Create(options, @namespace);
        if (!showsSecrets)
        {
            foreach (JsonObject data in objects.Select(static o => o["data"]).OfType<JsonObject>())
            {
                foreach (string file in CertificateFiles)
                {
                    data[file] = "(hidden)";
                }
            }
        }

        return YamlText.WriteAll(objects);
    }

    /// <summary>Creates or changes a deployment.</summary>
    /// <param name="options">The options.</param>
    /// <param name="force">Takes fields that another manager owns.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <exception cref="KubernetesException">kubectl failed, or an object of that name belongs to others.</exception>
    public async Task<BuildKitDeployment> ApplyAsync(BuildKitDeploymentOptions options, bool force = false, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        byte[] manifest = Encoding.UTF8.GetBytes(WriteManifest(options, _namespace, showsSecrets: true));
        try
        {
            await CheckOwnerAsync(options, cancellationToken).ConfigureAwait(false);
            string what = $"apply the deployment '{options.Name}'";
            string[] arguments = ["apply", "--server-side", $"--field-manager={DeploymentManifest.Manager}", .. force ? (string[])["--force-conflicts"] : [], "--filename=-", "--output=name"];
            _ = await _kubectl.RunAsync(what, arguments, manifest, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(manifest);
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
        return found.FirstOrDefault(d => d.Name == name) ?? throw new KubernetesException(
            KubernetesProblem.NotFound,
            $"The deployment '{name}' does not exist in {(_namespace is null ? "the current namespace" : $"the namespace {_namespace}")}{(_context is null ? "" : $" of the context {_context}")}.");
    }

    /// <summary>Changes the number of pods. Pods that are removed end their running builds first.</summary>
    /// <param name="deployment">The deployment.</param>
    /// <param name="replicas">The number of pods.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <exception cref="KubernetesException">kubectl failed.</exception>
    public async Task ScaleAsync(BuildKitDeployment deployment, int replicas, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(deployment);
        CheckReplicas(replicas);
        _ = await _kubectl.RunAsync(
            $"scale the deployment '{deployment.Name}'", ["scale", Reference(deployment), string.Create(CultureInfo.InvariantCulture, $"--replicas={replicas}"), "--output=name"], default, cancellationToken).ConfigureAwait(false);
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
    public async Task RemoveAsync(BuildKitDeployment deployment, bool purge = false, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(deployment);
        KubernetesRules.CheckName(deployment.Name);
        string kinds = $"{Workloads},poddisruptionbudgets,services,secrets{(purge ? ",persistentvolumeclaims" : "")}";
        _ = await _kubectl.RunAsync(
            $"remove the deployment '{deployment.Name}'",
            ["delete", kinds, $"--selector={SelectorOf(deployment.Name)}", "--ignore-not-found", "--wait=false", "--output=name"],
            default,
            cancellationToken).ConfigureAwait(false);
    }

    private static string SelectorOf(string? name) =>
        $"{DeploymentManifest.ManagerLabel}={DeploymentManifest.Manager}{(name is null ? "" : $",{DeploymentManifest.InstanceLabel}={name}")}";

    private static string Reference(BuildKitDeployment deployment)
    {
        KubernetesRules.CheckName(deployment.Name);
        return $"{(deployment.Kind == BuildKitDeploymentKind.StatefulSet ? "statefulset" : "deployment")}/{deployment.Name}";
    }

    private static void CheckReplicas(int replicas) => KubernetesRules.Check(
        replicas is >= 0 and <= 10_000, string.Create(CultureInfo.InvariantCulture, $"Invalid number of pods {replicas}: it is between 0 and 10000."));

    private static IReadOnlyList<JsonObject> Create(BuildKitDeploymentOptions options, string? @namespace)
    {
        KubernetesRules.CheckName(options.Name);
        CheckReplicas(options.Replicas);
        KubernetesRules.CheckQuantity("processors", options.Cpu);
        KubernetesRules.CheckQuantity("processors", options.CpuLimit);
        KubernetesRules.CheckQuantity("memory", options.Memory);
        KubernetesRules.CheckQuantity("memory", options.MemoryLimit);
        KubernetesRules.CheckQuantity("cache", options.CacheSize);
        KubernetesRules.CheckStorageClass(options.StorageClass);
        KubernetesRules.Check(
            options.StorageClass is null || (options.Kind == BuildKitDeploymentKind.StatefulSet && options.CacheSize is not null),
            "A storage class requires a StatefulSet and the size of its cache.");
        KubernetesRules.Check(options.DrainTimeout >= TimeSpan.Zero && options.DrainTimeout <= TimeSpan.FromDays(1), "The time to wait for running builds is between 0 and 24 hours.");
        if (options.Image is { } image)
        {
            KubernetesRules.CheckImage(image);
        }

        return DeploymentManifest.Create(options, @namespace, ReadCertificates(options.CertificateDirectory));
    }

    private static (string File, byte[] Content)[] ReadCertificates(string? directory)
    {
        if (directory is null)
        {
            return [];
        }

        try
        {
            // Checks the key's permissions, and that it belongs to the certificate.
            TlsIdentity identity = TlsFiles.Load(new EngineTlsOptions { Directory = directory });
            using (identity.Certificate)
            {
                if (identity.Certificate is null || identity.Authorities is null)
                {
                    throw new TlsException(TlsProblem.FileInvalid, $"The directory '{directory}' must contain {string.Join(", ", CertificateFiles)}.");
                }
            }

            return [.. CertificateFiles.Select(file => (file, TlsFileTrust.Read(Path.Join(directory, file), out _)))];
        }
        catch (TlsException e)
        {
            throw new KubernetesException(KubernetesProblem.Certificates, $"The certificates of the engines cannot be used: {e.Message}", e) { Tls = e.Problem };
        }
    }

    private static IReadOnlyList<string> Lines(string output) =>
    [
        .. output.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            .Select(static line => line.StartsWith("namespace/", StringComparison.Ordinal) ? line["namespace/".Length..] : line)
            .Where(static line => TerminalText.Line(line) == line)
            .Order(StringComparer.Ordinal),
    ];

    private async Task CheckOwnerAsync(BuildKitDeploymentOptions options, CancellationToken cancellationToken)
    {
        string[] secret = options.CertificateDirectory is null ? [] : [$"secret/{DeploymentManifest.SecretName(options.Name)}"];
        string[] names = [$"deployment/{options.Name}", $"statefulset/{options.Name}", $"service/{options.Name}", $"poddisruptionbudget/{options.Name}", .. secret];
        // Only what decides is read, not the content of a Secret.
        string output = await _kubectl.RunAsync(
            $"read the deployment '{options.Name}'",
            ["get", .. names, "--ignore-not-found", "--output=go-template={{range .items}}{{.kind}} {{.metadata.name}} {{with .metadata.labels}}{{index . \"app.kubernetes.io/managed-by\"}}{{end}}{{\"\\n\"}}{{end}}"],
            default,
            cancellationToken).ConfigureAwait(false);
        foreach (string line in output.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            string[] words = line.Split(' ');
            string shown = TerminalText.Bounded(TerminalText.Line($"{words[0]} '{words.ElementAtOrDefault(1)}'"), 120);
            if (words.ElementAtOrDefault(2) != DeploymentManifest.Manager)
            {
                throw new KubernetesException(KubernetesProblem.Exists, $"The {shown} exists and was not created by New-BuildKitDeployment. Nothing was changed.");
            }

            if (words[0] is "Deployment" or "StatefulSet" && words[0] != options.Kind.ToString())
            {
                throw new KubernetesException(KubernetesProblem.Exists, $"The {shown} exists and is not a {options.Kind}. Nothing was changed.");
            }
        }
    }

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
