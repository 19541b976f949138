using System.Net.Security;
using OpenCloud.Build.Client.Tls;

namespace OpenCloud.Build.Client.Engines;

/// <summary>Connects over TCP with TLS. Its files are read with the first connection, before anything is sent.</summary>
internal sealed class TlsConnector(EngineAddress address, EngineConnectOptions options, bool speaksHttp2) : IEngineConnector
{
    private readonly SocketConnector _socket = new(address);
    private readonly Lock _lock = new();
    private TlsHandshake? _handshake;
    private TlsIdentity? _identity;
    private volatile bool _accepted;

    public EngineAddress Address { get; } = address;

    public async ValueTask<Stream> ConnectAsync(CancellationToken cancellationToken)
    {
        try
        {
            TlsHandshake handshake = Prepare();
            Stream socket = await _socket.ConnectAsync(cancellationToken).ConfigureAwait(false);
            TlsStream stream = await handshake.RunAsync(socket, awaitJudgement: !_accepted, cancellationToken).ConfigureAwait(false);
            if (!_accepted)
            {
                _accepted = true;
                Warn(handshake);
            }

            return stream;
        }
        catch (OperationCanceledException e) when (e is not ConnectStalledException)
        {
            throw new ConnectStalledException("accepted the connection, but did not complete the TLS handshake", e);
        }
        catch (TlsException e)
        {
            throw EngineConnectException.From(e, Address);
        }
    }

    /// <summary>The last handshake and the certificates of this client; only after a connection.</summary>
    public (TlsHandshake Handshake, TlsIdentity Identity) Last => (_handshake!, _identity!);

    private TlsHandshake Prepare()
    {
        lock (_lock)
        {
            if (_handshake is null)
            {
                EngineTlsOptions tls = options.Tls ?? new EngineTlsOptions();
                _identity = TlsFiles.Load(tls);
                _handshake = new TlsHandshake(_identity, tls.ServerName ?? Address.Host!, speaksHttp2 ? SslApplicationProtocol.Http2 : SslApplicationProtocol.Http11, options.TimeProvider);
            }

            return _handshake;
        }
    }

    private void Warn(TlsHandshake handshake)
    {
        DateTimeOffset now = options.TimeProvider.GetUtcNow();
        if (handshake.ServerCertificate is { } server && TlsVerdict.Warning($"The certificate of {Address}", server, now) is { } ofServer)
        {
            options.OnWarning?.Invoke(ofServer);
        }

        if (_identity!.Certificate is { } client && TlsVerdict.Warning($"The client certificate '{_identity.CertificateFile}'", client, now) is { } ofClient)
        {
            options.OnWarning?.Invoke(ofClient);
        }
    }
}
