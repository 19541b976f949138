namespace OpenCloud.Build.Client.Certificates;

/// <summary>Why a set of certificates was not issued.</summary>
public enum CertificateSetProblem
{
    /// <summary>A name is neither a host name nor an IP address, or not fit for a directory.</summary>
    InvalidName = 0,

    /// <summary>The set exists, and was not to be renewed.</summary>
    Exists,

    /// <summary>The authority has expired, its files are damaged, or its key is accessible to others.</summary>
    AuthorityUnusable,

    /// <summary>Other users can change the directory.</summary>
    DirectoryNotTrusted,

    /// <summary>There is nothing to renew.</summary>
    NotFound,
}
