using Microsoft.Win32.SafeHandles;

namespace OpenCloud.Build.Linux;

/// <summary>A second name for a file: keeps the old program while its name is given to the new one, without a moment in which there is none.</summary>
internal static class HardLink
{
    /// <summary>Gives a file a second name; one that is there already is replaced.</summary>
    public static void Create(string existing, string added)
    {
        WholeFile.Remove(added);
        using SafeFileHandle from = DirectoryWalk.OpenParent(existing, out byte[] old);
        using SafeFileHandle to = DirectoryWalk.OpenParent(added, out byte[] name);
        if (LinuxCalls.MakeLink(DirectoryWalk.Number(from), old, DirectoryWalk.Number(to), name) != 0)
        {
            throw LinuxCalls.Failure($"Cannot keep as '{added}'", existing, LinuxCalls.LastError);
        }
    }
}
