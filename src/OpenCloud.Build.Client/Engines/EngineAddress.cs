using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;
using System.Text;
using OpenCloud.Build.Client.Engines.Named;
using OpenCloud.Build.Client.Engines.Remote;

namespace OpenCloud.Build.Client.Engines;

/// <summary>
/// The address of an engine. Immutable; <see cref="ToString"/> gives the full form, which parses to an equal address.
/// </summary>
/// <remarks>
/// <list type="table">
/// <item><term><c>unix:///run/buildkit/buildkitd.sock</c></term><description>a unix socket; short form: an absolute path</description></item>
/// <item><term><c>tcp://127.0.0.1:1234</c>, <c>tcp://[::1]:1234</c></term><description>plain TCP; short form: <c>host:port</c></description></item>
/// <item><term><c>docker://</c></term><description>the BuildKit inside the Docker Engine that <c>$DOCKER_HOST</c> or the current context of the
/// docker command names, else the one at <c>/var/run/docker.sock</c>; short form: <c>docker</c></description></item>
/// <item><term><c>docker:///path/docker.sock</c>, <c>docker://host:port</c></term><description>the BuildKit inside that Docker Engine</description></item>
/// <item><term><c>vsock://3:8088</c></term><description>AF_VSOCK (vsock(7)): the virtual machine with that context id, seen from its host;
/// <c>vsock://host:8088</c> (2), a machine's host, seen from within it; <c>vsock://local:8088</c> (1), the machine itself</description></item>
/// <item><term><c>vsock+unix:///path/vm.sock:8088</c></term><description>the same port of a virtual machine whose monitor (Firecracker, Cloud
/// Hypervisor, vhost-device-vsock) offers its vsock as a unix socket</description></item>
/// <item><term><c>ssh://user@host:22/path.sock</c></term><description>an engine on a machine that the system's ssh reaches, by <c>buildctl dial-stdio</c>
/// there; user, port and socket are optional; <c>docker+ssh://user@host</c>: the BuildKit inside the Docker Engine there</description></item>
/// <item><term><c>docker-context://name</c></term><description>the BuildKit inside the Docker Engine of that context of the docker command</description></item>
/// <item><term><c>docker-container://name?context=c</c>, <c>podman-container://name</c>, <c>nerdctl-container://name?namespace=n</c></term>
/// <description>an engine in a container, by <c>docker exec</c> and the like</description></item>
/// <item><term><c>engine://name</c></term><description>the engine that is registered under that name (<see cref="NamedEngineStore"/>), which may
/// have several nodes; short form, where the name is registered: the name</description></item>
/// <item><term><c>kube-pod://name?context=c&amp;namespace=n&amp;container=d</c></term><description>an engine in a pod, by <c>kubectl exec</c></description></item>
/// <item><term><c>kube-deployment://name?context=c&amp;namespace=n&amp;container=d</c></term><description>the engines in the ready pods of a Deployment or
/// StatefulSet; builds of the same context use the same pod, unless it is busy</description></item>
/// </list>
/// </remarks>
public sealed class EngineAddress : IParsable<EngineAddress>, IEquatable<EngineAddress>
{
    internal const string NameScheme = "engine";

    // sun_path has 108 bytes on Linux, the last of which is the terminating zero (unix(7)).
    private const int LongestSocketPath = 107;

    internal EngineAddress(string scheme, string? path = null, string? host = null, uint port = 0, uint? contextId = null)
    {
        Scheme = scheme;
        Path = path;
        Host = host;
        Port = port;
        ContextId = contextId;
    }

    internal EngineAddress(RemoteAddress remote)
    {
        Scheme = remote.Scheme;
        Remote = remote;
    }

    /// <summary>The scheme, in lower case, for example <c>unix</c> or <c>vsock+unix</c>.</summary>
    public string Scheme { get; }

    /// <summary>The name of a registered engine; null for any other address.</summary>
    public string? Name { get; private init; }

    /// <summary>The parts of an address that a program carries; null for any other.</summary>
    internal RemoteAddress? Remote { get; }

    /// <summary>The path of the unix socket, or null when the address is not a path.</summary>
    public string? Path { get; }

    /// <summary>The host, without the brackets of an IPv6 address; null when the address is not a host.</summary>
    public string? Host { get; }

    /// <summary>The TCP port (1 to 65,535) or the vsock port (1 to 4,294,967,294); 0 when the address has none.</summary>
    public uint Port { get; }

    /// <summary>The context id of a vsock address: 1 for the machine itself, 2 for its host, more for a virtual machine; else null.</summary>
    public uint? ContextId { get; }

    /// <summary>
    /// True when the traffic crosses no network: a unix socket, <c>localhost</c>, 127.0.0.0/8, ::1, and vsock, which uses
    /// the memory of one physical machine, shared by a virtual machine and the host that it trusts anyway. False for
    /// <c>docker://</c>, which must be resolved first.
    /// </summary>
    public bool IsLocal => Path is not null || ContextId is not null || (Host is not null && IsLoopback(Host));

    /// <summary>Whether the engine is reached over vsock: AF_VSOCK, or the unix socket of a virtual machine's monitor.</summary>
    public bool IsVsock => VsockAddress.Is(Scheme);

    /// <summary>Whether the engine is the BuildKit inside a Docker Engine.</summary>
    internal bool IsDocker => Scheme is "docker" or RemoteAddress.DockerOverSsh or RemoteAddress.DockerContext;

    /// <summary>The address of a unix socket.</summary>
    /// <param name="path">An absolute path of at most 107 bytes.</param>
    /// <exception cref="FormatException">The path is relative, too long or has a zero byte.</exception>
    public static EngineAddress ForUnixSocket(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        return Parse("unix://" + path);
    }

    /// <summary>The address of a registered engine. The name is looked up with the connection.</summary>
    /// <param name="name">The name, see <see cref="BuildKitEngine.IsName"/>.</param>
    /// <exception cref="FormatException">The text is not a name.</exception>
    public static EngineAddress ForName(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return Parse($"{NameScheme}://{name}");
    }

    /// <summary>Parses and completes an address.</summary>
    /// <param name="s">The address, see the remarks of the type.</param>
    /// <exception cref="FormatException">The text is not an address; the message says what is wrong and what is expected.</exception>
    public static EngineAddress Parse(string s)
    {
        ArgumentNullException.ThrowIfNull(s);
        return ParseCore(s, out EngineAddress? address) is { } error ? throw new FormatException(error) : address!;
    }

    /// <inheritdoc cref="Parse(string)"/>
    /// <param name="s">The address.</param>
    /// <param name="provider">Not used: addresses are the same in every culture.</param>
    public static EngineAddress Parse(string s, IFormatProvider? provider) => Parse(s);

    /// <summary>Parses and completes an address without throwing.</summary>
    /// <param name="s">The address.</param>
    /// <param name="result">The address, or null.</param>
    public static bool TryParse([NotNullWhen(true)] string? s, [MaybeNullWhen(false)] out EngineAddress result)
    {
        result = null;
        return s is not null && ParseCore(s, out result) is null;
    }

    /// <inheritdoc cref="TryParse(string?, out EngineAddress)"/>
    /// <param name="s">The address.</param>
    /// <param name="provider">Not used.</param>
    /// <param name="result">The address, or null.</param>
    public static bool TryParse([NotNullWhen(true)] string? s, IFormatProvider? provider, [MaybeNullWhen(false)] out EngineAddress result) =>
        TryParse(s, out result);

    /// <summary>The full form of the address.</summary>
    public override string ToString() => Name is not null
        ? $"{Scheme}://{Name}"
        : Remote is not null
        ? Remote.ToString()
        : IsVsock
        ? VsockAddress.Format(this)
        : Path is not null
        ? $"{Scheme}://{Path}"
        : Host is null
            ? $"{Scheme}://"
            : string.Create(CultureInfo.InvariantCulture, $"{Scheme}://{(Host.Contains(':') ? $"[{Host}]" : Host)}:{Port}");

    /// <inheritdoc/>
    public bool Equals(EngineAddress? other) => other is not null
        && Scheme == other.Scheme
        && Path == other.Path
        && string.Equals(Host, other.Host, StringComparison.OrdinalIgnoreCase)
        && Port == other.Port
        && ContextId == other.ContextId
        && string.Equals(Name, other.Name, StringComparison.OrdinalIgnoreCase)
        && Remote == other.Remote;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as EngineAddress);

    /// <inheritdoc/>
    public override int GetHashCode() =>
        HashCode.Combine(Scheme, Path, Host is null ? 0 : StringComparer.OrdinalIgnoreCase.GetHashCode(Host), Port, ContextId, Remote, Name is null ? 0 : StringComparer.OrdinalIgnoreCase.GetHashCode(Name));

    internal static bool IsLoopback(string host) =>
        host.Equals("localhost", StringComparison.OrdinalIgnoreCase)
        || (IPAddress.TryParse(host, out IPAddress? ip) && IPAddress.IsLoopback(ip.IsIPv4MappedToIPv6 ? ip.MapToIPv4() : ip));

    /// <summary>Returns null and sets the address, or returns the fault.</summary>
    private static string? ParseCore(string text, out EngineAddress? address)
    {
        address = null;
        string s = text.Trim();
        if (s.Length == 0)
        {
            return $"An engine address must not be empty. {EngineConnectors.Expected}";
        }

        int colon = s.IndexOf("://", StringComparison.Ordinal);
        if (colon < 0)
        {
            s = Complete(s);
            colon = s.IndexOf("://", StringComparison.Ordinal);
        }

        if (colon < 0)
        {
            return $"{Quote(text)} is not an engine address: a unix socket requires an absolute path, a TCP address requires a host and a port. {EngineConnectors.Expected}";
        }

        string scheme = s[..colon].ToLowerInvariant();
        string rest = s[(colon + 3)..];
        if (!EngineConnectors.IsSupported(scheme))
        {
            return $"{Quote(text)} has the scheme '{(IsSchemeName(scheme) ? scheme : "?")}', which is not supported. {EngineConnectors.Expected}";
        }

        if (RemoteAddress.Is(scheme))
        {
            return RemoteAddress.Parse(scheme, rest, out RemoteAddress? remote) ?? Accept(new EngineAddress(remote!), out address);
        }

        return scheme switch
        {
            NameScheme => BuildKitEngine.IsName(rest)
                ? Accept(new EngineAddress(scheme) { Name = rest }, out address)
                : $"{Quote(text)} has no valid name of an engine: up to 63 letters, digits, '.', '_' and '-' are allowed, and the first is a letter or a digit.",
            "unix" => ParsePath(text, scheme, rest, out address),
            _ when VsockAddress.Is(scheme) => VsockAddress.Parse(Quote(text), scheme, rest, out address),
            "docker" when rest.Length == 0 => Accept(new EngineAddress(scheme), out address),
            "docker" when rest[0] == '/' => ParsePath(text, scheme, rest, out address),
            _ => ParseHost(text, scheme, rest, out address),
        };
    }

    private static string Complete(string s) =>
        s[0] == '/' ? "unix://" + s
        : s == "docker" ? "docker://"
        : s.LastIndexOf(':') is > 0 and var i && i < s.Length - 1 && !s.Contains('/') && s.AsSpan(i + 1).IndexOfAnyExceptInRange('0', '9') < 0 ? "tcp://" + s
        : s;

    private static string? ParsePath(string text, string scheme, string path, out EngineAddress? address)
    {
        address = null;
        return path.Length < 2 || path[0] != '/'
            ? $"{Quote(text)} requires an absolute path after '{scheme}://', for example {scheme}:///run/buildkit/buildkitd.sock."
            : CheckSocketPath(path) ?? Accept(new EngineAddress(scheme, path), out address);
    }

    /// <summary>The reason why no unix socket can have this path; null when it is valid.</summary>
    internal static string? CheckSocketPath(string path)
    {
        if (path.Contains('\0'))
        {
            return "An engine address must not contain a zero character.";
        }

        int bytes = Encoding.UTF8.GetByteCount(path);
        return bytes > LongestSocketPath ? $"The socket path {path} has {bytes} bytes; the limit for the path of a unix socket is {LongestSocketPath}." : null;
    }

    private static string? ParseHost(string text, string scheme, string rest, out EngineAddress? address)
    {
        address = null;
        if (rest.Contains('@'))
        {
            return $"A {scheme}:// address must not carry a user name or a password.";
        }

        string trimmed = rest.EndsWith('/') ? rest[..^1] : rest;
        int at = trimmed.LastIndexOf(':');
        string host = at < 0 ? trimmed : trimmed[..at];
        bool bracketed = host.StartsWith('[') && host.EndsWith(']');
        if (bracketed)
        {
            host = host[1..^1];
        }

        if (at < 0
            || !uint.TryParse(trimmed.AsSpan(at + 1), NumberStyles.None, CultureInfo.InvariantCulture, out uint port)
            || port is < 1 or > 65535)
        {
            return $"{Quote(text)} requires a port between 1 and 65535, for example {scheme}://127.0.0.1:1234.";
        }

        bool valid = bracketed
            ? IPAddress.TryParse(host, out IPAddress? v6) && v6.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6
            : Uri.CheckHostName(host) is UriHostNameType.Dns or UriHostNameType.IPv4;
        return valid
            ? Accept(new EngineAddress(scheme, host: host, port: port), out address)
            : $"{Quote(text)} has no valid host. An IPv6 address must be in brackets, for example {scheme}://[::1]:1234.";
    }

    private static string? Accept(EngineAddress parsed, out EngineAddress? address)
    {
        address = parsed;
        return null;
    }

    private static bool IsSchemeName(string scheme) =>
        scheme.Length is > 0 and <= 32 && scheme.All(static c => char.IsAsciiLetterOrDigit(c) || c is '+' or '-' or '.');

    // The text before an '@' may be a password, which errors must not show.
    private static string Quote(string text) =>
        text.Contains('@') ? "The address" : text.Length > 120 ? $"'{text.AsSpan(0, 120)}…'" : $"'{text}'";
}
