namespace OpenCloud.Build.Linux.Files;

/// <summary>What the kernel says of an open file.</summary>
/// <param name="Mode">Type and permissions.</param>
/// <param name="Size">Bytes; means nothing for pipes and devices.</param>
/// <param name="Modified">Nanoseconds since 1970.</param>
internal readonly record struct FileState(int Mode, long Size, long Modified)
{
    private const int TypeMask = 0xF000;

    public bool IsRegular => (Mode & TypeMask) == 0x8000;

    public bool IsDirectory => (Mode & TypeMask) == 0x4000;

    public bool IsLink => (Mode & TypeMask) == 0xA000;

    /// <summary>What it is, for people.</summary>
    public string Describe() => (Mode & TypeMask) switch
    {
        0x8000 => "a regular file",
        0x4000 => "a directory",
        0xA000 => "a symbolic link",
        0x1000 => "a named pipe",
        0xC000 => "a socket",
        _ => "a device",
    };
}
