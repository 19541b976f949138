using System.Runtime.InteropServices;

namespace OpenCloud.Build.Linux;

/// <summary>Paths with every link followed.</summary>
internal static class RealPaths
{
    /// <summary>The real path of what is there; null when it is not.</summary>
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
