using System.Globalization;
using System.Text.Json.Nodes;
using OpenCloud.Build.Client.Engines.Kubernetes;
using OpenCloud.Build.Client.Tls;

namespace OpenCloud.Build.Client.Engines.Deployments;

/// <summary>Checks the options of a deployment and its certificates, and creates its objects.</summary>
internal static class DeploymentObjects
{
    /// <summary>The files of the Secret.</summary>
    public static readonly string[] CertificateFiles = [EngineTlsOptions.CaFile, EngineTlsOptions.CertificateFile, EngineTlsOptions.KeyFile];

    /// <exception cref="KubernetesException">The number is not valid.</exception>
    public static void CheckReplicas(int replicas) => KubernetesRules.Check(
        replicas is >= 0 and <= 10_000, string.Create(CultureInfo.InvariantCulture, $"Invalid number of pods {replicas}: it is between 0 and 10000."));

    /// <summary>The objects in the order in which they are applied.</summary>
    /// <exception cref="KubernetesException">A value is not valid.</exception>
    public static IReadOnlyList<JsonObject> Create(BuildKitDeploymentOptions options, string? @namespace)
    {
        KubernetesRules.CheckName(options.Name);
        CheckReplicas(options.Replicas ?? 1);
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
}
