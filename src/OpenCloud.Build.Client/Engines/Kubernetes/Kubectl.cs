using System.Globalization;
using OpenCloud.Build.Client.Engines.Remote;
using OpenCloud.Build.Linux.Programs;

namespace OpenCloud.Build.Client.Engines.Kubernetes;

/// <summary>
/// Runs kubectl, which a user of Kubernetes has, and with which all contexts and credential plug-ins of the user work. Every command is limited in
/// time, and its output in size. Input is passed on standard input, so that no content is in the list of processes.
/// </summary>
internal sealed class Kubectl
{
    public const string Program = "kubectl";

    // 1,000 pods have about 10 MB as JSON.
    private const int MostOutput = 64 << 20;

    // The first that matches decides. The words in parentheses are the reasons of metav1.Status (kubernetes/apimachinery, pkg/apis/meta/v1), as
    // kubectl writes them: "Error from server (Forbidden): ...".
    private static readonly (KubernetesProblem Problem, string[] Words)[] Signs =
    [
        (KubernetesProblem.ContextNotFound, ["context \"", "no context exists with the name"]),
        (KubernetesProblem.LoginRefused, ["(Unauthorized)", "must be logged in", "getting credentials:", "exec plugin", "no Auth Provider"]),
        (KubernetesProblem.Conflict, ["Apply failed with", "(Conflict)"]),
        (KubernetesProblem.Forbidden, ["(Forbidden)", "is forbidden:"]),
        (KubernetesProblem.NamespaceNotFound, ["namespaces \""]),
        (KubernetesProblem.NotFound, ["(NotFound)"]),
        (KubernetesProblem.Rejected, ["(Invalid)", "is invalid:", "(BadRequest)", "(AlreadyExists)", "(UnsupportedMediaType)", "error validating", "error parsing", "no matches for kind", "doesn't have a resource type"]),
        (KubernetesProblem.TimedOut, ["(Timeout)", "context deadline exceeded", "i/o timeout", "Client.Timeout exceeded"]),
        (KubernetesProblem.Unreachable, ["Unable to connect to the server", "connection refused", "was refused", "no such host", "x509:", "no route to host", "(ServiceUnavailable)", "EOF"]),
    ];

    private readonly string? _context;
    private readonly string? _namespace;
    private readonly Func<string, string?> _variables;
    private readonly TimeSpan _timeout;

    /// <summary>Creates the runner for one namespace of one context; null for the current ones of kubectl's configuration.</summary>
    /// <exception cref="KubernetesException">A name is not valid.</exception>
    public Kubectl(string? context, string? @namespace, Func<string, string?> variables, TimeSpan timeout)
    {
        KubernetesRules.CheckContext(context);
        KubernetesRules.CheckNamespace(@namespace);
        (_context, _namespace, _variables, _timeout) = (context, @namespace, variables, timeout);
    }

    /// <summary>What kubectl's last error output means.</summary>
    public static KubernetesProblem ProblemOf(string errors)
    {
        foreach ((KubernetesProblem problem, string[] words) in Signs)
        {
            bool isSign = problem switch
            {
                KubernetesProblem.ContextNotFound => errors.Contains(words[1], StringComparison.Ordinal) || (errors.Contains(words[0], StringComparison.Ordinal) && errors.Contains("\" does not exist", StringComparison.Ordinal)),
                KubernetesProblem.NamespaceNotFound => errors.Contains(words[0], StringComparison.Ordinal) && errors.Contains("\" not found", StringComparison.Ordinal),
                _ => words.Any(word => errors.Contains(word, StringComparison.Ordinal)),
            };
            if (isSign)
            {
                return problem;
            }
        }

        return KubernetesProblem.Other;
    }

    /// <summary>Runs a command to its end and returns its output.</summary>
    /// <param name="what">What is done, for the message of an error: "read the pods".</param>
    /// <param name="arguments">The arguments after those for context and namespace.</param>
    /// <param name="input">The standard input.</param>
    /// <param name="cancellationToken">Cancels the wait and ends kubectl.</param>
    /// <exception cref="KubernetesException">The command failed.</exception>
    public async Task<string> RunAsync(string what, IReadOnlyList<string> arguments, ReadOnlyMemory<byte> input = default, CancellationToken cancellationToken = default)
    {
        string? path = _variables("PATH");
        if (ProgramFinder.Find(Program, ProgramFinder.Folders(path)) is not { } program)
        {
            throw new KubernetesException(KubernetesProblem.ProgramNotFound, $"Cannot {what}: the program '{Program}' is not on the PATH.{ProgramFinder.Hint(Program)}");
        }

        // kubectl acts for the same user, and starts the credential plug-ins of the user's configuration.
        Dictionary<string, string> environment = ProgramEnvironment.Inherited();
        environment["PATH"] = string.Join(':', ProgramFinder.Folders(path));
        if (_variables("KUBECONFIG") is { } configuration)
        {
            environment["KUBECONFIG"] = configuration;
        }

        string[] all = [.. Joined("--context", _context), .. Joined("--namespace", _namespace), .. arguments];
        ProgramResult result;
        try
        {
            result = await ProgramRunner.RunAsync(new ProgramCommand(program, all, environment) { Input = input, Timeout = _timeout, OutputLimit = MostOutput }, cancellationToken).ConfigureAwait(false);
        }
        catch (TimeoutException e)
        {
            throw new KubernetesException(KubernetesProblem.TimedOut, string.Create(CultureInfo.InvariantCulture, $"Cannot {what}: kubectl has not ended within {_timeout.TotalSeconds:0.###} s{Where()}."), e);
        }
        catch (IOException e)
        {
            throw new KubernetesException(KubernetesProblem.Other, $"Cannot {what}: {e.Message}", e);
        }

        if (result.ExitCode != 0)
        {
            string words = RemoteErrorText.LastWords(result.Error);
            string said = words.Length > 0 ? $"kubectl reports: {words.TrimEnd('.')}" : string.Create(CultureInfo.InvariantCulture, $"kubectl ended with exit code {result.ExitCode} and said nothing");
            throw new KubernetesException(ProblemOf(result.Error), $"Cannot {what}{Where()}: {said}.");
        }

        return result.IsTruncated ? throw new KubernetesException(KubernetesProblem.Other, $"Cannot {what}{Where()}: the answer has more than {MostOutput >> 20} MiB.") : result.Output;
    }

    private static string[] Joined(string name, string? value) => value is null ? [] : [$"{name}={value}"];

    private string Where() => (_namespace, _context) switch
    {
        ({ } space, { } context) => $" (namespace {space}, context {context})",
        ({ } space, null) => $" (namespace {space})",
        (null, { } context) => $" (context {context})",
        _ => string.Empty,
    };
}
