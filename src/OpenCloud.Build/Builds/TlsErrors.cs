using OpenCloud.Build.Client.Tls;
using OpenCloud.Build.Errors;

namespace OpenCloud.Build.Builds;

/// <summary>The entries of the catalog for problems with TLS.</summary>
internal static class TlsErrors
{
    public static ErrorEntry Of(TlsProblem? problem) => problem switch
    {
        TlsProblem.Untrusted => ErrorCatalog.EngineCertificateUntrusted,
        TlsProblem.Expired => ErrorCatalog.EngineCertificateExpired,
        TlsProblem.WrongName => ErrorCatalog.EngineCertificateWrongName,
        TlsProblem.InvalidCertificate => ErrorCatalog.EngineCertificateInvalid,
        TlsProblem.ClientCertificateMissing => ErrorCatalog.ClientCertificateMissing,
        TlsProblem.ClientCertificateRefused => ErrorCatalog.ClientCertificateRefused,
        TlsProblem.OldVersion => ErrorCatalog.TlsVersionTooOld,
        TlsProblem.NotSpoken => ErrorCatalog.TlsNotSpoken,
        TlsProblem.NotHttp2 => ErrorCatalog.NotAnEngine,
        TlsProblem.KeyExposed => ErrorCatalog.TlsKeyExposed,
        TlsProblem.FileNotTrusted => ErrorCatalog.TlsFileNotTrusted,
        TlsProblem.FileInvalid => ErrorCatalog.TlsFileInvalid,
        TlsProblem.KeyMismatch => ErrorCatalog.TlsKeyMismatch,
        TlsProblem.PasswordNotUsed => ErrorCatalog.TlsPasswordNotUsed,
        TlsProblem.NotApplicable => ErrorCatalog.TlsNotApplicable,
        _ => ErrorCatalog.TlsFailed,
    };
}
