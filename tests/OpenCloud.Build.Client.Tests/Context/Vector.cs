using System.Reflection;

namespace OpenCloud.Build.Client.Tests.Context;

/// <summary>Results that moby/patternmatcher and fsutil themselves gave for random input; see Vectors/README.md.</summary>
internal static class Vector
{
    public static IEnumerable<string> Lines(string name)
    {
        // A larger set can be tried without being kept: OPENCLOUD_BUILD_VECTORS names a directory of such files.
        string? elsewhere = Environment.GetEnvironmentVariable("OPENCLOUD_BUILD_VECTORS");
        string? path = elsewhere is null ? null : Path.Combine(elsewhere, name);
        using Stream stream = path is not null && File.Exists(path)
            ? File.OpenRead(path)
            : Assembly.GetExecutingAssembly().GetManifestResourceStream(name)!;
        using StreamReader reader = new(stream);
        while (reader.ReadLine() is { } line)
        {
            yield return line;
        }
    }

    public static List<byte[]> Paths(string hex) =>
        hex.Length == 0 ? [] : [.. hex.Split(',').Select(Convert.FromHexString)];
}
