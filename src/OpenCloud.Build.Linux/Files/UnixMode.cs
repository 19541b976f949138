namespace OpenCloud.Build.Linux;

/// <summary>The bits of <c>st_mode</c>, the same on every Linux.</summary>
internal static class UnixMode
{
    public const uint TypeMask = 0xF000;
    public const uint NamedPipe = 0x1000;
    public const uint CharacterDevice = 0x2000;
    public const uint Directory = 0x4000;
    public const uint BlockDevice = 0x6000;
    public const uint Regular = 0x8000;
    public const uint Symlink = 0xA000;
    public const uint Socket = 0xC000;
    public const uint SetUserId = 0x800;
    public const uint SetGroupId = 0x400;
    public const uint Sticky = 0x200;

    public static string Describe(uint type) => type switch
    {
        Regular => "a regular file",
        Directory => "a directory",
        Symlink => "a symbolic link",
        NamedPipe => "a named pipe",
        Socket => "a socket",
        _ => "a device",
    };
}
