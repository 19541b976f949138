namespace OpenCloud.Build.Host;

/// <summary>The worker that runs build containers.</summary>
public enum BuildKitWorker
{
    /// <summary>containerd; built images are placed in its store.</summary>
    Containerd,

    /// <summary>BuildKit itself, with its own runc and store.</summary>
    Oci,
}
