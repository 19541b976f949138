namespace OpenCloud.Build.Client.Containers;

/// <summary>Why a container with an engine was not made, changed or removed.</summary>
public enum BuildKitContainerProblem
{
    /// <summary>The name of the container, the network or the volume is invalid. Nothing was sent.</summary>
    InvalidName = 0,

    /// <summary>There is no such container.</summary>
    NotFound,

    /// <summary>A container or volume of that name exists, and this library did not make it.</summary>
    Foreign,

    /// <summary>A container of that name exists and has another image or other settings.</summary>
    Different,

    /// <summary>The network does not exist.</summary>
    NetworkNotFound,

    /// <summary>The image is not in the Docker Engine or in containerd, or the archive does not have exactly one image.</summary>
    ImageUnusable,

    /// <summary>The store does not run containers for this library, or not such ones.</summary>
    Unsupported,

    /// <summary>The docker command of this user does not reach the Docker Engine that runs the container.</summary>
    Unreachable,

    /// <summary>The engine in the container did not answer. The change was undone.</summary>
    NotReady,

    /// <summary>The change failed, and not all of it could be undone.</summary>
    NotUndone,

    /// <summary>The folders of containers of containerd can be changed by another user, or not by this one.</summary>
    FolderUnusable,
}
