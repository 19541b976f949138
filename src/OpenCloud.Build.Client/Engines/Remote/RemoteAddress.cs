using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;

namespace OpenCloud.Build.Client.Engines.Remote;

/// <summary>
/// The parts of an address that a program carries: ssh, or the command of a container engine or of Kubernetes. Every part is checked here, because
/// it becomes an argument of a program: no part begins with '-' or contains a character that a shell or an option parser treats specially. ssh
/// also puts user and host into the commands of its configuration (ProxyCommand, Match exec; ssh_config(5), TOKENS).
/// </summary>
internal sealed partial record RemoteAddress
{
    public const string Ssh = "ssh";
    public const string DockerOverSsh = "docker+ssh";
    public const string DockerContext = "docker-context";
    public const string DockerContainer = "docker-container";
    public const string PodmanContainer = "podman-container";
    public const string NerdctlContainer = "nerdctl-container";
    public const string KubernetesPod = "kube-pod";
    public const string KubernetesDeployment = "kube-deployment";

    // sun_path (unix(7)).
    private const int LongestSocketPath = 107;

    private static readonly string[] NoParameters = [];

    private RemoteAddress(string scheme, string name)
    {
        Scheme = scheme;
        Name = name;
    }

    public string Scheme { get; }

    /// <summary>The host, the container or the pod.</summary>
    public string Name { get; }

    public string? User { get; private init; }

    /// <summary>The port of an ssh server; 0 for the one of its configuration.</summary>
    public uint Port { get; private init; }

    /// <summary>The path of the engine's socket on the other machine; null for the default.</summary>
    public string? Socket { get; private init; }

    public string? Context { get; private init; }

    public string? Namespace { get; private init; }

    public string? Container { get; private init; }

    /// <summary>Whether a text is the name of a context of Docker (docker/cli, cli/context/store: restrictedNamePattern).</summary>
    public static bool IsContext(string name) => DockerContextName().IsMatch(name);

    public static bool Is(string scheme) => ParametersOf(scheme) is not null;

    /// <summary>Returns null and sets the address, or returns the fault, which never repeats a password. Parses the part after <c>://</c>.</summary>
    public static string? Parse(string scheme, string rest, out RemoteAddress? address)
    {
        address = null;
        return scheme is Ssh or DockerOverSsh ? ParseHost(scheme, rest, out address) : ParseName(scheme, rest, out address);
    }

    public override string ToString()
    {
        string user = User is null ? "" : User + "@";
        string port = Port == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $":{Port}");
        string name = Name.Contains(':') ? $"[{Name}]" : Name;
        string parameters = string.Join('&', Parameters().Where(static p => p.Value is not null).Select(static p => $"{p.Name}={p.Value!.Replace("+", "%2B", StringComparison.Ordinal)}"));
        return $"{Scheme}://{user}{name}{port}{Socket}{(parameters.Length == 0 ? "" : "?" + parameters)}";
    }

    /// <summary>The text of the address of a deployment.</summary>
    public static string ForDeployment(string name, string? context, string? @namespace) =>
        new RemoteAddress(KubernetesDeployment, name) { Context = context, Namespace = @namespace }.ToString();

    /// <summary>The address of a pod of this deployment.</summary>
    public RemoteAddress ForPod(string name) => new(KubernetesPod, name) { Context = Context, Namespace = Namespace, Container = Container };

    /// <summary>The parameters of a scheme; null for one that no program carries.</summary>
    public static string[]? ParametersOf(string scheme) => scheme switch
    {
        Ssh or DockerOverSsh or PodmanContainer or DockerContext => NoParameters,
        DockerContainer => ["context"],
        NerdctlContainer => ["namespace"],
        KubernetesPod or KubernetesDeployment => ["context", "namespace", "container"],
        _ => null,
    };

    private (string Name, string? Value)[] Parameters() => [("context", Context), ("namespace", Namespace), ("container", Container)];

    private static string? ParseHost(string scheme, string rest, out RemoteAddress? address)
    {
        address = null;
        string example = $"for example {scheme}://user@build-host:22/run/buildkit/buildkitd.sock";
        int slash = rest.IndexOf('/');
        string authority = slash < 0 ? rest : rest[..slash];
        string? socket = slash < 0 || slash == rest.Length - 1 ? null : rest[slash..];
        int at = authority.LastIndexOf('@');
        string? user = at < 0 ? null : authority[..at];
        string host = authority[(at + 1)..];
        if (user?.Contains(':') == true)
        {
            return $"The {scheme}:// address must not contain a password. ssh uses its own configuration and agent.";
        }

        if (user is not null && !UserName().IsMatch(user))
        {
            return $"The user of a {scheme}:// address must begin with a letter or a digit and contain only letters, digits and . _ + @ -; {example}.";
        }

        int bracket = host.LastIndexOf(']');
        int colon = host.LastIndexOf(':');
        uint port = 0;
        if (colon > bracket)
        {
            if (!uint.TryParse(host.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out port) || port is < 1 or > 65535)
            {
                return $"The port of a {scheme}:// address is a number between 1 and 65535; {example}.";
            }

            host = host[..colon];
        }

        bool valid = host.StartsWith('[') && host.EndsWith(']')
            ? IPAddress.TryParse(host[1..^1], out IPAddress? v6) && v6.AddressFamily == AddressFamily.InterNetworkV6 && !host.Contains('%')
            : HostName().IsMatch(host);
        if (!valid)
        {
            return $"The host of a {scheme}:// address is a name of letters, digits and . _ -, an IPv4 address, or an IPv6 address in brackets; {example}.";
        }

        if (socket is not null && (!SocketPath().IsMatch(socket) || socket.Length > LongestSocketPath))
        {
            return $"The socket of a {scheme}:// address is an absolute path of at most {LongestSocketPath} letters, digits and . _ + @ - /; {example}.";
        }

        address = new RemoteAddress(scheme, host.Trim('[', ']')) { User = user, Port = port, Socket = socket };
        return null;
    }

    private static string? ParseName(string scheme, string rest, out RemoteAddress? address)
    {
        address = null;
        int question = rest.IndexOf('?');
        string name = (question < 0 ? rest : rest[..question]).TrimEnd('/');
        bool isPod = scheme is KubernetesPod or KubernetesDeployment;
        if (scheme == DockerContext && !IsContext(name))
        {
            return "A docker-context:// address requires the name of a context: a letter or a digit, then letters, digits and . _ + -, for example docker-context://builder.";
        }

        if (scheme != DockerContext && !(isPod ? PodName().IsMatch(name) : ContainerName().IsMatch(name)))
        {
            return isPod
                ? $"A {scheme}:// address requires the name of a {(scheme == KubernetesPod ? "pod" : "Deployment or StatefulSet")}, of lower-case letters, digits and . -, for example {scheme}://buildkitd{(scheme == KubernetesPod ? "-0" : "")}?namespace=build."
                : $"A {scheme}:// address requires the name or id of a container: a letter or a digit, then letters, digits and . _ -, for example {scheme}://buildkitd.";
        }

        RemoteAddress parsed = new(scheme, name);
        foreach (string pair in question < 0 ? [] : rest[(question + 1)..].Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            int equals = pair.IndexOf('=');
            string key = equals < 0 ? pair : pair[..equals];
            string value = equals < 0 ? "" : Uri.UnescapeDataString(pair[(equals + 1)..].Replace('+', ' '));
            if (!ParametersOf(scheme)!.Contains(key, StringComparer.Ordinal))
            {
                string known = ParametersOf(scheme) is { Length: > 0 } some ? $"the parameters {string.Join(", ", some)}" : "no parameters";
                return $"A {scheme}:// address takes {known}.";
            }

            if (parsed.Parameters().Any(p => p.Name == key && p.Value is not null))
            {
                return $"The {scheme}:// address contains '{key}' twice.";
            }

            Regex form = key == "context" ? ContextName() : isPod ? LabelName() : ContainerName();
            if (!form.IsMatch(value))
            {
                return $"The {key} of the {scheme}:// address must begin with a letter or a digit and contain only {(key == "context" ? "letters, digits and . _ : / @ = + -" : isPod ? "lower-case letters, digits and -" : "letters, digits and . _ -")}.";
            }

            parsed = key switch
            {
                "context" => parsed with { Context = value },
                "namespace" => parsed with { Namespace = value },
                _ => parsed with { Container = value },
            };
        }

        address = parsed;
        return null;
    }

    [GeneratedRegex(@"\A[A-Za-z0-9_][A-Za-z0-9_.+@-]{0,127}\z")]
    private static partial Regex UserName();

    [GeneratedRegex(@"\A[A-Za-z0-9_][A-Za-z0-9_.-]{0,252}\z")]
    private static partial Regex HostName();

    [GeneratedRegex(@"\A(/[A-Za-z0-9_.+@-]+)+\z")]
    private static partial Regex SocketPath();

    // Docker, daemon/names: RestrictedNameChars. Podman and nerdctl have the same rule.
    [GeneratedRegex(@"\A[A-Za-z0-9][A-Za-z0-9_.-]{0,254}\z")]
    private static partial Regex ContainerName();

    [GeneratedRegex(@"\A[A-Za-z0-9][A-Za-z0-9_.+-]{0,254}\z")]
    private static partial Regex DockerContextName();

    // Kubernetes: a DNS subdomain name (RFC 1123).
    [GeneratedRegex(@"\A[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?\z")]
    private static partial Regex PodName();

    [GeneratedRegex(@"\A[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\z")]
    private static partial Regex LabelName();

    // Tools name contexts after clusters: arn:aws:eks:REGION:ACCOUNT:cluster/NAME, user@cluster.
    [GeneratedRegex(@"\A[A-Za-z0-9][A-Za-z0-9_.:/@=+-]{0,252}\z")]
    private static partial Regex ContextName();
}
