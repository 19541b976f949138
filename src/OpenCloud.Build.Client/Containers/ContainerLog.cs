using System.Text;
using OpenCloud.Build.Client.Text;

namespace OpenCloud.Build.Client.Containers;

/// <summary>The end of a container's log, which other programs write.</summary>
internal static class ContainerLog
{
    private const int MostOfLog = 64 * 1024;
    private const int LongestText = 600;
    private const int Lines = 5;

    /// <summary>The last lines of a file as one line; empty when there is none.</summary>
    public static string ReadEnd(string path)
    {
        try
        {
            using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            file.Seek(-Math.Min(file.Length, MostOfLog), SeekOrigin.End);
            byte[] end = new byte[MostOfLog];
            int length = file.ReadAtLeast(end, end.Length, throwOnEndOfStream: false);
            string[] lines = Encoding.UTF8.GetString(end, 0, length).Split('\n', StringSplitOptions.RemoveEmptyEntries);
            return Bounded(string.Join('\n', lines.TakeLast(Lines)));
        }
        catch (IOException)
        {
            return string.Empty;
        }
    }

    /// <summary>A log as one line that may be shown.</summary>
    public static string Bounded(string log) => TerminalText.Bounded(TerminalText.Line(log.Trim()), LongestText);
}
