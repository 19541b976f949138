namespace OpenCloud.Build.Client.Certificates;

/// <summary>A set of certificates was not issued; nothing was written.</summary>
public sealed class CertificateSetException : Exception
{
    internal CertificateSetException(CertificateSetProblem problem, string message, Exception? inner = null)
        : base(message, inner) => Problem = problem;

    /// <summary>Why.</summary>
    public CertificateSetProblem Problem { get; }
}
