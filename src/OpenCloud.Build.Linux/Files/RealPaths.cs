using System.Runtime.InteropServices;

namespace OpenCloud.Build.Linux;

internal static class RealPaths
{
    /// <summary>Resolves all links of a path; null when it does not exist.</summary>
    public static string? Resolve(string path)
    {
        nint real = LinuxCalls.RealPath(path, 0);
        if (real == 0)
        {
            return null;
        }

        try
        {
            return Marshal.PtrToStringUTF8(real);
        }
        finally
        {
            LinuxCalls.Free(real);
        }
    }
}
