using System.Text;
using OpenCloud.Build.Client.Context.Ignore;

namespace OpenCloud.Build.Client.Context.Tree;

/// <summary>Finds files of a directory by a path with wildcards, as in COPY, to explain what an engine did not find.</summary>
internal static class ContextSearch
{
    private const int MostEntries = 10_000;

    /// <summary>The matching paths relative to the root; incomplete in a large tree. Components may have the wildcards of Go's path/filepath.</summary>
    public static List<string> Find(string root, string pattern)
    {
        List<string> found = [""];
        int budget = MostEntries;
        foreach (string component in pattern.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            byte[] name = Encoding.UTF8.GetBytes(component);
            List<string> next = [];
            foreach (string parent in found)
            {
                foreach (string entry in Entries(Path.Combine(root, parent), ref budget))
                {
                    if (NameMatch.IsMatch(name, Encoding.UTF8.GetBytes(entry), out _))
                    {
                        next.Add(parent.Length == 0 ? entry : $"{parent}/{entry}");
                    }
                }
            }

            found = next;
        }

        return found;
    }

    private static List<string> Entries(string directory, ref int budget)
    {
        List<string> names = [];
        try
        {
            foreach (string path in Directory.EnumerateFileSystemEntries(directory))
            {
                if (budget-- <= 0)
                {
                    break;
                }

                names.Add(Path.GetFileName(path));
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Only an explanation is lost.
        }

        return names;
    }
}
