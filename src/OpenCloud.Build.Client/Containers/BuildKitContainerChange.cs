namespace OpenCloud.Build.Client.Containers;

/// <summary>What was done to a container with an engine.</summary>
public enum BuildKitContainerChange
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>It was created.</summary>
    Created,

    /// <summary>It was started, or restored after an update that was interrupted.</summary>
    Started,

    /// <summary>It was replaced by one with another image or other settings. The cache was kept.</summary>
    Updated,
}
