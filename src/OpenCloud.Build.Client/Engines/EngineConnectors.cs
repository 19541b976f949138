using OpenCloud.Build.Client.Engines.Remote;
using OpenCloud.Build.Client.Tls;

namespace OpenCloud.Build.Client.Engines;

/// <summary>Creates the connector of an address. A new scheme needs a line here and a connector; callers do not change.</summary>
internal static class EngineConnectors
{
    private static readonly Dictionary<string, Func<EngineAddress, EngineConnectOptions, IEngineConnector>> Factories = new(StringComparer.Ordinal)
    {
        ["unix"] = static (address, options) => new SocketConnector(address, options),
        ["tcp"] = static (address, options) => CreateStream(address, options, speaksHttp2: true),
        ["docker"] = static (address, options) => DockerConnector.Create(address, options),
        [VsockAddress.Scheme] = static (address, _) => new VsockConnector(address),
        [VsockAddress.HybridScheme] = static (address, options) => new HybridVsockConnector(address, options.TimeProvider),
        [RemoteAddress.Ssh] = static (address, options) => new ProgramConnector(address, options),
        [RemoteAddress.DockerOverSsh] = static (address, options) => DockerConnector.Create(address, options),
        [RemoteAddress.DockerContext] = static (address, options) => DockerConnector.Create(address, options),
        [RemoteAddress.DockerContainer] = static (address, options) => new ProgramConnector(address, options),
        [RemoteAddress.PodmanContainer] = static (address, options) => new ProgramConnector(address, options),
        [RemoteAddress.NerdctlContainer] = static (address, options) => new ProgramConnector(address, options),
        [RemoteAddress.KubernetesPod] = static (address, options) => new ProgramConnector(address, options),
        [EngineAddress.NameScheme] = static (address, options) => NamedNodes.CreateFirst(address, options),
        [RemoteAddress.KubernetesDeployment] = static (address, options) => new DeploymentConnector(address, options),
    };

    public static string Expected => "Supported are " + string.Join(", ", Factories.Keys.Select(static s => s + "://"))
        + "; a bare absolute path is a unix socket.";

    public static bool IsSupported(string scheme) => Factories.ContainsKey(scheme);

    /// <summary>The connection below the protocol: a socket, with TLS where the options ask for it. Only then the TLS library is loaded.</summary>
    public static IEngineConnector CreateStream(EngineAddress address, EngineConnectOptions options, bool speaksHttp2) =>
        options.Tls is not null && address.Host is not null ? new TlsConnector(address, options, speaksHttp2) : new SocketConnector(address, options);

    /// <summary>Creates the connector, and refuses disallowed addresses before anything is sent.</summary>
    /// <exception cref="EngineConnectException">Plain TCP to another machine is not allowed (<see cref="EngineConnectReason.NotAllowed"/>),
    /// TLS is requested for an address that is not TCP (<see cref="EngineConnectReason.Tls"/>), or <c>$DOCKER_HOST</c> cannot be used
    /// (<see cref="EngineConnectReason.BadSetting"/>).</exception>
    public static IEngineConnector Create(EngineAddress address, EngineConnectOptions options)
    {
        ArgumentNullException.ThrowIfNull(address);
        ArgumentNullException.ThrowIfNull(options);
        IEngineConnector connector = Factories[address.Scheme](address, options);
        EngineAddress resolved = connector.Address;
        if (options.Tls is not null && resolved.Host is null)
        {
            throw EngineConnectException.From(new TlsException(TlsProblem.NotApplicable, "TLS is possible only for tcp:// and docker://host:port."), resolved);
        }

        return resolved.Host is null || resolved.IsLocal || options.AllowPlainTcp || options.Tls is not null
            ? connector
            : throw new EngineConnectException(
                EngineConnectReason.NotAllowed,
                resolved,
                $"{resolved} is plain TCP to another machine: the build's sources and secrets would be sent unencrypted. Use TLS or another encrypted connection (for example a forwarded unix socket), or allow plain TCP explicitly.");
    }
}
