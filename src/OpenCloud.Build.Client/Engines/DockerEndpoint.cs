using OpenCloud.Build.Client.Engines.Remote;
using OpenCloud.Build.Client.Tls;

namespace OpenCloud.Build.Client.Engines;

/// <summary>The Docker Engine that Docker's own configuration names: its variables, a context, or the default socket.</summary>
/// <param name="Address">The resolved address.</param>
/// <param name="Tls">The TLS of the configuration; null for none.</param>
/// <param name="Source">What names it, for example <c>$DOCKER_HOST</c>.</param>
/// <param name="IsSet">Whether a user named it.</param>
internal sealed record DockerEndpoint(EngineAddress Address, EngineTlsOptions? Tls, string Source, bool IsSet)
{
    public const string DefaultSocket = "/var/run/docker.sock";

    private const int PlainPort = 2375;
    private const int TlsPort = 2376;

    /// <summary>
    /// The engine of the docker command: <c>$DOCKER_HOST</c>, else the context of <c>$DOCKER_CONTEXT</c>, else that of <c>docker context use</c>,
    /// else the default socket (docker/cli, cli/command: resolveContextName).
    /// </summary>
    /// <exception cref="EngineConnectException">This client cannot use the setting.</exception>
    public static DockerEndpoint Current(Func<string, string?> getEnvironmentVariable)
    {
        string? Variable(string name) => getEnvironmentVariable(name)?.Trim() is { Length: > 0 } value ? value : null;
        DockerContextFiles files = new(getEnvironmentVariable);
        if (Variable("DOCKER_HOST") is { } host)
        {
            const string What = "The environment variable DOCKER_HOST";
            EngineTlsOptions? tls = null;
            if (host.StartsWith("tcp://", StringComparison.Ordinal))
            {
                if (Variable("DOCKER_TLS_VERIFY") is not null)
                {
                    tls = new EngineTlsOptions { Directory = Variable("DOCKER_CERT_PATH") ?? files.Folder };
                }
                else if (Variable("DOCKER_TLS") is not null)
                {
                    throw Unusable(What, "DOCKER_TLS requests TLS without verification of the certificate, which is not supported. Use DOCKER_TLS_VERIFY.");
                }
            }

            return new DockerEndpoint(Parse(What, host, tls is not null), tls, "$DOCKER_HOST", true);
        }

        string? name = Variable("DOCKER_CONTEXT");
        string source = "$DOCKER_CONTEXT";
        if (name is null)
        {
            source = "Docker's current context";
            try
            {
                name = files.ReadCurrent();
            }
            catch (Exception e) when (e is IOException or InvalidDataException)
            {
                throw Unusable("Docker's configuration", e.Message, e);
            }
        }

        return name is null or DockerContextFiles.Default
            ? new DockerEndpoint(EngineAddress.Parse("docker://" + DefaultSocket), null, "Docker socket", false)
            : OfContext(name, files, $"{source} '{(RemoteAddress.IsContext(name) ? name : "?")}'");
    }

    /// <summary>The engine of a context.</summary>
    /// <exception cref="EngineConnectException">The context does not exist, or this client cannot use it.</exception>
    public static DockerEndpoint OfContext(string name, Func<string, string?> getEnvironmentVariable) => name == DockerContextFiles.Default
        ? Current(variable => variable == "DOCKER_CONTEXT" ? name : getEnvironmentVariable(variable))
        : OfContext(name, new DockerContextFiles(getEnvironmentVariable), $"Docker context '{name}'");

    /// <summary>The engine that an address leaves to Docker's configuration; null for an address that does not.</summary>
    /// <exception cref="EngineConnectException">This client cannot use the setting.</exception>
    public static DockerEndpoint? Find(EngineAddress address, Func<string, string?> getEnvironmentVariable) =>
        address is { Scheme: "docker", Path: null, Host: null } ? Current(getEnvironmentVariable)
        : address.Remote is { Scheme: RemoteAddress.DockerContext, Name: var name } ? OfContext(name, getEnvironmentVariable)
        : null;

    private static DockerEndpoint OfContext(string name, DockerContextFiles files, string source)
    {
        string what = source.StartsWith('$') ? $"The environment variable {source[1..]}" : source.StartsWith("Docker's", StringComparison.Ordinal) ? source : "The " + source;
        if (!RemoteAddress.IsContext(name))
        {
            throw Unusable(what, "the name of a context contains only letters, digits and . _ + -, and begins with a letter or a digit.");
        }

        try
        {
            if (files.Find(name) is not { } endpoint)
            {
                throw Unusable(what, "the context does not exist. 'docker context ls' lists the contexts.");
            }

            bool isTcp = endpoint.Host.StartsWith("tcp://", StringComparison.Ordinal);
            if (isTcp && endpoint.SkipsVerification)
            {
                throw Unusable(what, "it turns the verification of the engine's certificate off, which is not supported.");
            }

            EngineTlsOptions? tls = isTcp && endpoint.Material is { } material ? new EngineTlsOptions { Directory = material } : null;
            return new DockerEndpoint(Parse(what, endpoint.Host, tls is not null), tls, source, true);
        }
        catch (Exception e) when (e is InvalidDataException or IOException and not EngineConnectException)
        {
            throw Unusable(what, e.Message, e);
        }
    }

    /// <summary>Parses an address in Docker's form.</summary>
    private static EngineAddress Parse(string what, string host, bool tls)
    {
        try
        {
            if (host.StartsWith("unix://", StringComparison.Ordinal))
            {
                return EngineAddress.Parse("docker://" + EngineAddress.Parse(host).Path);
            }

            if (host.StartsWith("ssh://", StringComparison.Ordinal))
            {
                return EngineAddress.Parse("docker+" + host);
            }

            if (host.StartsWith("tcp://", StringComparison.Ordinal))
            {
                string place = host["tcp://".Length..].TrimEnd('/');
                bool hasPort = place.LastIndexOf(':') > place.LastIndexOf(']');
                return EngineAddress.Parse($"docker://{(place.StartsWith('/') ? "?" : place)}{(hasPort ? "" : $":{(tls ? TlsPort : PlainPort)}")}");
            }
        }
        catch (FormatException e)
        {
            throw Unusable(what, e.Message, e);
        }

        int colon = host.IndexOf("://", StringComparison.Ordinal);
        string scheme = colon is > 0 and < 16 && host.AsSpan(0, colon).IndexOfAnyExceptInRange('a', 'z') < 0 ? $" '{host.AsSpan(0, colon)}'" : "";
        throw Unusable(what, $"its scheme{scheme} is not supported; unix://, tcp:// and ssh:// are.");
    }

    private static EngineConnectException Unusable(string what, string problem, Exception? inner = null) =>
        new(EngineConnectReason.BadSetting, null, $"{what} cannot be used: {problem}", inner);
}
