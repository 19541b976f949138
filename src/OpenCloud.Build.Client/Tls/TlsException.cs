namespace OpenCloud.Build.Client.Tls;

/// <summary>TLS failed; the message is one or more whole sentences.</summary>
internal sealed class TlsException(TlsProblem problem, string message, Exception? inner = null) : IOException(message, inner)
{
    public TlsProblem Problem { get; } = problem;
}
