using System.Text;
using System.Text.Json.Nodes;
using OpenCloud.Build.Client.Engines.Deployments;
using OpenCloud.Build.Client.Engines.Kubernetes;
using Xunit;

namespace OpenCloud.Build.Client.Tests.Engines.Deployments;

public sealed class DeploymentManifestTests
{
    private static readonly BuildKitDeploymentOptions Stateful = new() { Name = "b", Kind = BuildKitDeploymentKind.StatefulSet, CacheSize = "50Gi", IsRootless = true };

    [Fact]
    public void The_cache_that_a_pod_keeps_is_not_changed_at_each_mount() =>
        Assert.Contains("fsGroup: 1000\n        fsGroupChangePolicy: OnRootMismatch\n", BuildKitDeployments.WriteManifest(Stateful, null, false), StringComparison.Ordinal);

    [Fact]
    public void Other_certificates_replace_the_pods_and_another_key_is_not_shown()
    {
        string first = Annotation("ca", "cert", "key");
        Assert.Matches(@"\Asha256:[0-9a-f]{64}\z", first);
        Assert.Equal(first, Annotation("ca", "cert", "other"));
        Assert.NotEqual(first, Annotation("ca", "other", "key"));
        Assert.NotEqual(first, Annotation("other", "cert", "key"));
        Assert.NotEqual(Annotation("ab", "c", "key"), Annotation("a", "bc", "key"));
        Assert.Null(Template(DeploymentManifest.Create(Stateful, null, []))["annotations"]);
    }

    [Fact]
    public void The_number_of_pods_is_one_or_the_given_or_the_kept_one()
    {
        static int Replicas(IReadOnlyList<JsonObject> objects) => objects.Single(static o => (string?)o["kind"] == "StatefulSet")["spec"]!["replicas"]!.GetValue<int>();
        Assert.Equal(1, Replicas(DeploymentManifest.Create(Stateful, null, [])));
        IReadOnlyList<JsonObject> objects = DeploymentManifest.Create(Stateful with { Replicas = 3 }, null, []);
        Assert.Equal(3, Replicas(objects));
        DeploymentManifest.SetReplicas(objects, 5);
        Assert.Equal(5, Replicas(objects));
    }

    [Theory]
    [InlineData("StatefulSet\tb\topencloud.build\t3\tcertificates,\t50Gi\t<no value>\n", 3, true)]
    [InlineData("StatefulSet\tb\topencloud.build\t0\tother,\t51200Mi\t<no value>\nService\tb\topencloud.build\t<no value>\t\t\n", 0, false)]
    [InlineData("PodDisruptionBudget\tb\topencloud.build\t<no value>\t\t\nSecret\tb-tls\topencloud.build\n", null, false)]
    [InlineData("", null, false)]
    public void Reads_what_exists(string output, int? replicas, bool hasTls) => Assert.Equal(new ExistingObjects(replicas, hasTls), ExistingObjects.Check(output, Stateful));

    [Theory]
    [InlineData("Deployment\tb\topencloud.build\t3\tcache,\t\nService\tb\topencloud.build\t<no value>\t\t\n", 3, true)]
    [InlineData("Service\tb\topencloud.build\t<no value>\t\t\nDeployment\tb\topencloud.build\t3\tcache,\t\n", 3, true)]
    [InlineData("Deployment\tb\topencloud.build\t3\tcache,certificates,\t\n", 3, true)]
    [InlineData("Deployment\tb\topencloud.build\t3\tcache,\t\n", 3, false)]
    public void A_service_of_a_deployment_means_certificates(string output, int? replicas, bool hasTls) =>
        Assert.Equal(new ExistingObjects(replicas, hasTls), ExistingObjects.Check(output, new BuildKitDeploymentOptions { Name = "b" }));

    [Theory]
    [InlineData("StatefulSet\tb\topencloud.build\t3\t\t20Gi\t<no value>\n", "exists with volumes of 20Gi and cannot get volumes of 50Gi")]
    [InlineData("StatefulSet\tb\topencloud.build\t3\t\t50Gi\tfast\n", "exists with volumes of 50Gi of the storage class fast and cannot get volumes of 50Gi:")]
    [InlineData("StatefulSet\tb\topencloud.build\t3\tcache,\t\n", "exists with no volumes and cannot get volumes of 50Gi")]
    [InlineData("Deployment\tb\topencloud.build\t3\tcache,\t\n", "is not a StatefulSet")]
    [InlineData("StatefulSet\tb\tHelm\t3\t\t50Gi\t<no value>\n", "was not created by New-BuildKitDeployment")]
    [InlineData("Service\tb\t<no value>\t<no value>\t\t\n", "was not created by New-BuildKitDeployment")]
    public void Refuses_what_cannot_be_changed(string output, string said)
    {
        KubernetesException e = Assert.Throws<KubernetesException>(() => ExistingObjects.Check(output, Stateful));
        Assert.Equal(KubernetesProblem.Exists, e.Problem);
        Assert.Contains(said, e.Message, StringComparison.Ordinal);
        Assert.EndsWith("Nothing was changed.", e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("1Gi", "1024Mi", true)]
    [InlineData("0.5Gi", "512Mi", true)]
    [InlineData("1181116006400m", "1.1Gi", true)]
    [InlineData("2000M", "2G", true)]
    [InlineData("1G", "1Gi", false)]
    [InlineData("1", "1m", false)]
    [InlineData("odd", "odd", true)]
    [InlineData("odd", "1", false)]
    public void Compares_amounts(string left, string right, bool same) => Assert.Equal(same, KubernetesRules.IsSameQuantity(left, right));

    private static string Annotation(string ca, string certificate, string key) =>
        (string)Template(DeploymentManifest.Create(
            Stateful, null, [("ca.pem", Encoding.UTF8.GetBytes(ca)), ("cert.pem", Encoding.UTF8.GetBytes(certificate)), ("key.pem", Encoding.UTF8.GetBytes(key))]))["annotations"]!["opencloud.build/certificates"]!;

    private static JsonNode Template(IReadOnlyList<JsonObject> objects) => objects.Single(static o => (string?)o["kind"] == "StatefulSet")["spec"]!["template"]!["metadata"]!;
}
