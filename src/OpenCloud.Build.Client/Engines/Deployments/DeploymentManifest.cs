using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using OpenCloud.Build.Client.Tls;

namespace OpenCloud.Build.Client.Engines.Deployments;

/// <summary>
/// The objects of a deployment. What an engine needs in a pod is in the examples of BuildKit (moby/buildkit, examples/kubernetes and
/// docs/rootless.md): privileges, or for a rootless engine no seccomp and AppArmor profile and no sandbox of processes.
/// </summary>
internal static class DeploymentManifest
{
    public const string Manager = "opencloud.build";
    public const string NameLabel = "app.kubernetes.io/name";
    public const string InstanceLabel = "app.kubernetes.io/instance";
    public const string ManagerLabel = "app.kubernetes.io/managed-by";
    public const string Container = "buildkitd";
    public const string TlsVolume = "certificates";
    public const string CertificatesAnnotation = "opencloud.build/certificates";
    public const int TlsPort = 1234;

    private const string Image = "docker.io/moby/buildkit:v0.32.2";
    private const string CacheVolume = "cache";
    private const string CertificateFolder = "/certs";
    private const int RootlessUser = 1000;

    // Clients that read the list of pods before this one ended still start builds on it.
    private const int LateClientsSeconds = 5;

    // Longer than a build that is stopped: a client may ask for the status of a finished build.
    private const int KillMarginSeconds = 30;

    public static string SecretName(string name) => name + "-tls";

    /// <summary>The objects in the order in which they are applied.</summary>
    /// <param name="options">The options, checked.</param>
    /// <param name="namespace">The namespace; null for none in the objects.</param>
    /// <param name="certificates">The files of the Secret; empty without TLS.</param>
    public static IReadOnlyList<JsonObject> Create(BuildKitDeploymentOptions options, string? @namespace, IReadOnlyList<(string File, byte[] Content)> certificates)
    {
        List<JsonObject> objects = [];
        if (certificates.Count > 0)
        {
            JsonObject data = [];
            foreach ((string file, byte[] content) in certificates)
            {
                data[file] = Convert.ToBase64String(content);
            }

            JsonObject secret = NewObject("v1", "Secret", SecretName(options.Name), options.Name, @namespace);
            secret["type"] = "Opaque";
            secret["data"] = data;
            objects.Add(secret);
        }

        bool isStateful = options.Kind == BuildKitDeploymentKind.StatefulSet;
        if (isStateful || certificates.Count > 0)
        {
            objects.Add(Service(options, @namespace, isStateful));
        }

        objects.Add(Workload(options, @namespace, certificates));
        JsonObject budget = NewObject("policy/v1", "PodDisruptionBudget", options.Name, options.Name, @namespace);
        budget["spec"] = new JsonObject { ["maxUnavailable"] = 1, ["selector"] = new JsonObject { ["matchLabels"] = Selector(options.Name) } };
        objects.Add(budget);
        return objects;
    }

    /// <summary>Changes the number of pods in the objects.</summary>
    public static void SetReplicas(IReadOnlyList<JsonObject> objects, int replicas) => objects.First(static o => o["spec"]?["template"] is not null)["spec"]!["replicas"] = replicas;

    private static JsonObject NewObject(string version, string kind, string name, string instance, string? @namespace)
    {
        JsonObject metadata = new() { ["name"] = name };
        if (@namespace is not null)
        {
            metadata["namespace"] = @namespace;
        }

        metadata["labels"] = Labels(instance);
        return new JsonObject { ["apiVersion"] = version, ["kind"] = kind, ["metadata"] = metadata };
    }

    private static JsonObject Selector(string name) => new() { [NameLabel] = Container, [InstanceLabel] = name };

    private static JsonObject Labels(string name)
    {
        JsonObject labels = Selector(name);
        labels[ManagerLabel] = Manager;
        return labels;
    }

    private static JsonObject Service(BuildKitDeploymentOptions options, string? @namespace, bool isStateful)
    {
        JsonObject service = NewObject("v1", "Service", options.Name, options.Name, @namespace);
        JsonObject spec = new()
        {
            ["selector"] = Selector(options.Name),
            ["ports"] = new JsonArray(new JsonObject { ["name"] = "buildkit", ["port"] = TlsPort, ["protocol"] = "TCP", ["targetPort"] = TlsPort }),
        };
        if (isStateful)
        {
            // Each pod has a name of its own in DNS.
            spec["clusterIP"] = "None";
        }

        service["spec"] = spec;
        return service;
    }

    // buildkitd reads its certificates once, at its start (cmd/buildkitd: serverCredentials). Another annotation replaces the pods, so that they use new
    // ones. The key is not part of it: everyone who can read the pods sees it.
    private static string Fingerprint(IReadOnlyList<(string File, byte[] Content)> certificates)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach ((_, byte[] content) in certificates.Where(static c => c.File != EngineTlsOptions.KeyFile))
        {
            hash.AppendData(SHA256.HashData(content));
        }

        return "sha256:" + Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static JsonObject Workload(BuildKitDeploymentOptions options, string? @namespace, IReadOnlyList<(string File, byte[] Content)> certificates)
    {
        bool hasTls = certificates.Count > 0;
        bool isStateful = options.Kind == BuildKitDeploymentKind.StatefulSet;
        bool keepsCache = isStateful && options.CacheSize is not null;
        JsonArray volumes = [];
        if (!keepsCache)
        {
            volumes.Add(new JsonObject { ["name"] = CacheVolume, ["emptyDir"] = options.CacheSize is null ? [] : new JsonObject { ["sizeLimit"] = options.CacheSize } });
        }

        if (hasTls)
        {
            // 0440: the engine of another user than root reads it by the group of the pod's volumes.
            volumes.Add(new JsonObject { ["name"] = TlsVolume, ["secret"] = new JsonObject { ["secretName"] = SecretName(options.Name), ["defaultMode"] = 0x120 } });
        }

        JsonObject pod = new()
        {
            ["terminationGracePeriodSeconds"] = (int)options.DrainTimeout.TotalSeconds + LateClientsSeconds + KillMarginSeconds,
            // Builds need nothing of the cluster's API.
            ["automountServiceAccountToken"] = false,
            ["containers"] = new JsonArray(Engine(options, hasTls)),
        };
        if (options.IsRootless)
        {
            // At the first mount the volume is empty. With the default, Always, each later mount would change the group and mode of every file in the cache,
            // and so the layers (kubernetes/kubernetes, pkg/volume/volume_linux.go).
            pod["securityContext"] = new JsonObject { ["fsGroup"] = RootlessUser, ["fsGroupChangePolicy"] = "OnRootMismatch" };
        }

        if (volumes.Count > 0)
        {
            pod["volumes"] = volumes;
        }

        JsonObject template = new() { ["labels"] = Labels(options.Name) };
        if (hasTls)
        {
            template["annotations"] = new JsonObject { [CertificatesAnnotation] = Fingerprint(certificates) };
        }

        JsonObject spec = new()
        {
            ["replicas"] = options.Replicas ?? 1,
            ["selector"] = new JsonObject { ["matchLabels"] = Selector(options.Name) },
            ["template"] = new JsonObject { ["metadata"] = template, ["spec"] = pod },
        };
        if (isStateful)
        {
            spec["serviceName"] = options.Name;
            // Pods do not depend on each other.
            spec["podManagementPolicy"] = "Parallel";
        }

        if (keepsCache)
        {
            JsonObject claim = new()
            {
                ["accessModes"] = new JsonArray("ReadWriteOnce"),
                ["resources"] = new JsonObject { ["requests"] = new JsonObject { ["storage"] = options.CacheSize } },
            };
            if (options.StorageClass is not null)
            {
                claim["storageClassName"] = options.StorageClass;
            }

            spec["volumeClaimTemplates"] = new JsonArray(new JsonObject { ["metadata"] = new JsonObject { ["name"] = CacheVolume, ["labels"] = Labels(options.Name) }, ["spec"] = claim });
        }

        JsonObject workload = NewObject("apps/v1", isStateful ? "StatefulSet" : "Deployment", options.Name, options.Name, @namespace);
        workload["spec"] = spec;
        return workload;
    }

    private static JsonObject Engine(BuildKitDeploymentOptions options, bool hasTls)
    {
        JsonArray arguments = new("--addr", options.IsRootless ? $"unix:///run/user/{RootlessUser}/buildkit/buildkitd.sock" : "unix:///run/buildkit/buildkitd.sock");
        if (options.IsRootless)
        {
            arguments.Add("--oci-worker-no-process-sandbox");
        }

        if (hasTls)
        {
            // With --tlscacert, buildkitd requires the certificate of a client.
            foreach (string argument in (string[])["--addr", string.Create(CultureInfo.InvariantCulture, $"tcp://0.0.0.0:{TlsPort}"), "--tlscacert", CertificateFolder + "/ca.pem", "--tlscert", CertificateFolder + "/cert.pem", "--tlskey", CertificateFolder + "/key.pem"])
            {
                arguments.Add(argument);
            }
        }

        JsonObject container = new()
        {
            ["name"] = Container,
            ["image"] = options.Image ?? (options.IsRootless ? Image + "-rootless" : Image),
            ["args"] = arguments,
            ["readinessProbe"] = Probe(periodSeconds: 10, failures: 3),
            // An engine under load answers late; only one that has not answered for minutes is restarted, because that ends its builds.
            ["livenessProbe"] = Probe(periodSeconds: 30, failures: 10),
            // After this, buildkitd gets the signal, takes no further builds, and ends with the last running one (cmd/buildkitd: GracefulStop).
            ["lifecycle"] = new JsonObject { ["preStop"] = new JsonObject { ["exec"] = new JsonObject { ["command"] = new JsonArray("sleep", LateClientsSeconds.ToString(CultureInfo.InvariantCulture)) } } },
            ["securityContext"] = options.IsRootless
                ? new JsonObject
                {
                    ["seccompProfile"] = new JsonObject { ["type"] = "Unconfined" },
                    ["appArmorProfile"] = new JsonObject { ["type"] = "Unconfined" },
                    ["runAsUser"] = RootlessUser,
                    ["runAsGroup"] = RootlessUser,
                }
                : new JsonObject { ["privileged"] = true },
        };
        if (hasTls)
        {
            container["ports"] = new JsonArray(new JsonObject { ["name"] = "buildkit", ["containerPort"] = TlsPort, ["protocol"] = "TCP" });
        }

        JsonObject requests = Amounts(("cpu", options.Cpu), ("memory", options.Memory));
        JsonObject limits = Amounts(("cpu", options.CpuLimit), ("memory", options.MemoryLimit));
        if (requests.Count + limits.Count > 0)
        {
            JsonObject resources = [];
            if (requests.Count > 0)
            {
                resources["requests"] = requests;
            }

            if (limits.Count > 0)
            {
                resources["limits"] = limits;
            }

            container["resources"] = resources;
        }

        JsonArray mounts = new(new JsonObject { ["name"] = CacheVolume, ["mountPath"] = options.IsRootless ? "/home/user/.local/share/buildkit" : "/var/lib/buildkit" });
        if (hasTls)
        {
            mounts.Add(new JsonObject { ["name"] = TlsVolume, ["mountPath"] = CertificateFolder, ["readOnly"] = true });
        }

        container["volumeMounts"] = mounts;
        return container;
    }

    private static JsonObject Probe(int periodSeconds, int failures) => new()
    {
        ["exec"] = new JsonObject { ["command"] = new JsonArray("buildctl", "debug", "workers") },
        ["initialDelaySeconds"] = 2,
        ["periodSeconds"] = periodSeconds,
        ["timeoutSeconds"] = 10,
        ["failureThreshold"] = failures,
    };

    private static JsonObject Amounts(params (string Name, string? Amount)[] amounts)
    {
        JsonObject set = [];
        foreach ((string name, string? amount) in amounts)
        {
            if (amount is not null)
            {
                set[name] = amount;
            }
        }

        return set;
    }
}
