namespace OpenCloud.Build.Client.Images.Registries;

/// <summary>Why a request to a registry failed.</summary>
public enum RegistryFailure
{
    /// <summary>No response: the host is unknown, refuses connections, or the connection was cut too often.</summary>
    Unreachable,

    /// <summary>The certificate is not trusted.</summary>
    Untrusted,

    /// <summary>There are no credentials, or they are wrong.</summary>
    Unauthorized,

    /// <summary>The credentials do not allow it.</summary>
    Denied,

    /// <summary>The registry has no such repository, tag or content.</summary>
    NotFound,

    /// <summary>The registry requires a longer wait than this client accepts.</summary>
    TooManyRequests,

    /// <summary>The response violates the protocol.</summary>
    Invalid,

    /// <summary>Any other error that the registry reports.</summary>
    Refused,
}

/// <summary>A request to a registry failed. The message contains no secrets.</summary>
public sealed class RegistryException : Exception
{
    internal RegistryException(RegistryFailure failure, string registry, string message, Exception? inner = null)
        : base(message, inner)
    {
        Failure = failure;
        Registry = registry;
    }

    /// <summary>The kind of the failure.</summary>
    public RegistryFailure Failure { get; }

    /// <summary>The host of the registry.</summary>
    public string Registry { get; }
}
