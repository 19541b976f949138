using System.Globalization;
using System.Text;

namespace OpenCloud.Build.Host.Prechecks;

internal sealed record MountEntry(string Point, string Type, IReadOnlyList<string> Options, IReadOnlyList<string> SuperOptions)
{
    /// <summary>Whether an option is set on this mount or on its file system.</summary>
    public bool Has(string option) => Options.Contains(option) || SuperOptions.Contains(option);
}

/// <summary>The mounts of a process, as <c>/proc/self/mountinfo</c> lists them (proc_pid_mountinfo(5)).</summary>
internal sealed class MountTable
{
    private readonly List<MountEntry> _entries = [];

    private MountTable()
    {
    }

    /// <summary>Parses the list and skips malformed lines.</summary>
    public static MountTable Parse(string? mountinfo)
    {
        MountTable table = new();
        foreach (string line in (mountinfo ?? string.Empty).Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            // 36 35 98:0 /root /mount/point options optional-fields... - type source super-options
            string[] fields = line.Split(' ');
            int dash = Array.IndexOf(fields, "-", Math.Min(6, fields.Length));
            if (fields.Length > 5 && dash > 0 && dash + 3 < fields.Length)
            {
                table._entries.Add(new MountEntry(Unescape(fields[4]), fields[dash + 1], fields[5].Split(','), fields[dash + 3].Split(',')));
            }
        }

        return table;
    }

    /// <summary>The mount that contains a path: the deepest one, and the last of several at one mount point; null when there is none.</summary>
    public MountEntry? Of(string path)
    {
        MountEntry? best = null;
        foreach (MountEntry entry in _entries)
        {
            bool inside = entry.Point == "/" || path == entry.Point || path.StartsWith(entry.Point + "/", StringComparison.Ordinal);
            if (inside && (best is null || entry.Point.Length >= best.Point.Length))
            {
                best = entry;
            }
        }

        return best;
    }

    // Spaces, tabs, newlines and backslashes are escaped as three octal digits.
    private static string Unescape(string text)
    {
        if (!text.Contains('\\', StringComparison.Ordinal))
        {
            return text;
        }

        List<byte> bytes = new(text.Length);
        for (int i = 0; i < text.Length; i++)
        {
            if (text[i] == '\\' && i + 3 < text.Length && text[(i + 1)..(i + 4)].All(c => c is >= '0' and <= '7'))
            {
                bytes.Add((byte)Convert.ToInt32(text[(i + 1)..(i + 4)].ToString(CultureInfo.InvariantCulture), 8));
                i += 3;
            }
            else
            {
                bytes.AddRange(Encoding.UTF8.GetBytes(text[i].ToString()));
            }
        }

        return Encoding.UTF8.GetString([.. bytes]);
    }
}
