using System.Text;
using OpenCloud.Build.Client.Engines.Remote;
using OpenCloud.Build.Client.Streams;

namespace OpenCloud.Build.Client.Engines;

/// <summary>
/// Reaches the BuildKit inside a Docker Engine: <c>POST /grpc</c> with an upgrade to h2c on the engine's API socket, answered by 101,
/// after which the connection is HTTP/2 (moby, api/server/router/grpc).
/// </summary>
internal sealed class DockerConnector : IEngineConnector, IDisposable
{
    private DockerConnector(EngineAddress address, IEngineConnector api)
    {
        Address = address;
        Api = api;
    }

    /// <summary>
    /// The resolved address, or the address of the setting when that has TLS: only Docker's configuration names the certificates, so that a later
    /// connection must ask it again.
    /// </summary>
    public EngineAddress Address { get; }

    /// <summary>The connector to the Engine's API, on which its BuildKit is one request.</summary>
    public IEngineConnector Api { get; }

    /// <exception cref="EngineConnectException">This client cannot use Docker's setting.</exception>
    public static DockerConnector Create(EngineAddress address, EngineConnectOptions options)
    {
        DockerEndpoint? endpoint = DockerEndpoint.Find(address, options.GetEnvironmentVariable);
        EngineAddress resolved = endpoint?.Address ?? address;
        bool hasTls = endpoint?.Tls is not null && options.Tls is null;
        EngineConnectOptions way = hasTls ? options with { Tls = endpoint!.Tls } : options;
        return new DockerConnector(
            hasTls ? address : resolved,
            resolved.Remote is null ? EngineConnectors.CreateStream(resolved, way, speaksHttp2: false) : new ProgramConnector(resolved, way));
    }

    public void Dispose() => (Api as IDisposable)?.Dispose();

    public async ValueTask<Stream> ConnectAsync(CancellationToken cancellationToken)
    {
        Stream stream = await Api.ConnectAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            await stream.WriteAsync(Request(), cancellationToken).ConfigureAwait(false);
            if (Api is ProgramConnector program && stream is RemoteStream started)
            {
                await program.AwaitAnswerAsync(started, (byte)'H', cancellationToken).ConfigureAwait(false);
            }

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
            EngineConnectException? failed;
            try
            {
                failed = Api is ProgramConnector way && stream is RemoteStream remote && e is IOException and not EngineConnectException
                    && await remote.PeekAsync(cancellationToken).ConfigureAwait(false) is null ? way.Explain(remote) : null;
            }
            finally
            {
                await stream.DisposeAsync().ConfigureAwait(false);
            }

            if (failed is not null)
            {
                throw failed;
            }

            if (e is OperationCanceledException cancelled and not ConnectStalledException)
            {
                throw new ConnectStalledException("accepted the connection, but did not answer", cancelled);
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
