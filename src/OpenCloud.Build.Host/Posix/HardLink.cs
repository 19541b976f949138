using System.Runtime.InteropServices;
using System.Text;

namespace OpenCloud.Build.Host.Posix;

/// <summary>A second name for a file: keeps the old program while its name is given to the new one, without a moment in which there is none.</summary>
internal static class HardLink
{
    /// <summary>Gives a file a second name; one that is there already is replaced.</summary>
    public static void Create(string existing, string added)
    {
        File.Delete(added);
        if (link(Encoding.UTF8.GetBytes(existing + '\0'), Encoding.UTF8.GetBytes(added + '\0')) != 0)
        {
            throw new IOException($"'{existing}' cannot be kept as '{added}': {Marshal.GetLastPInvokeErrorMessage()}");
        }
    }

    [DllImport("libc", SetLastError = true)]
    private static extern int link(byte[] existing, byte[] added);
}
