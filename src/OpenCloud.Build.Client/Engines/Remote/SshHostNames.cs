using System.Text;

namespace OpenCloud.Build.Client.Engines.Remote;

/// <summary>The hosts that <c>~/.ssh/config</c> and the files that it includes name, without their patterns (ssh_config(5)).</summary>
internal static class SshHostNames
{
    private const int LargestFile = 1 << 20;
    private const int MostFiles = 64;
    private const int Deepest = 16;

    public static IReadOnlyList<string> List(string home)
    {
        List<string> hosts = [];
        int files = 0;
        Read(Path.Join(home, ".ssh/config"), home, 0, hosts, ref files);
        return [.. hosts.Where(static host => RemoteAddress.Parse(RemoteAddress.Ssh, host, out RemoteAddress? parsed) is null && parsed!.Name == host).Distinct(StringComparer.Ordinal)];
    }

    private static void Read(string path, string home, int depth, List<string> hosts, ref int files)
    {
        if (depth > Deepest || ++files > MostFiles || !File.Exists(path))
        {
            return;
        }

        string text;
        try
        {
            text = Encoding.UTF8.GetString(InputFile.ReadRegular(path, LargestFile).Bytes);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Another file may be readable.
            return;
        }

        foreach (string line in text.Split('\n'))
        {
            string[] words = line.Split((char[])[' ', '\t', '=', '\r', '"'], StringSplitOptions.RemoveEmptyEntries);
            if (words.Length > 1 && words[0].Equals("Host", StringComparison.OrdinalIgnoreCase))
            {
                hosts.AddRange(words.Skip(1));
            }
            else if (words.Length > 1 && words[0].Equals("Include", StringComparison.OrdinalIgnoreCase))
            {
                foreach (string included in words.Skip(1).SelectMany(pattern => Expand(pattern, home)))
                {
                    Read(included, home, depth + 1, hosts, ref files);
                }
            }
        }
    }

    // Names without a directory are below ~/.ssh. Only the last part is a pattern here.
    private static IEnumerable<string> Expand(string pattern, string home)
    {
        string path = pattern.StartsWith("~/", StringComparison.Ordinal) ? Path.Join(home, pattern[2..])
            : pattern.StartsWith('/') ? pattern
            : Path.Join(home, ".ssh", pattern);
        string? folder = Path.GetDirectoryName(path);
        string name = Path.GetFileName(path);
        if (!name.AsSpan().ContainsAny('*', '?'))
        {
            return [path];
        }

        try
        {
            return [.. Directory.EnumerateFiles(folder ?? "/", name).Take(MostFiles).Order(StringComparer.Ordinal)];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }
}
