namespace OpenCloud.Build.Testing;

/// <summary>The file descriptors of this process.</summary>
public static class OpenDescriptors
{
    /// <summary>How many are open now, without those of the runtime's assemblies and symbols: it loads them when code first needs them, and keeps them.</summary>
    public static int Count() => Directory.EnumerateFileSystemEntries("/proc/self/fd").Count(static path => Target(path) is { } target
        && !target.EndsWith(".dll", StringComparison.Ordinal) && !target.EndsWith(".pdb", StringComparison.Ordinal) && !target.EndsWith(".so", StringComparison.Ordinal));

    private static string? Target(string path)
    {
        try
        {
            return new FileInfo(path).LinkTarget;
        }
        catch (IOException)
        {
            // It is closed by now.
            return null;
        }
    }
}
