using System.Globalization;
using OpenCloud.Build.Client.Engines.Remote;
using OpenCloud.Build.Client.Text;
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

    private const string Warning = "Warning: ";
    private const int MostWarnings = 10;
    private const int LongestWarning = 600;

    // The first row with all of its parts in the report decides. The words in parentheses are the reasons of metav1.Status (kubernetes/apimachinery,
    // pkg/apis/meta/v1), as kubectl writes them: "Error from server (Forbidden): ...". A quota, a webhook and the admission of pods also answer Forbidden
    // (kubernetes/kubernetes, plugin/pkg/admission/resourcequota; kubernetes/apiserver, pkg/admission/plugin/webhook/errors).
    private static readonly (KubernetesProblem Problem, string[] Parts)[] Signs =
    [
        (KubernetesProblem.ContextNotFound, ["context \"", "\" does not exist"]),
        (KubernetesProblem.ContextNotFound, ["no context exists with the name"]),
        (KubernetesProblem.ContextNotFound, ["context was not found for specified context"]),
        (KubernetesProblem.LoginRefused, ["(Unauthorized)"]),
        (KubernetesProblem.LoginRefused, ["must be logged in"]),
        (KubernetesProblem.LoginRefused, ["getting credentials:"]),
        (KubernetesProblem.LoginRefused, ["exec plugin"]),
        (KubernetesProblem.LoginRefused, ["no Auth Provider"]),
        (KubernetesProblem.LoginRefused, ["Please enter Username"]),
        (KubernetesProblem.LoginRefused, ["Please enter Password"]),
        (KubernetesProblem.Conflict, ["Apply failed with"]),
        (KubernetesProblem.Conflict, ["(Conflict)"]),
        (KubernetesProblem.Rejected, ["exceeded quota"]),
        (KubernetesProblem.Rejected, ["denied the request"]),
        (KubernetesProblem.Rejected, ["violates PodSecurity"]),
        (KubernetesProblem.Forbidden, ["(Forbidden)"]),
        (KubernetesProblem.Forbidden, ["is forbidden:"]),
        (KubernetesProblem.NamespaceNotFound, ["namespaces \"", "\" not found"]),
        (KubernetesProblem.NotFound, ["(NotFound)"]),
        (KubernetesProblem.Rejected, ["(Invalid)"]),
        (KubernetesProblem.Rejected, ["is invalid:"]),
        (KubernetesProblem.Rejected, ["(BadRequest)"]),
        (KubernetesProblem.Rejected, ["(AlreadyExists)"]),
        (KubernetesProblem.Rejected, ["(UnsupportedMediaType)"]),
        (KubernetesProblem.Rejected, ["error validating"]),
        (KubernetesProblem.Rejected, ["error parsing"]),
        (KubernetesProblem.Rejected, ["no matches for kind"]),
        (KubernetesProblem.Rejected, ["doesn't have a resource type"]),
        (KubernetesProblem.TimedOut, ["(Timeout)"]),
        (KubernetesProblem.TimedOut, ["context deadline exceeded"]),
        (KubernetesProblem.TimedOut, ["i/o timeout"]),
        (KubernetesProblem.TimedOut, ["Client.Timeout exceeded"]),
        (KubernetesProblem.Unreachable, ["Unable to connect to the server"]),
        (KubernetesProblem.Unreachable, ["connection refused"]),
        (KubernetesProblem.Unreachable, ["was refused"]),
        (KubernetesProblem.Unreachable, ["no such host"]),
        (KubernetesProblem.Unreachable, ["x509:"]),
        (KubernetesProblem.Unreachable, ["no route to host"]),
        (KubernetesProblem.Unreachable, ["(ServiceUnavailable)"]),
        // net/url: the method, the address in quotes, the cause.
        (KubernetesProblem.Unreachable, ["\": EOF"]),
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
        foreach ((KubernetesProblem problem, string[] parts) in Signs)
        {
            if (Array.TrueForAll(parts, part => errors.Contains(part, StringComparison.Ordinal)))
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
    public async Task<string> RunAsync(string what, IReadOnlyList<string> arguments, ReadOnlyMemory<byte> input = default, CancellationToken cancellationToken = default) =>
        (await RunToEndAsync(what, arguments, input, cancellationToken).ConfigureAwait(false)).Output;

    /// <summary>Runs a command to its end and returns its output and the warnings of the API server, which kubectl writes to its error output.</summary>
    /// <inheritdoc cref="RunAsync"/>
    public async Task<(string Output, IReadOnlyList<string> Warnings)> RunToEndAsync(string what, IReadOnlyList<string> arguments, ReadOnlyMemory<byte> input = default, CancellationToken cancellationToken = default)
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
            // Without credentials, kubectl asks for them on its output, and then reports only the end of its input.
            bool asked = result.Output.StartsWith("Please enter ", StringComparison.Ordinal);
            string report = asked ? $"{TerminalText.Line(result.Output).Trim()} {result.Error}" : result.Error;
            string words = KubectlConflict.MessageOf(report) ?? RemoteErrorText.LastWords(report);
            string said = words.Length > 0 ? $"kubectl reports: {words.TrimEnd('.')}" : string.Create(CultureInfo.InvariantCulture, $"kubectl ended with exit code {result.ExitCode} and said nothing");
            throw new KubernetesException(ProblemOf(report), $"Cannot {what}{Where()}: {said}.") { Output = result.Output, Report = report };
        }

        return result.IsTruncated
            ? throw new KubernetesException(KubernetesProblem.Other, $"Cannot {what}{Where()}: the answer has more than {MostOutput >> 20} MiB.")
            : (result.Output, WarningsOf(result.Error));
    }

    /// <summary>The warnings of the API server (kubernetes/client-go, rest/warnings.go), filtered.</summary>
    internal static IReadOnlyList<string> WarningsOf(string errors) =>
    [
        .. TerminalText.Plain(errors).Split('\n', StringSplitOptions.TrimEntries)
            .Where(static line => line.StartsWith(Warning, StringComparison.Ordinal))
            .Select(static line => TerminalText.Bounded(line[Warning.Length..], LongestWarning))
            .Distinct(StringComparer.Ordinal)
            .Take(MostWarnings),
    ];

    private static string[] Joined(string name, string? value) => value is null ? [] : [$"{name}={value}"];

    private string Where() => (_namespace, _context) switch
    {
        ({ } space, { } context) => $" (namespace {space}, context {context})",
        ({ } space, null) => $" (namespace {space})",
        (null, { } context) => $" (context {context})",
        _ => string.Empty,
    };
}
