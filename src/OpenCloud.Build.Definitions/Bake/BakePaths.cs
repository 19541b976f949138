using OpenCloud.Build.Definitions.Model;

namespace OpenCloud.Build.Definitions.Bake;

internal static class BakePaths
{
    public const string LayoutScheme = "oci-layout://";

    private const int MostLinks = 40;

    public static bool IsLayout(string place) => place.StartsWith(LayoutScheme, StringComparison.Ordinal);

    /// <exception cref="DefinitionException">The text cannot be a path.</exception>
    public static string Full(string path, string directory) => path.Contains('\0', StringComparison.Ordinal)
        ? throw new DefinitionException("a path has a NUL character in it.")
        : Path.TrimEndingDirectorySeparator(Path.GetFullPath(Path.Join(Path.IsPathRooted(path) ? null : directory, path)));

    /// <summary>Follows the symbolic links of a path, as far as the path exists.</summary>
    public static string Real(string path)
    {
        Stack<string> rest = new(path.Split('/', StringSplitOptions.RemoveEmptyEntries).Reverse());
        string real = "/";
        int links = 0;
        while (rest.TryPop(out string? part))
        {
            if (part is "." or "..")
            {
                real = part == "." ? real : Path.GetDirectoryName(real) ?? "/";
                continue;
            }

            string next = Path.Join(real, part);
            string? target = links < MostLinks ? new FileInfo(next).LinkTarget : null;
            if (target is null)
            {
                real = next;
                continue;
            }

            links++;
            real = Path.IsPathRooted(target) ? "/" : real;
            foreach (string step in target.Split('/', StringSplitOptions.RemoveEmptyEntries).Reverse())
            {
                rest.Push(step);
            }
        }

        return real;
    }

    public static bool IsWithin(string path, string directory) => directory == "/" || path == directory || path.StartsWith(directory + "/", StringComparison.Ordinal);
}
