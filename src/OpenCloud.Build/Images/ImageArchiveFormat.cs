namespace OpenCloud.Build.Images;

/// <summary>How images are written.</summary>
public enum ImageArchiveFormat
{
    /// <summary>An OCI layout in a tar, which docker loads as well.</summary>
    Tar,

    /// <summary>An OCI layout in a directory.</summary>
    Directory,
}
