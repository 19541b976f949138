using System.Management.Automation;

namespace OpenCloud.Build.Errors;

/// <summary>Connections with TLS. Argument 0 is what happened, in one or more sentences.</summary>
internal static partial class ErrorCatalog
{
    public static readonly ErrorEntry EngineCertificateUntrusted = new(
        "EngineCertificateUntrusted",
        ErrorCategory.SecurityError,
        "{0}",
        "Set -CaCertificate (or ca.pem in -CertificateDirectory) to the certificate of the authority that issued the engine's certificate, as its administrator gives it to you. Do not copy it from the connection itself.");

    public static readonly ErrorEntry EngineCertificateExpired = new(
        "EngineCertificateExpired",
        ErrorCategory.SecurityError,
        "{0}",
        "Check the clock of this machine. Otherwise renew the engine's certificate (New-BuildKitCertificate -Renew) and restart the engine.");

    public static readonly ErrorEntry EngineCertificateWrongName = new(
        "EngineCertificateWrongName",
        ErrorCategory.SecurityError,
        "{0}",
        "Use one of these names in the address, or with -ServerName if it is the engine that you mean. Otherwise issue a certificate with this name (New-BuildKitCertificate -Server).");

    public static readonly ErrorEntry EngineCertificateInvalid = new(
        "EngineCertificateInvalid",
        ErrorCategory.SecurityError,
        "{0}",
        "Issue another certificate for the engine, for the purpose of server authentication and with a valid chain (New-BuildKitCertificate -Server).");

    public static readonly ErrorEntry ClientCertificateMissing = new(
        "ClientCertificateMissing",
        ErrorCategory.AuthenticationError,
        "{0}",
        "Use -Certificate and -Key, or a -CertificateDirectory with cert.pem and key.pem. The engine's administrator issues them (New-BuildKitCertificate -Client).");

    public static readonly ErrorEntry ClientCertificateRefused = new(
        "ClientCertificateRefused",
        ErrorCategory.AuthenticationError,
        "{0}",
        "Use a certificate that is still valid, is meant for clients, and was issued by the authority in the engine's own --tlscacert. The engine's log may say more.");

    public static readonly ErrorEntry TlsVersionTooOld = new(
        "TlsVersionTooOld",
        ErrorCategory.ProtocolError,
        "{0}",
        "Allow TLS 1.2 or 1.3 on the engine, or on the proxy in front of it.");

    public static readonly ErrorEntry TlsNotSpoken = new(
        "TlsNotSpoken",
        ErrorCategory.ProtocolError,
        "{0}",
        "Check the port, and that the engine was started with --tlscert and --tlskey. An engine without TLS is used without the certificate parameters, and only on this machine or with -AllowPlainTcp.");

    public static readonly ErrorEntry TlsFailed = new(
        "TlsFailed",
        ErrorCategory.ProtocolError,
        "{0}",
        "Check the log of the engine, or of the proxy in front of it. 'Test-BuildKitSocket -Detailed' with the same parameters shows which step fails.");

    public static readonly ErrorEntry TlsKeyExposed = new(
        "TlsKeyExposed",
        ErrorCategory.SecurityError,
        "{0}",
        "Make the file readable by its owner only: chmod 600 FILE. If others may have read it, have a new key and certificate issued.");

    public static readonly ErrorEntry TlsFileNotTrusted = new(
        "TlsFileNotTrusted",
        ErrorCategory.SecurityError,
        "{0}",
        "Give the file, and every directory above it, to root or to yourself, and remove the write access of other users: chmod go-w FILE.");

    public static readonly ErrorEntry TlsFileInvalid = new(
        "TlsFileInvalid",
        ErrorCategory.InvalidData,
        "{0}",
        "Check -CaCertificate, -Certificate, -Key, -CertificatePassword and -CertificateDirectory. Certificates and keys are PEM files; -Certificate may also be a PKCS #12 file with the key.");

    public static readonly ErrorEntry TlsKeyMismatch = new(
        "TlsKeyMismatch",
        ErrorCategory.InvalidData,
        "{0}",
        "Use the key that the certificate was issued for.");

    public static readonly ErrorEntry TlsPasswordNotUsed = new(
        "TlsPasswordNotUsed",
        ErrorCategory.InvalidArgument,
        "{0}",
        "Remove -CertificatePassword, or use it with the encrypted key that it belongs to: -Certificate and -Key, a PKCS #12 file as -Certificate, or -CertificateDirectory. For a registered engine, name its files as well.");

    /// <summary>0: the directory.</summary>
    public static readonly ErrorEntry TlsDirectoryAndFiles = new(
        "TlsDirectoryAndFiles",
        ErrorCategory.InvalidArgument,
        "The directory of certificates '{0}' and single files exclude each other.",
        "Use either -CertificateDirectory, or -CaCertificate, -Certificate and -Key.");

    /// <summary>0: the key.</summary>
    public static readonly ErrorEntry TlsCertificateMissing = new(
        "TlsCertificateMissing",
        ErrorCategory.InvalidArgument,
        "The private key '{0}' was given without a certificate.",
        "Set -Certificate to the certificate that was issued for the key.");

    public static readonly ErrorEntry TlsNotApplicable = new(
        "TlsNotApplicable",
        ErrorCategory.InvalidArgument,
        "{0}",
        "Remove the certificate parameters, or use -Address tcp://HOST:PORT.");

    /// <summary>0: the name.</summary>
    public static readonly ErrorEntry InvalidServerName = new(
        "InvalidServerName",
        ErrorCategory.InvalidArgument,
        "The server name '{0}' is neither a host name nor an IP address.",
        "Set -ServerName to a name in the engine's certificate.");
}
