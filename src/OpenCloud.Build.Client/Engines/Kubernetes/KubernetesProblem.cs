namespace OpenCloud.Build.Client.Engines.Kubernetes;

/// <summary>Why a request to a Kubernetes cluster failed.</summary>
public enum KubernetesProblem
{
    /// <summary>Another reason; the message contains what kubectl reports.</summary>
    Other = 0,

    /// <summary>A value is not valid. Nothing was started.</summary>
    InvalidInput,

    /// <summary>kubectl is not on this machine.</summary>
    ProgramNotFound,

    /// <summary>The configuration of kubectl has no such context.</summary>
    ContextNotFound,

    /// <summary>The namespace does not exist.</summary>
    NamespaceNotFound,

    /// <summary>The object does not exist.</summary>
    NotFound,

    /// <summary>An object of that name exists and does not belong to this project, or is of another kind.</summary>
    Exists,

    /// <summary>Another manager owns a field with another value.</summary>
    Conflict,

    /// <summary>The user of the context may not do that.</summary>
    Forbidden,

    /// <summary>The cluster does not accept the login of the context.</summary>
    LoginRefused,

    /// <summary>The API server cannot be reached.</summary>
    Unreachable,

    /// <summary>kubectl did not end in time.</summary>
    TimedOut,

    /// <summary>The API server rejects an object.</summary>
    Rejected,

    /// <summary>The certificates cannot be used; <see cref="KubernetesException.Tls"/> says why. Nothing was started.</summary>
    Certificates,

    /// <summary>The pods of a deployment did not become ready in time.</summary>
    NotReady,
}
