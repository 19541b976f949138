namespace OpenCloud.Build.Client.Engines.Deployments;

/// <summary>How engines run on Kubernetes.</summary>
public enum BuildKitDeploymentKind
{
    /// <summary>A Deployment: pods without an identity, whose cache ends with them.</summary>
    Deployment = 0,

    /// <summary>A StatefulSet: pods that keep their names, and with a size of the cache also their volumes.</summary>
    StatefulSet,
}
