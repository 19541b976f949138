using OpenCloud.Build.Client.Engines.Deployments;
using OpenCloud.Build.Client.Engines.Kubernetes;
using OpenCloud.Build.Client.Tests.Programs;
using Xunit;

namespace OpenCloud.Build.Client.Tests.Engines.Deployments;

/// <summary>The commands for each change, with a program that stands in for kubectl.</summary>
public sealed class BuildKitDeploymentsTests : IDisposable
{
    private const string Item = """{"kind":"Deployment","metadata":{"name":"b","namespace":"ci"},"spec":{"replicas":4}}""";
    private const string Own = """error: Apply failed with 1 conflict: conflict with "opencloud.build" with subresource "scale" using apps/v1: .spec.replicas""";
    private const string Other = """error: Apply failed with 1 conflict: conflict with "hpa" using apps/v1: .spec.replicas""";
    private const string Check = "apply --server-side --field-manager=opencloud.build --dry-run=server --filename=- --output=name";
    private const string Apply = "apply --server-side --field-manager=opencloud.build --filename=- --output=name";

    private static readonly BuildKitDeploymentOptions Options = new() { Name = "b" };

    private readonly ProgramFolder _programs = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private string Record => Path.Join(_programs.Path, "record");

    public void Dispose() => _programs.Dispose();

    [Fact]
    public async Task All_objects_are_checked_before_the_first_is_applied()
    {
        BuildKitDeployment made = await Open("").ApplyAsync(Options, cancellationToken: Token);
        Assert.Equal(4, made.Replicas);
        string[] runs = Runs();
        Assert.Equal(["get", "apply", "apply", "get"], runs.Select(static run => run.Split(' ')[0]));
        Assert.Equal([Check, Apply], runs[1..3]);
    }

    [Fact]
    public async Task Nothing_is_applied_when_an_object_is_rejected()
    {
        KubernetesException e = await Assert.ThrowsAsync<KubernetesException>(
            () => Open("""*dry-run*) echo 'The Deployment "b" is invalid: spec.template.spec.containers[0].resources.requests: Invalid value' >&2; exit 1;;""").ApplyAsync(Options, cancellationToken: Token));
        Assert.Equal(KubernetesProblem.Rejected, e.Problem);
        Assert.DoesNotContain(Apply, Runs());
    }

    [Fact]
    public async Task What_a_scaling_of_this_class_set_is_replaced()
    {
        _ = await Open($"*force-conflicts*) ;; *apply*) echo '{Own}' >&2; exit 1;;").ApplyAsync(Options with { Replicas = 3 }, cancellationToken: Token);
        string forced = Check.Replace("--filename", "--force-conflicts --filename", StringComparison.Ordinal);
        Assert.Equal([Check, forced, forced.Replace("--dry-run=server ", "", StringComparison.Ordinal)], Runs()[1..4]);
    }

    [Fact]
    public async Task What_another_manager_set_is_not_replaced()
    {
        KubernetesException e = await Assert.ThrowsAsync<KubernetesException>(
            () => Open($"*force-conflicts*) ;; *apply*) echo '{Other}' >&2; exit 1;;").ApplyAsync(Options with { Replicas = 3 }, cancellationToken: Token));
        Assert.Equal(KubernetesProblem.Conflict, e.Problem);
        Assert.Contains("conflict with \"hpa\" using apps/v1: .spec.replicas", e.Message, StringComparison.Ordinal);
        Assert.Equal(Check, Runs()[^1]);
    }

    [Fact]
    public async Task The_number_of_pods_is_kept_without_one()
    {
        _ = await Open(@"*deployment/b*) printf 'Deployment\tb\topencloud.build\t7\tcache,\t\n';;").ApplyAsync(Options, cancellationToken: Token);
        Assert.Contains("replicas: 7\n", await File.ReadAllTextAsync(Record + ".input", Token), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(@"Deployment\tb\topencloud.build\t1\tcertificates,\t\n", 2)]
    [InlineData(@"Deployment\tb\topencloud.build\t1\tcache,\t\nService\tb\topencloud.build\t\t\t\n", 2)]
    [InlineData(@"Deployment\tb\topencloud.build\t1\tcache,\t\n", 0)]
    public async Task A_key_that_is_not_used_any_more_is_removed(string existing, int removed)
    {
        _ = await Open($"*deployment/b*) printf '{existing}';;").ApplyAsync(Options, cancellationToken: Token);
        const string After = "--selector=app.kubernetes.io/managed-by=opencloud.build,app.kubernetes.io/instance=b --ignore-not-found --wait=false --output=name";
        Assert.Equal(removed == 0 ? [] : [$"delete secrets {After}", $"delete services {After}"], Runs().Where(static run => run.StartsWith("delete", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Warnings_of_the_server_are_passed_on_once()
    {
        List<string> warnings = [];
        _ = await Open("*apply*) echo 'Warning: would violate PodSecurity \"baseline:latest\": privileged' >&2;;", warnings.Add).ApplyAsync(Options, cancellationToken: Token);
        Assert.Equal(["Kubernetes warns about the deployment 'b': would violate PodSecurity \"baseline:latest\": privileged"], warnings);
    }

    [Fact]
    public async Task A_scaling_names_its_manager()
    {
        await Open("").ScaleAsync(new BuildKitDeployment { Name = "b", Namespace = "ci", Kind = BuildKitDeploymentKind.StatefulSet }, 5, Token);
        Assert.Equal("""patch statefulset/b --subresource=scale --type=merge --patch={"spec":{"replicas":5}} --field-manager=opencloud.build --output=name""", Assert.Single(Runs()));
    }

    [Fact]
    public async Task What_remains_of_a_deployment_is_found_and_removed()
    {
        BuildKitDeployments deployments = Open("*get*) printf 'secret/b-tls\\nservice/b\\n';;");
        Assert.Equal(["secret/b-tls", "service/b"], await deployments.FindRemainsAsync("b", purge: true, Token));
        await deployments.RemoveRemainsAsync("b", purge: true, Token);
        Assert.StartsWith("get poddisruptionbudgets,services,secrets,persistentvolumeclaims --selector=", Runs()[0], StringComparison.Ordinal);
        Assert.StartsWith("delete deployments,statefulsets,poddisruptionbudgets,services,secrets,persistentvolumeclaims --selector=", Runs()[1], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("exit 0", "does not exist in the namespace ci.")]
    [InlineData("echo 'Error from server (Forbidden): secrets is forbidden: User \"u\" cannot list' >&2; exit 1", "Whether other objects of it remain is not known")]
    public async Task A_deployment_without_remains_is_not_found(string script, string said)
    {
        KubernetesException e = await Assert.ThrowsAsync<KubernetesException>(() => Open($"*get*) {script};;").FindRemainsAsync("b", purge: false, Token));
        Assert.Equal(KubernetesProblem.NotFound, e.Problem);
        Assert.Contains(said, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_removal_that_fails_says_what_it_removed()
    {
        KubernetesException e = await Assert.ThrowsAsync<KubernetesException>(
            () => Open("*delete*) printf 'deployment.apps/b\\nservice/b\\n'; echo 'Error from server (Forbidden): secrets is forbidden: User \"u\" cannot list' >&2; exit 1;;")
                .RemoveAsync(new BuildKitDeployment { Name = "b", Namespace = "ci" }, cancellationToken: Token));
        Assert.Equal(KubernetesProblem.Forbidden, e.Problem);
        Assert.EndsWith("These objects were removed: deployment.apps/b, service/b.", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_image_is_checked_without_kubectl() =>
        Assert.Equal(KubernetesProblem.InvalidInput, Assert.Throws<KubernetesException>(static () => BuildKitDeployments.CheckImage("-x")).Problem);

    private BuildKitDeployments Open(string cases, Action<string>? onWarning = null)
    {
        _programs.Add(
            "kubectl",
            $$"""
            shift; printf '%s\n' "$*" >> '{{Record}}'
            case "$*" in *filename=-*) cat > '{{Record}}.input';; esac
            case "$*" in
            {{cases}}
            *'get deployments,statefulsets'*) printf '%s' '{"items":[{{Item}}]}';;
            esac
            """);
        return new BuildKitDeployments(null, "ci", TimeSpan.FromSeconds(20), name => name == "PATH" ? $"{_programs.Path}:/usr/bin:/bin" : null) { OnWarning = onWarning };
    }

    private string[] Runs() => File.ReadAllLines(Record);
}
