using System.Globalization;

namespace OpenCloud.Build.Testing;

/// <summary>What a process and its descendants do at a moment, out of /proc.</summary>
public static class ProcessTree
{
    /// <summary>A line for each process: its identifier, state, the kernel function it waits in, and its command line.</summary>
    /// <param name="root">The first process.</param>
    public static string Describe(int root) => string.Join('\n', Lines(root, 0));

    private static IEnumerable<string> Lines(int process, int depth)
    {
        string folder = $"/proc/{process}";
        string state = Read($"{folder}/status").Split('\n').FirstOrDefault(static line => line.StartsWith("State:", StringComparison.Ordinal)) ?? "ended";
        string command = Read($"{folder}/cmdline").TrimEnd('\0').Replace('\0', ' ');
        yield return $"{new string(' ', depth * 2)}{process} {state.Replace('\t', ' ')} {Read($"{folder}/wchan")} {command}";
        foreach (string child in Read($"{folder}/task/{process}/children").Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            foreach (string line in Lines(int.Parse(child, CultureInfo.InvariantCulture), depth + 1))
            {
                yield return line;
            }
        }
    }

    private static string Read(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (IOException)
        {
            return "";
        }
    }
}
