using System.Net.Security;
using System.Text;
using OpenCloud.Build.Client.Engines.Remote;

namespace OpenCloud.Build.Client.Engines;

/// <summary>
/// Reaches the BuildKit inside a Docker Engine: <c>POST /grpc</c> with an upgrade to h2c on the engine's API socket, answered by 101,
/// after which the connection is HTTP/2 (moby, api/server/router/grpc).
/// </summary>
internal sealed class DockerConnector : IEngineConnector
{
    public const string DefaultSocket = "/var/run/docker.sock";
    private const int PlainPort = 2375;

    private readonly IEngineConnector _way;

    private DockerConnector(EngineAddress address, EngineConnectOptions options)
    {
        Address = address;
        _way = Way(address, options);
    }

    public EngineAddress Address { get; }

    public static DockerConnector Create(EngineAddress address, EngineConnectOptions options) =>
        new(address is { Path: null, Host: null, Remote: null } ? Resolve(options.GetEnvironmentVariable, out _) : address, options);

    /// <summary>The connector to the Engine's API, on which its BuildKit is one request.</summary>
    public static IEngineConnector Way(EngineAddress address, EngineConnectOptions options) =>
        address.Remote is null ? EngineConnectors.CreateStream(address, options, SslApplicationProtocol.Http11) : new ProgramConnector(address, options);

    /// <summary>The address behind <c>docker://</c>: <c>$DOCKER_HOST</c>, else the default socket.</summary>
    /// <exception cref="EngineConnectException">This client cannot connect to <c>$DOCKER_HOST</c>.</exception>
    public static EngineAddress Resolve(Func<string, string?> getEnvironmentVariable, out bool isSet)
    {
        string? value = getEnvironmentVariable("DOCKER_HOST")?.Trim();
        isSet = !string.IsNullOrEmpty(value);
        if (!isSet)
        {
            return EngineAddress.Parse("docker://" + DefaultSocket);
        }

        string problem;
        if (value!.StartsWith("unix://", StringComparison.Ordinal))
        {
            try
            {
                return EngineAddress.Parse("docker://" + EngineAddress.Parse(value).Path);
            }
            catch (FormatException e)
            {
                problem = e.Message;
            }
        }
        else if (value.StartsWith("ssh://", StringComparison.Ordinal))
        {
            try
            {
                return EngineAddress.Parse("docker+" + value);
            }
            catch (FormatException e)
            {
                problem = e.Message;
            }
        }
        else if (value.StartsWith("tcp://", StringComparison.Ordinal))
        {
            // With DOCKER_TLS_VERIFY the docker command uses TLS; a plain connection would ignore the user's setting.
            if (!string.IsNullOrEmpty(getEnvironmentVariable("DOCKER_TLS_VERIFY")))
            {
                problem = "DOCKER_TLS_VERIFY requests TLS, which is not supported.";
            }
            else
            {
                string host = value["tcp://".Length..].TrimEnd('/');
                bool hasPort = host.LastIndexOf(':') > host.LastIndexOf(']');
                try
                {
                    return EngineAddress.Parse($"docker://{(host.StartsWith('/') ? "?" : host)}{(hasPort ? "" : $":{PlainPort}")}");
                }
                catch (FormatException e)
                {
                    problem = e.Message;
                }
            }
        }
        else
        {
            int colon = value.IndexOf("://", StringComparison.Ordinal);
            string scheme = colon is > 0 and < 16 ? $" '{value.AsSpan(0, colon)}'" : "";
            problem = $"its scheme{scheme} is not supported; unix://, tcp:// and ssh:// are.";
        }

        throw new EngineConnectException(EngineConnectReason.BadSetting, null, $"The environment variable DOCKER_HOST cannot be used: {problem}");
    }

    public async ValueTask<Stream> ConnectAsync(CancellationToken cancellationToken)
    {
        Stream stream = await _way.ConnectAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            await stream.WriteAsync(Request(), cancellationToken).ConfigureAwait(false);
            HttpUpgradeAnswer answer = await HttpUpgradeAnswer.ReadAsync(stream, cancellationToken).ConfigureAwait(false);
            if (answer.Status != 101)
            {
                throw new EngineConnectException(
                    answer.Server.Contains("Docker", StringComparison.OrdinalIgnoreCase) ? EngineConnectReason.Rejected : EngineConnectReason.NotAnEngine,
                    Address,
                    Describe(answer));
            }

            if (!answer.Upgrade.Equals("h2c", StringComparison.OrdinalIgnoreCase))
            {
                throw new EngineConnectException(EngineConnectReason.NotAnEngine, Address, $"{Address} switched to the protocol '{answer.Upgrade}' instead of h2c.");
            }

            return stream;
        }
        catch (Exception e)
        {
            // The program's own words explain more than an answer that did not come.
            EngineConnectException? failed = _way is ProgramConnector way && stream is RemoteStream remote && e is IOException and not EngineConnectException
                && !await remote.WaitForDataAsync(cancellationToken).ConfigureAwait(false) ? way.Explain(remote) : null;
            await stream.DisposeAsync().ConfigureAwait(false);
            if (failed is not null)
            {
                throw failed;
            }

            if (e is InvalidDataException)
            {
                throw new EngineConnectException(EngineConnectReason.NotAnEngine, Address, $"{Address} is not a Docker Engine: {e.Message}", e);
            }

            if (e is IOException and not EngineConnectException)
            {
                throw new EngineConnectException(EngineConnectReason.NotAnEngine, Address, $"{Address} closed the connection instead of giving access to its BuildKit: {e.Message}", e);
            }

            throw;
        }
    }

    private string Describe(HttpUpgradeAnswer answer)
    {
        string said = answer.Body.Length == 0 ? $"HTTP {answer.Status}" : $"HTTP {answer.Status}: {answer.Body}";
        string hint = answer.Server switch
        {
            var s when s.StartsWith("Libpod", StringComparison.OrdinalIgnoreCase) => " This is a Podman socket; Podman does not include BuildKit.",
            var s when !s.Contains("Docker", StringComparison.OrdinalIgnoreCase) => " This is not a Docker Engine.",
            _ when answer.Status is 401 or 403 => " An authorization plugin of this Docker Engine denies it.",
            _ when answer.Status is 404 => " This Docker Engine is too old to give access to its BuildKit (18.09 or later is required).",
            _ => "",
        };
        return $"{Address} does not give access to BuildKit ({said}).{hint}";
    }

    private byte[] Request()
    {
        // Go's HTTP server requires a Host; for a unix socket any value works, and the docker client sends this one too.
        string host = Address.Host is { } name ? $"{(name.Contains(':') ? $"[{name}]" : name)}:{Address.Port}" : "localhost";
        return Encoding.ASCII.GetBytes($"POST /grpc HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 0\r\n\r\n");
    }
}
