using OpenCloud.Build.Client.Engines.Kubernetes;
using OpenCloud.Build.Client.Tests.Programs;
using Xunit;

namespace OpenCloud.Build.Client.Tests.Engines.Kubernetes;

/// <summary>What kubectl reports (1.32 and 1.36), and what it means.</summary>
public sealed class KubectlTests : IDisposable
{
    // kubernetes/kubectl, pkg/cmd/apply.
    private const string Advice =
        """

        Please review the fields above--they currently have other managers. Here
        are the ways you can resolve this warning:
        * If you intend to manage all of these fields, please re-run the apply
          command with the `--force-conflicts` flag.
        * You may co-own fields by updating your manifest to match the existing
          value; in this case, you'll become the manager if the other manager(s)
          stop managing the field (remove it from their configuration).
        See https://kubernetes.io/docs/reference/using-api/server-side-apply/#conflicts
        """;

    private readonly ProgramFolder _programs = new();

    private Kubectl Kubectl => new(null, "ci", name => name == "PATH" ? $"{_programs.Path}:/usr/bin:/bin" : null, TimeSpan.FromSeconds(20));

    public void Dispose() => _programs.Dispose();

    [Theory]
    [InlineData("error: context \"nope\" does not exist", KubernetesProblem.ContextNotFound)]
    [InlineData("Error in configuration: context was not found for specified context: nope", KubernetesProblem.ContextNotFound)]
    [InlineData("error: no context exists with the name: \"nope\"", KubernetesProblem.ContextNotFound)]
    [InlineData("error: You must be logged in to the server (Unauthorized)", KubernetesProblem.LoginRefused)]
    [InlineData("Please enter Username: error: EOF", KubernetesProblem.LoginRefused)]
    [InlineData("Please enter Password: error: inappropriate ioctl for device", KubernetesProblem.LoginRefused)]
    [InlineData("error: Apply failed with 1 conflict: conflict with \"hpa\": .spec.replicas", KubernetesProblem.Conflict)]
    [InlineData("Error from server (Forbidden): deployments.apps is forbidden: User \"u\" cannot list resource", KubernetesProblem.Forbidden)]
    [InlineData("Error from server (Forbidden): secrets \"b-tls\" is forbidden: exceeded quota: few, requested: secrets=1, used: secrets=5, limited: secrets=5", KubernetesProblem.Rejected)]
    [InlineData("Error from server (Forbidden): admission webhook \"images.example.org\" denied the request: the registry is not allowed", KubernetesProblem.Rejected)]
    [InlineData("Error from server (Forbidden): pods \"b\" is forbidden: violates PodSecurity \"baseline:latest\": privileged", KubernetesProblem.Rejected)]
    [InlineData("Error from server (NotFound): namespaces \"ci\" not found", KubernetesProblem.NamespaceNotFound)]
    [InlineData("Error from server (NotFound): deployments.apps \"b\" not found", KubernetesProblem.NotFound)]
    [InlineData("The Deployment \"b\" is invalid: spec.template: Invalid value", KubernetesProblem.Rejected)]
    [InlineData("Unable to connect to the server: net/http: TLS handshake timeout", KubernetesProblem.Unreachable)]
    [InlineData("error: Get \"https://example.org/api?timeout=32s\": EOF", KubernetesProblem.Unreachable)]
    [InlineData("error: EOF", KubernetesProblem.Other)]
    [InlineData("panic: unexpected EOF", KubernetesProblem.Other)]
    public void Recognizes_a_problem(string errors, KubernetesProblem problem) => Assert.Equal(problem, Kubectl.ProblemOf(errors));

    [Theory]
    [InlineData("conflict with \"opencloud.build\" with subresource \"scale\" using apps/v1: .spec.replicas", "Apply failed with 1 ", true)]
    [InlineData("conflicts with \"opencloud.build\" using apps/v1:\n- .spec.replicas\n- .spec.template.spec.containers[name=\"buildkitd\"].image", "Apply failed with 2 conflicts: ", true)]
    [InlineData("conflict with \"kube-controller-manager\" with subresource \"scale\" using apps/v1: .spec.replicas", "Apply failed with 1 ", false)]
    [InlineData("conflicts with \"hpa\" using apps/v1:\n- .spec.replicas\nconflicts with \"opencloud.build\" using apps/v1:\n- .spec.paused", "Apply failed with 2 conflicts: ", false)]
    public void Says_which_fields_have_which_managers(string conflict, string start, bool isOwn)
    {
        string errors = $"error: {start}{conflict}{Advice}";
        string message = KubectlConflict.MessageOf(errors)!;
        Assert.Equal(start + conflict.Replace('\n', ' '), message);
        Assert.Equal(isOwn, KubectlConflict.IsOnlyWith(errors, "opencloud.build"));
    }

    [Fact]
    public void Reads_the_conflicts_of_several_objects()
    {
        string Errors(string second) =>
            $"error: Apply failed with 1 conflict: conflict with \"opencloud.build\" using v1: .spec.ports{Advice}\nerror: Apply failed with 1 conflict: conflict with \"{second}\": .spec.replicas{Advice}";
        Assert.Equal(
            "Apply failed with 1 conflict: conflict with \"opencloud.build\" using v1: .spec.ports; Apply failed with 1 conflict: conflict with \"hpa\": .spec.replicas",
            KubectlConflict.MessageOf(Errors("hpa")));
        Assert.False(KubectlConflict.IsOnlyWith(Errors("hpa"), "opencloud.build"));
        Assert.True(KubectlConflict.IsOnlyWith(Errors("opencloud.build"), "opencloud.build"));
        Assert.Null(KubectlConflict.MessageOf("error: EOF"));
        Assert.False(KubectlConflict.IsOnlyWith("error: EOF", "opencloud.build"));
    }

    [Fact]
    public void Filters_and_bounds_warnings()
    {
        Assert.Equal(["would violate PodSecurity"], Kubectl.WarningsOf("W1130 other\nWarning: would violate \u001b[2JPodSecurity\nWarning: would violate PodSecurity\n"));
        IReadOnlyList<string> many = Kubectl.WarningsOf(string.Concat(Enumerable.Range(0, 1000).Select(static i => $"Warning: {i} {new string('x', 5000)}\n")));
        Assert.Equal(10, many.Count);
        Assert.All(many, static warning => Assert.InRange(warning.Length, 1, 610));
    }

    [Fact]
    public async Task Takes_a_question_for_a_password_as_a_refused_login()
    {
        _programs.Add("kubectl", "printf 'Please enter Username: '; echo 'error: EOF' >&2; exit 1");
        KubernetesException e = await Assert.ThrowsAsync<KubernetesException>(() => Kubectl.RunAsync("read the pods", ["get", "pods"], default, TestContext.Current.CancellationToken));
        Assert.Equal(KubernetesProblem.LoginRefused, e.Problem);
        Assert.Contains("Please enter Username:", e.Message, StringComparison.Ordinal);
    }
}
