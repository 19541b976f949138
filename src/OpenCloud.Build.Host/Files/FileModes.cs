namespace OpenCloud.Build.Host.Files;

/// <summary>The modes of the files and folders that this module creates.</summary>
internal static class FileModes
{
    public const UnixFileMode OwnerFile = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    public const UnixFileMode OwnerOnly = OwnerFile | UnixFileMode.UserExecute;

    public const UnixFileMode Readable = OwnerFile | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    /// <summary>The mode of programs, and of folders that everybody may enter.</summary>
    public const UnixFileMode Executable = Readable | UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;
}
