using System.Text.Json;
using OpenCloud.Build.Client.Engines;
using OpenCloud.Build.Client.Engines.Remote;
using OpenCloud.Build.Client.Images.Docker;
using OpenCloud.Build.Linux.Programs;

namespace OpenCloud.Build.Client;

/// <summary>
/// Names for the completion of addresses: what this machine's configuration, its container engines and its Kubernetes contexts list. Names that
/// are not valid in an address are left out.
/// </summary>
public static class RemoteEngineNames
{
    private static readonly string[] Kinds = ["pod/", "namespace/", "deployment.apps/", "statefulset.apps/"];

    private const int LongestOutput = 1 << 20;
    private const int MostNames = 1000;

    /// <summary>The contexts of the docker command.</summary>
    /// <param name="options">The options with the variables of the environment.</param>
    public static IReadOnlyList<string> DockerContexts(EngineConnectOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        return [.. new DockerContextFiles(options.GetEnvironmentVariable).List().Where(RemoteAddress.IsContext)];
    }

    /// <summary>The hosts that <c>~/.ssh/config</c> and the files that it includes name, without their patterns.</summary>
    /// <param name="options">The options with the variables of the environment.</param>
    public static IReadOnlyList<string> SshHosts(EngineConnectOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        return options.GetEnvironmentVariable("HOME") is { Length: > 0 } home ? SshHostNames.List(home) : [];
    }

    /// <summary>The running containers of the Docker Engine of this machine; none when the engine is on another machine.</summary>
    /// <param name="options">The options of the connection.</param>
    /// <param name="cancellationToken">Cancels the request.</param>
    /// <exception cref="EngineConnectException">The engine cannot be reached.</exception>
    /// <exception cref="HttpRequestException">The engine does not answer.</exception>
    public static async Task<IReadOnlyList<string>> ListContainersAsync(EngineConnectOptions options, CancellationToken cancellationToken = default)
    {
        EngineAddress address = EngineDiscovery.DockerEngine(options);
        if (address.Path is null)
        {
            return [];
        }

        List<string> names = [];
        DockerEngineClient docker = new(address, options);
        await using (docker.ConfigureAwait(false))
        {
            IAsyncEnumerator<JsonElement> containers = docker.ListAsync("/containers/json", cancellationToken).GetAsyncEnumerator(cancellationToken);
            await using (containers.ConfigureAwait(false))
            {
                while (await containers.MoveNextAsync().ConfigureAwait(false))
                {
                    if (containers.Current.TryGetProperty("Names", out JsonElement list) && list.ValueKind == JsonValueKind.Array)
                    {
                        names.AddRange(list.EnumerateArray().Select(static name => name.ToString().TrimStart('/')));
                    }
                }
            }
        }

        return [.. names.Where(static name => RemoteAddress.Parse(RemoteAddress.DockerContainer, name, out RemoteAddress? parsed) is null && parsed!.Name == name)];
    }

    /// <summary>
    /// The part of an address that stays when its last part is completed: the scheme and a user, or everything up to the last <c>?</c>, <c>&amp;</c>
    /// or <c>=</c>. Null for an address without such names.
    /// </summary>
    /// <param name="address">The begun address.</param>
    public static string? StartOf(string address)
    {
        ArgumentNullException.ThrowIfNull(address);
        int end = address.IndexOf("://", StringComparison.Ordinal);
        return end > 0 && RemoteAddress.Is(address[..end].ToLowerInvariant()) ? address[..(Math.Max(address.LastIndexOfAny(['?', '&', '=', '@']), end + 2) + 1)] : null;
    }

    /// <summary>
    /// The addresses that begin with a text of <see cref="StartOf"/>: hosts, contexts, running containers and pods, and the parameters after
    /// <c>?</c> with their values. Starts docker, podman, nerdctl or kubectl where only that knows the names.
    /// </summary>
    /// <param name="start">The start of the address.</param>
    /// <param name="options">The options of the connection.</param>
    /// <param name="cancellationToken">Cancels the query; its program is killed.</param>
    /// <exception cref="IOException">A program cannot be started, or the engine cannot be reached.</exception>
    public static async Task<IReadOnlyList<string>> CompleteAsync(string start, EngineConnectOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(start);
        ArgumentNullException.ThrowIfNull(options);
        int end = start.IndexOf("://", StringComparison.Ordinal);
        if (end < 0)
        {
            return [];
        }

        string scheme = start[..end].ToLowerInvariant();
        int question = start.IndexOf('?');
        IEnumerable<string> names = question < 0
            ? await NamesAsync(scheme, options, cancellationToken).ConfigureAwait(false)
            : await ParametersAsync(scheme, start[(end + 3)..question], start[(question + 1)..], options, cancellationToken).ConfigureAwait(false);
        return [.. names.Select(name => start + name).Where(address => address.EndsWith('=') || EngineAddress.TryParse(address, out _)).Take(MostNames)];
    }

    private static async Task<IReadOnlyList<string>> NamesAsync(string scheme, EngineConnectOptions options, CancellationToken cancellationToken) => scheme switch
    {
        RemoteAddress.Ssh or RemoteAddress.DockerOverSsh => SshHosts(options),
        RemoteAddress.DockerContext => DockerContexts(options),
        RemoteAddress.DockerContainer => await ListContainersAsync(options, cancellationToken).ConfigureAwait(false),
        RemoteAddress.PodmanContainer => await AskAsync("podman", ["ps", "--format", "{{.Names}}"], options, cancellationToken).ConfigureAwait(false),
        RemoteAddress.NerdctlContainer => await AskAsync("nerdctl", ["ps", "--format", "{{.Names}}"], options, cancellationToken).ConfigureAwait(false),
        RemoteAddress.KubernetesPod => await AskAsync("kubectl", ["get", "pods", "--field-selector=status.phase=Running", "--output=name"], options, cancellationToken).ConfigureAwait(false),
        RemoteAddress.KubernetesDeployment => await AskAsync("kubectl", ["get", "deployments,statefulsets", "--output=name"], options, cancellationToken).ConfigureAwait(false),
        _ => [],
    };

    // The parameters before the last one choose the cluster.
    private static async Task<IReadOnlyList<string>> ParametersAsync(
        string scheme, string name, string query, EngineConnectOptions options, CancellationToken cancellationToken)
    {
        int last = query.LastIndexOf('&');
        string key = query[(last + 1)..];
        string complete = last < 0 ? "" : "?" + query[..last];
        if (RemoteAddress.Parse(scheme, name + complete, out RemoteAddress? address) is not null)
        {
            return [];
        }

        if (!key.EndsWith('='))
        {
            return key.Length > 0 ? [] : [.. RemoteAddress.ParametersOf(scheme)!.Where(parameter => !query.Contains(parameter + "=", StringComparison.Ordinal)).Select(static parameter => parameter + "=")];
        }

        string[] cluster = [.. RemoteCommand.Joined("--context", address!.Context), .. RemoteCommand.Joined("--namespace", address.Namespace)];
        return (scheme, key) switch
        {
            (RemoteAddress.DockerContainer, "context=") => DockerContexts(options),
            (RemoteAddress.NerdctlContainer, "namespace=") => await AskAsync("nerdctl", ["namespace", "ls", "--quiet"], options, cancellationToken).ConfigureAwait(false),
            (RemoteAddress.KubernetesPod or RemoteAddress.KubernetesDeployment, "context=") => await AskAsync("kubectl", ["config", "get-contexts", "--output=name"], options, cancellationToken).ConfigureAwait(false),
            (RemoteAddress.KubernetesPod or RemoteAddress.KubernetesDeployment, "namespace=") => await AskAsync("kubectl", [.. cluster, "get", "namespaces", "--output=name"], options, cancellationToken).ConfigureAwait(false),
            (RemoteAddress.KubernetesPod, "container=") => await AskAsync(
                "kubectl", [.. cluster, "get", "pod", address.Name, "--output=jsonpath={range .spec.containers[*]}{.name}{\"\\n\"}{end}"], options, cancellationToken).ConfigureAwait(false),
            _ => [],
        };
    }

    // kubectl puts the kind before each name: pod/NAME, deployment.apps/NAME. No other name contains a slash except those of contexts.
    private static async Task<IReadOnlyList<string>> AskAsync(string name, string[] arguments, EngineConnectOptions options, CancellationToken cancellationToken)
    {
        string? path = options.GetEnvironmentVariable("PATH");
        if (ProgramFinder.Find(name, ProgramFinder.Folders(path)) is not { } program)
        {
            return [];
        }

        ProgramCommand command = new(program, arguments, ProgramConnector.Environment(path)) { OutputLimit = LongestOutput };
        ProgramResult result = await ProgramRunner.RunAsync(command, cancellationToken).ConfigureAwait(false);
        return result.ExitCode != 0 ? [] :
        [
            .. result.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
                .Select(static line => Array.Exists(Kinds, kind => line.StartsWith(kind, StringComparison.Ordinal)) ? line[(line.IndexOf('/') + 1)..] : line),
        ];
    }
}
