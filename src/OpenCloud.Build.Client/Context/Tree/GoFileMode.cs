namespace OpenCloud.Build.Client.Context.Tree;

/// <summary>The mode of a STAT packet: Go's <c>os.FileMode</c>, whose bits are not those of <c>st_mode</c>.</summary>
/// <remarks>Source: Go's <c>io/fs</c> (FileMode) and <c>os/stat_linux.go</c>.</remarks>
internal static class GoFileMode
{
    public const uint Directory = 1u << 31;
    public const uint Symlink = 1u << 27;
    public const uint Device = 1u << 26;
    public const uint NamedPipe = 1u << 25;
    public const uint Socket = 1u << 24;
    public const uint SetUserId = 1u << 23;
    public const uint SetGroupId = 1u << 22;
    public const uint CharacterDevice = 1u << 21;
    public const uint Sticky = 1u << 20;
    public const uint Irregular = 1u << 19;

    /// <summary>The bits that make an entry something else than a regular file.</summary>
    public const uint TypeMask = Directory | Symlink | NamedPipe | Socket | Device | CharacterDevice | Irregular;

    public static uint FromUnix(uint mode)
    {
        uint result = mode & 0x1FF;
        result |= (mode & UnixMode.TypeMask) switch
        {
            UnixMode.BlockDevice => Device,
            UnixMode.CharacterDevice => Device | CharacterDevice,
            UnixMode.Directory => Directory,
            UnixMode.NamedPipe => NamedPipe,
            UnixMode.Symlink => Symlink,
            UnixMode.Socket => Socket,
            _ => 0,
        };
        result |= (mode & UnixMode.SetUserId) != 0 ? SetUserId : 0;
        result |= (mode & UnixMode.SetGroupId) != 0 ? SetGroupId : 0;
        result |= (mode & UnixMode.Sticky) != 0 ? Sticky : 0;
        return result;
    }
}
