using System.Management.Automation;

namespace OpenCloud.Build.Errors;

/// <summary>Certificates for engines and their clients. Argument 0 is what happened.</summary>
internal static partial class ErrorCatalog
{
    public static readonly ErrorEntry CertificateNameInvalid = new(
        "CertificateNameInvalid",
        ErrorCategory.InvalidArgument,
        "{0}",
        "Use host names and IP addresses with -Server, and short names with -Client and -Name.");

    public static readonly ErrorEntry CertificateExists = new(
        "CertificateExists",
        ErrorCategory.ResourceExists,
        "{0}",
        "Use -Renew to replace the certificate and its key, or -Name for another directory.");

    public static readonly ErrorEntry CertificateAuthorityUnusable = new(
        "CertificateAuthorityUnusable",
        ErrorCategory.InvalidData,
        "{0}",
        "Restore the directory 'ca' from a backup. An authority that has expired or that others may have read is replaced: use another directory with -Path, and distribute the new certificates to all machines.");

    public static readonly ErrorEntry CertificateDirectoryNotTrusted = new(
        "CertificateDirectoryNotTrusted",
        ErrorCategory.SecurityError,
        "{0}",
        "Use a directory that only you or root can write to: chmod go-w DIRECTORY.");

    public static readonly ErrorEntry CertificateNotFound = new(
        "CertificateNotFound",
        ErrorCategory.ObjectNotFound,
        "{0}",
        "Check -Path, or use -Server or -Client to issue a certificate.");
}
