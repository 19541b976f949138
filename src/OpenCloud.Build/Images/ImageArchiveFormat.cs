namespace OpenCloud.Build.Images;

/// <summary>The format of exported images.</summary>
public enum ImageArchiveFormat
{
    /// <summary>An OCI layout in a tar archive, which docker also loads.</summary>
    Tar,

    /// <summary>An OCI layout in a directory.</summary>
    Directory,
}
