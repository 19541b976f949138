using Microsoft.Win32.SafeHandles;

namespace OpenCloud.Build.Linux;

/// <summary>Hard links. They keep the old program while its name goes to the new one, so that the name always exists.</summary>
internal static class HardLink
{
    /// <summary>Creates a second name for a file; replaces an existing one.</summary>
    public static void Create(string existing, string added)
    {
        WholeFile.Remove(added);
        using SafeFileHandle from = DirectoryWalk.OpenParent(existing, out byte[] old);
        using SafeFileHandle to = DirectoryWalk.OpenParent(added, out byte[] name);
        if (LinuxCalls.MakeLink(DirectoryWalk.Number(from), old, DirectoryWalk.Number(to), name) != 0)
        {
            throw LinuxCalls.Failure($"Cannot create the hard link '{added}' to", existing, LinuxCalls.LastError);
        }
    }
}
